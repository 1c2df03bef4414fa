import { afterAll, beforeAll, expect, it } from "vitest";
import type { Query } from "../../src/db/client.ts";
import { type Place, readEntries, START } from "../../src/events/log.ts";
import { newId } from "../../src/ids.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

const EVENTS = 5000;
const PAGE = 50;

let homing: TestGateway;
let middle: Place;

/** A log of some length that the planner knows well. */
beforeAll(async () => {
  homing = await startGateway("postgres");
  const { database, databaseClock, epoch } = homing.gateway;
  const ids = Array.from({ length: EVENTS }, () => newId(databaseClock.now()));
  await database.query(
    `insert into events (id, epoch, workspace_id, name, occurred_at, body)
     select id::uuid, $2, '__org__', 'contact.created', now(), '{}' from json_array_elements_text($1::text::json) id`,
    [JSON.stringify(ids), epoch],
  );
  await database.query("analyze events");
  middle = (await readEntries(database.query, START, {}, EVENTS / 2)).next;
});
afterAll(() => homing.close());

it.each(["query", "hot"] as const)("a page of the log costs a page, however long the log is (%s)", async (connection) => {
  const query = homing.gateway.database[connection];
  for (const from of [START, middle]) {
    const plans: { Plan: Node }[] = [];
    const explained = async (text: string, parameters?: unknown[]) => {
      const [row] = await query<{ "QUERY PLAN": typeof plans }>(`explain (analyze, format json) ${text}`, parameters);
      plans.push(...(row?.["QUERY PLAN"] ?? []));
      return [];
    };
    await readEntries(explained as Query, from, {}, PAGE);
    expect(rowsOf(plans[0]?.Plan as Node)).toBe(PAGE);
  }
});

type Node = { "Actual Rows": number; Plans?: Node[] };

/** The most that any part of a plan has touched. */
function rowsOf(node: Node): number {
  return Math.max(node["Actual Rows"], ...(node.Plans ?? []).map(rowsOf));
}
