// A process of its own with customers' systems, good and bad: what they cost is not the gateway's. Tells its parent where they are, and when the
// healthy one was told of which event.
import { createServer as createTcpServer } from "node:net";
import { startReceiver } from "../../support/receiver.ts";

const misbehaviours: Record<string, Parameters<typeof startReceiver>[0]> = {
  "hangs for ever": () => {},
  "answers 500": (_, response) => void response.writeHead(500).end(),
  redirects: (_, response) => void response.writeHead(302, { location: "https://elsewhere.example/" }).end(),
  "answers 429": (_, response) => void response.writeHead(429, { "retry-after": "1" }).end(),
  "closes half-way": (_, __, request) => void request.socket.destroy(),
  "sends 100 MB back": (_, response) => {
    const chunk = Buffer.alloc(64 << 10, "x");
    let sent = 0;
    const more = () => {
      while (sent < 1600 && !response.destroyed) {
        sent += 1;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  },
};

const tell = (message: object) => process.send?.(message);
const healthy = await startReceiver(({ headers }, response) => {
  tell({ id: headers["webhook-id"], at: performance.timeOrigin + performance.now() });
  response.end();
});
const bad: Record<string, string> = { "is not there": "http://127.0.0.1:1024/" };
for (const [name, misbehave] of Object.entries(misbehaviours)) bad[name] = (await startReceiver(misbehave)).url;
// It takes the connection and never says a word of TLS.
const silent = createTcpServer((socket) => void socket.on("error", () => {}));
await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
bad["never speaks TLS"] = `https://127.0.0.1:${(silent.address() as { port: number }).port}/`;
tell({ healthy: healthy.url, bad });
process.on("disconnect", () => process.exit());
