import type { Event } from "../../src/events/build.ts";
import { until } from "./until.ts";

/** A stream of events that is being followed, until it ends or is stopped. */
export type Following = {
  events: { id: string; data: Event }[];
  /** Everything that came, comments too. */
  text(): string;
  comments(): number;
  /** Resolves when so many events have come. */
  came(count: number): Promise<void>;
  /** Resolves when the other side ended it. */
  ended: Promise<void>;
  stop(): Promise<void>;
};

/** Follows the log; resolves when the gateway has said that it is connected. @throws what was answered instead of a stream. */
export async function follow(url: string, token: string, query = "", lastEventId?: string): Promise<Following> {
  const stopping = new AbortController();
  const headers = { authorization: `Bearer ${token}`, ...(lastEventId && { "last-event-id": lastEventId }) };
  const response = await fetch(`${url}/v1/events/stream${query}`, { headers, signal: stopping.signal });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  let text = "";
  const events: Following["events"] = [];
  const read = async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body ?? []) {
      const more = decoder.decode(chunk, { stream: true });
      text += more;
      const blocks = (rest + more).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        if (fields.data) events.push({ id: fields.id ?? "", data: JSON.parse(fields.data) });
      }
    }
  };
  const ended = read().catch(() => {});
  await until(
    () => text,
    (all) => all.startsWith(": connected\n\n"),
  );
  return {
    ...{ events, ended },
    text: () => text,
    comments: () => text.split(": still here\n\n").length - 1,
    came: async (count) =>
      void (await until(
        () => events.length,
        (come) => come >= count,
      )),
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
