// A customer's system that accepts every webhook and counts them, a process of its own. Tells where it listens; then, for each number that it is
// sent, when so many different ones have come.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const seen = new Set<string>();
let asked: number | undefined;
const check = () => {
  if (asked === undefined || seen.size < asked) return;
  process.send?.({ count: seen.size, at: performance.timeOrigin + performance.now() });
  asked = undefined;
};
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    seen.add(String(request.headers["webhook-id"]));
    response.end();
    check();
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("message", (count: number) => {
  asked = count;
  check();
});
process.on("disconnect", () => process.exit());
