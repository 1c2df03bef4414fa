import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { type Answer, databases, startGateway, type TestGateway } from "../support/gateway.ts";

const NOWHERE = "dsp_00000000000040008000000000000bad";
type Dispatch = { id: string; state: string; event_id: string; attempts: number; next_at: string | null };

describe.each(databases)("dispatches on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    // Nothing is sent: what is owed stays as it is.
    homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" }, { role: "web" });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  /** An endpoint that is owed so many events. */
  const owing = async (count: number) => {
    const endpoint = { workspace_id: ACME, url: "http://127.0.0.1:8443/hook", events: ["contact.deleted"] };
    const { id } = (await homing.api("POST", "/v1/endpoints", endpoint)).body as { id: string };
    for (let event = 0; event < count; event += 1)
      await homing.api("POST", "/v1/events", { type: "contact.deleted", workspace_id: ACME, data: { contact_id: `c_${event}` } });
    return { id, dispatches: (await list(id)).data };
  };
  const list = async (endpoint: string, query = "") =>
    (await homing.api<{ data: Dispatch[]; next: string | null }>("GET", `/v1/endpoints/${endpoint}/dispatches?limit=500${query}`))
      .body;
  const uuid = (shown: string) => shown.slice(shown.indexOf("_") + 1);
  /** As the sender would have left it. */
  const become = (dispatch: Dispatch | undefined, state: string, more = "") =>
    homing.gateway.database.query(
      `update dispatches set state = $2, attempts = 7 ${more} where replace(id::text, '-', '') = $1`,
      [...[uuid(dispatch?.id as string), state]],
    );
  const retry = (dispatch: Dispatch | undefined) => homing.api("POST", `/v1/dispatches/${dispatch?.id}/retry`);

  it("stand in lists newest first, each with its event, by state", async () => {
    const { id, dispatches } = await owing(3);
    expect(dispatches[0]).toEqual({
      ...{
        id: expect.stringMatching(/^dsp_/),
        endpoint_id: id,
        event_id: expect.stringMatching(/^evt_/),
        type: "contact.deleted",
      },
      ...{ state: "pending", attempts: 0, next_at: expect.any(String), last_status: null, last_error: null },
      created_at: expect.any(String),
    });
    const log = (await homing.events()).filter((event) => dispatches.some((one) => one.event_id === event.id));
    expect(dispatches.map((one) => one.event_id)).toEqual(log.map((event) => event.id).reverse());
    await become(dispatches[1], "dead");
    for (const [state, count] of Object.entries({ pending: 2, dead: 1, held: 0, succeeded: 0, retrying: 0, cancelled: 0 }))
      expect([state, (await list(id, `&state=${state}`)).data.length]).toEqual([state, count]);
    expect((await homing.api("GET", `/v1/endpoints/${id}/dispatches?state=lost`)).status).toBe(422);
  });

  it("come page by page, also where the last one of a page is gone by then, or many are of one moment", async () => {
    const { id, dispatches } = await owing(5);
    await homing.gateway.database.query(
      "update dispatches set state = 'succeeded', created_at = '2026-11-22T10:00:00Z' where replace(endpoint_id::text, '-', '') = $1",
      [uuid(id)],
    );
    const seen: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const { body }: Answer<{ data: Dispatch[]; next: string | null }> = await homing.api(
        "GET",
        `/v1/endpoints/${id}/dispatches?limit=2${next && `&after=${next}`}`,
      );
      seen.push(...body.data.map((one) => one.id));
      await homing.api("DELETE", `/v1/dispatches/${seen.at(-1)}`);
      next = body.next;
    }
    expect(seen.toSorted()).toEqual(dispatches.map((one) => one.id).sort());
  });

  it.each(["nothing", "dsp_nothing.1", NOWHERE, `${NOWHERE}.soon`, `${NOWHERE}.${"9".repeat(20)}`])(
    "refuse a cursor that is none: %s",
    async (cursor) => {
      const { id } = await owing(0);
      const answer = await homing.api("GET", `/v1/endpoints/${id}/dispatches?after=${cursor}`);
      expect([answer.status, answer.body.error?.fields]).toEqual([422, { after: "is not a cursor from here" }]);
    },
  );

  it("tell their calls", async () => {
    const { dispatches } = await owing(1);
    const [dispatch] = dispatches as [Dispatch];
    await homing.gateway.database.query(
      `insert into attempts (id, dispatch_id, endpoint_id, at, ok, status, ms, error, response)
       select $2, id, endpoint_id, '2026-11-22T10:00:00Z', false, 500, 12, 'status', 'no' from dispatches where replace(id::text, '-', '') = $1`,
      [uuid(dispatch.id), uuid((await homing.callback("example", { reports: [] })).body.callback_id)],
    );
    expect((await homing.api("GET", `/v1/dispatches/${dispatch.id}`)).body).toEqual({
      ...dispatch,
      calls: [{ at: "2026-11-22T10:00:00.000Z", status: 500, ms: 12, error: "status", response: "no" }],
    });
  });

  it("that were given up begin anew when they are retried, at once", async () => {
    const { dispatches } = await owing(1);
    await become(dispatches[0], "dead", ", next_at = null, settled_at = now(), give_up_at = now()");
    const { status, body } = await retry(dispatches[0]);
    expect([status, body]).toMatchObject([201, { state: "retrying", attempts: 0, next_at: expect.any(String) }]);
    const [row] = await homing.gateway.database.query(
      `select settled_at, give_up_at > now() + interval '6 days' as lives, next_at <= now() as due from dispatches where replace(id::text, '-', '') = $1`,
      [uuid(body.id)],
    );
    expect(row).toEqual({ settled_at: null, lives: true, due: true });
    const { body: audit } = await homing.api("GET", `/v1/audit?object=${body.id}`);
    expect(audit.data).toMatchObject([{ action: "dispatch.retried", before: { state: "dead" } }]);
  });

  it("that wait for their next try are tried now, and that counts on", async () => {
    const { dispatches } = await owing(1);
    await become(dispatches[0], "retrying", ", next_at = now() + interval '1 day'");
    const { body } = await retry(dispatches[0]);
    expect(body).toMatchObject({ state: "retrying", attempts: 7 });
    expect(Date.parse(body.next_at)).toBeLessThan(Date.parse(dispatches[0]?.next_at as string) + 3_600_000);
  });

  it.each(["succeeded", "cancelled", "held"])("that are %s are not retried", async (state) => {
    const { dispatches } = await owing(1);
    await become(dispatches[0], state);
    const { status, body } = await retry(dispatches[0]);
    expect([status, body.error]).toMatchObject([409, { code: "conflict", message: expect.stringContaining("its endpoint") }]);
  });

  it("that are being tried at this moment are not retried", async () => {
    const { dispatches } = await owing(1);
    await become(dispatches[0], "retrying", ", lease = gen_random_uuid(), next_at = now() + interval '45 seconds'");
    expect((await retry(dispatches[0])).status).toBe(409);
  });

  it.each([
    ["is switched off", (id: string) => homing.api("PATCH", `/v1/endpoints/${id}`, { state: "disabled" })],
    ["is deleted", (id: string) => homing.api("DELETE", `/v1/endpoints/${id}`)],
    [
      "does not answer",
      (id: string) =>
        homing.gateway.database.query("update endpoints set circuit_open_since = now() where replace(id::text, '-', '') = $1", [
          uuid(id),
        ]),
    ],
  ])("are not retried one by one where their endpoint %s", async (_, stop) => {
    const { id, dispatches } = await owing(1);
    await become(dispatches[0], "dead");
    await stop(id);
    expect((await retry(dispatches[0])).status).toBe(409);
  });

  it("that were given up are all tried again together, and those alone", async () => {
    const { id, dispatches } = await owing(4);
    const [a, b, c] = dispatches;
    await Promise.all([become(a, "dead"), become(b, "dead"), become(c, "succeeded")]);
    expect((await homing.api("POST", `/v1/endpoints/${id}/retry-dead`)).body).toEqual({ retried: 2 });
    expect((await list(id)).data.map((one) => [one.state, one.attempts])).toEqual([
      ["retrying", 0],
      ["retrying", 0],
      ["succeeded", 7],
      ["pending", 0],
    ]);
    expect((await homing.api("POST", `/v1/endpoints/${id}/retry-dead`)).body).toEqual({ retried: 0 });
  });

  it("that were given up are held where their endpoint is switched off, until it is on again", async () => {
    const { id, dispatches } = await owing(1);
    await become(dispatches[0], "dead");
    await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "disabled" });
    expect((await homing.api("POST", `/v1/endpoints/${id}/retry-dead`)).body).toEqual({ retried: 1 });
    expect((await list(id)).data).toMatchObject([{ state: "held", attempts: 0, next_at: null }]);
    await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "active" });
    expect((await list(id)).data).toMatchObject([{ state: "pending", attempts: 0 }]);
  });

  it("are put away once they are settled, which may be repeated; what is owed stays", async () => {
    const { id, dispatches } = await owing(6);
    for (const [index, state] of ["succeeded", "dead", "cancelled", "pending", "retrying", "held"].entries())
      await become(dispatches[index], state);
    const answers = await Promise.all(dispatches.map((one) => homing.api("DELETE", `/v1/dispatches/${one.id}`)));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 409, 409, 409]);
    expect(answers[3]?.body.error).toMatchObject({ code: "conflict", message: expect.stringContaining("still owed") });
    expect((await list(id)).data.map((one) => one.state)).toEqual(["pending", "retrying", "held"]);
    expect((await homing.api("DELETE", `/v1/dispatches/${dispatches[0]?.id}`)).status).toBe(204);
  });

  it("that are not there are 404", async () => {
    for (const id of [NOWHERE, "dsp_nothing", "nothing"]) {
      expect((await homing.api("GET", `/v1/dispatches/${id}`)).status).toBe(404);
      expect((await homing.api("POST", `/v1/dispatches/${id}/retry`)).status).toBe(404);
      expect((await homing.api("DELETE", `/v1/dispatches/${id}`)).status).toBe(204);
    }
  });
});
