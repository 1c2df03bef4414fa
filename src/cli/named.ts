import { call, GatewayRefused, withQuery } from "./client.ts";
import { WrongUse } from "./print.ts";

/** What people type, as the API wants it. */

/** `provider[/dialect]` as its two fields. */
export function adapterFields(adapter: string): { provider: string; dialect?: string } {
  const [provider = "", dialect, ...more] = adapter.split("/");
  if (!provider || more.length > 0) throw new WrongUse(`"${adapter}" is no adapter: write provider, or provider/dialect.`);
  return { provider, ...(dialect && { dialect }) };
}

export function readReference(reference: string): { kind: string; value: string } {
  const [, kind, value] = /^([a-z][a-z0-9_]{0,39}):(.+)$/s.exec(reference) ?? [];
  if (!kind || !value) throw new WrongUse(`"${reference}" is no reference: write kind:value, such as customer:cus_123.`);
  return { kind, value };
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export type Workspace = { id: string; name: string; state: string };
type Page<Row> = { data: Row[]; next: string | null };

/** Everything that a list has. */
export async function all<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after: string | undefined; ; ) {
    const page = await call<Page<Row>>("GET", withQuery(path, { limit: 500, after }));
    rows.push(...page.data);
    if (page.next === null) return rows;
    after = page.next;
  }
}

/** A workspace's id, by its id or its name. People know names. */
export async function workspaceOf(given: string): Promise<string> {
  if (UUID.test(given) || given === "__org__") return given;
  const wanted = given.toLowerCase();
  const fitting = (await all<Workspace>("/v1/workspaces")).filter((one) => one.name.toLowerCase() === wanted);
  if (fitting.length > 1)
    throw new WrongUse(`Several workspaces are called ${given}: ${fitting.map((one) => one.id).join(", ")}. Write the id.`);
  if (!fitting[0]) throw new GatewayRefused(`No workspace here is called ${given}. Its id does as well.`, 404);
  return fitting[0].id;
}

/** A workspace's name; its id where it has none here, or where this token may not know. */
export async function nameOf(workspace: string): Promise<string> {
  try {
    return (await call<Workspace>("GET", `/v1/workspaces/${encodeURIComponent(workspace)}`)).name;
  } catch (error) {
    if (error instanceof GatewayRefused) return workspace;
    throw error;
  }
}

export type Endpoint = {
  id: string;
  workspace_id: string;
  url: string;
  events: string[];
  description: string | null;
  state: string;
  state_reason: string | null;
  health: {
    success_rate_24h: number | null;
    last_success_at: string | null;
    last_failures: { at: string; status: number | null; error: string | null }[];
    waiting: number;
    dead: number;
    circuit: string;
  };
};

/** An endpoint, by its id, its description or its host. */
export async function endpointOf(given: string): Promise<Endpoint> {
  if (/^ep_[0-9a-f]{32}$/.test(given)) return call<Endpoint>("GET", `/v1/endpoints/${given}`);
  const wanted = given.toLowerCase();
  const fitting = (await all<Endpoint>("/v1/endpoints")).filter(
    (one) => one.description?.toLowerCase() === wanted || new URL(one.url).host === wanted || one.url === given,
  );
  if (fitting.length > 1)
    throw new WrongUse(`Several endpoints fit ${given}: ${fitting.map((one) => one.id).join(", ")}. Write the id.`);
  if (!fitting[0]) throw new GatewayRefused(`No endpoint is called ${given}. Its id does as well: homing endpoints.`, 404);
  return fitting[0];
}
