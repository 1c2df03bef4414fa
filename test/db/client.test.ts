import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openPostgres } from "../../src/db/client.ts";
import { lookUp } from "../../src/inbound/lookup.ts";
import { Plan, write } from "../../src/inbound/write.ts";
import { freshDatabase } from "../support/gateway.ts";

describe("the hot connections", () => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase("postgres");
    remove = fresh.remove;
    database = openPostgres(fresh.settings.DATABASE_URL as string);
  });
  afterAll(async () => {
    await database.close();
    await remove();
  });

  it("leave the planner no scan of a whole table, though all tables are empty when the plans are made", async () => {
    const settings = await database.hot<{ name: string; setting: string }>(
      "select name, setting from pg_settings where name in ('jit', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'plan_cache_mode') order by name",
    );
    expect(settings.map((one) => one.setting)).toEqual(["off", "off", "off", "off", "force_generic_plan"]);

    const plans: string[] = [];
    const explain = async <Row>(text: string, parameters: unknown[] = []): Promise<Row[]> => {
      const values = parameters.map((value) => (value instanceof Uint8Array ? "''" : `'${String(value).replaceAll("'", "''")}'`));
      await database.transaction(async (query) => {
        await query(`prepare explained as ${text}`);
        const rows = await query<{ "QUERY PLAN": string }>(`explain (costs off) execute explained(${values.join(", ")})`);
        plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
        await query("deallocate explained");
      });
      return [];
    };
    const id = "00000000-0000-7000-8000-000000000000";
    await lookUp(explain, { references: ["x customer:1"], workspaces: [id], keys: [id] });
    const plan = new Plan(1);
    plan.returned.push({
      waiting_id: id,
      verdict: "event",
      reason: null,
      event_id: id,
      workspace_id: id,
      workspace_term: "1",
      cause: "binding",
      done_by: null,
      ways: [],
    });
    plan.keys.push({ natural_key: id, owner: "1", event_id: id, callback_id: id });
    plan.ambiguous.push({ reference: "x customer:1", workspace_id: id });
    plan.expired.push("x customer:1");
    plan.stillWaiting.push({ id, reason: "no_reference_bound" });
    plan.states.set("key", { key: id, workspace_id: id, adapter: "x", kind: "plan", fields: {}, at: 0, stored: true });
    await write(explain, plan);

    expect(plans).toHaveLength(2);
    for (const told of plans) {
      const tables = told
        .split("\n")
        .filter((line) => / on (callbacks|kept_callbacks|event_keys|waiting|bindings|workspaces|snapshots)/.test(line));
      expect(tables.filter((line) => /Seq Scan/.test(line))).toEqual([]);
      expect(told).not.toMatch(/Hash Join|Merge Join/);
      // An index that is read from end to end is a scan of the whole table, too.
      const blocks = told.split(/(?=^ *->)/m).filter((block) => /^ *->.*Index.* Scan using/.test(block));
      expect(blocks.filter((block) => !block.includes("Index Cond:"))).toEqual([]);
    }
  });
});
