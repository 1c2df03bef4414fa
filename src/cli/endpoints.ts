import { call, withQuery } from "./client.ts";
import { all, type Endpoint, endpointOf, nameOf, workspaceOf } from "./named.ts";
import { age, facts, json, line, many, note, say, table, WrongUse, when } from "./print.ts";

type WithSecret = Endpoint & { secret: string; whsec: string; previous_secret_until?: string };
type Dispatch = {
  id: string;
  event_id: string;
  type: string;
  state: string;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  created_at: string;
};
type AsJson = { json?: boolean };

const nameOfEndpoint = (endpoint: Endpoint) => endpoint.description ?? new URL(endpoint.url).host;

/** `homing endpoints`: where webhooks go, and how that fares. */
export async function endpoints({ workspace, json: asJson }: AsJson & { workspace?: string }): Promise<void> {
  const workspace_id = workspace ? await workspaceOf(workspace) : undefined;
  const data = await all<Endpoint>(withQuery("/v1/endpoints", { workspace_id }));
  if (asJson) return json({ data, next: null });
  if (data.length === 0)
    return say(
      "There is no endpoint. homing endpoints add --workspace <name or id> --url <https://…> --events 'delivery.*' makes one.",
    );
  const names = new Map<string, string>();
  for (const id of new Set(data.map((one) => one.workspace_id))) names.set(id, await nameOf(id));
  const rows = data.map((one) => [
    ...[nameOfEndpoint(one), names.get(one.workspace_id) ?? one.workspace_id, healthWord(one), rateOf(one)],
    ...[String(one.health.waiting), String(one.health.dead), one.events.join(", "), one.id],
  ]);
  table(["Endpoint", "Workspace", "Health", "24 h", "Waiting", "Given up", "Asks for", "Id"], rows, { numbers: [3, 4, 5] });
}

function healthWord({ state, health }: Endpoint): string {
  if (state === "disabled") return "switched off";
  if (health.circuit === "open") return "does not answer";
  const [failure] = health.last_failures;
  return failure && failure.at > (health.last_success_at ?? "")
    ? "failing"
    : health.last_success_at
      ? "well"
      : "nothing sent yet";
}

/** Rounded down: 100 % means all. */
const rateOf = ({ health }: Endpoint) =>
  health.success_rate_24h === null ? "" : `${Math.floor(health.success_rate_24h * 100)} %`;

type Added = AsJson & { workspace: string; url: string; events: string; description?: string; header?: string };

export async function add(options: Added): Promise<void> {
  const made = await call<WithSecret>("POST", "/v1/endpoints", {
    ...{ workspace_id: await workspaceOf(options.workspace), url: options.url },
    events: options.events
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean),
    ...{ description: options.description ?? null, signature_header: options.header ?? null },
  });
  if (options.json) return json(made);
  say(`${nameOfEndpoint(made)} is told ${made.events.join(", ")} from now on (${made.id}).`, { style: "green" });
  showSecret(made);
}

function showSecret({ secret, whsec, previous_secret_until }: WithSecret): void {
  line();
  facts([
    ["Secret", secret],
    ["whsec", whsec],
  ]);
  line();
  note(
    "It is shown now and never again. The first is the key of X-Aegis-Signature; the second is the same key as Standard Webhooks write it.",
  );
  if (previous_secret_until) note(`Until ${when(previous_secret_until)} UTC both, the old and the new one, sign.`);
}

export async function rotate(given: string, { json: asJson }: AsJson): Promise<void> {
  const { id } = await endpointOf(given);
  const made = await call<WithSecret>("POST", `/v1/endpoints/${id}/rotate-secret`);
  if (asJson) return json(made);
  say(`${nameOfEndpoint(made)} has a new secret.`, { style: "green" });
  showSecret(made);
}

/** Sends an `endpoint.test`; exit code 1 where it was not accepted. */
export async function test(given: string, { json: asJson }: AsJson): Promise<void> {
  const endpoint = await endpointOf(given);
  const sent = await call<{ ok: boolean; status: number | null; ms: number; error: string | null; response: string | null }>(
    "POST",
    `/v1/endpoints/${endpoint.id}/test`,
  );
  if (!sent.ok) process.exitCode = 1;
  if (asJson) return json(sent);
  const answered = sent.status === null ? `did not answer: ${sent.error}` : `answered ${sent.status} in ${sent.ms} ms`;
  say(
    `${nameOfEndpoint(endpoint)} ${answered}. ${sent.ok ? "That is accepted." : "That is not accepted: webhooks want a 2xx within 10 s."}`,
    {
      style: sent.ok ? "green" : "red",
    },
  );
}

export const enable = (given: string, options: AsJson) => change(given, "active", options);
export const disable = (given: string, options: AsJson) => change(given, "disabled", options);

async function change(given: string, state: "active" | "disabled", { json: asJson }: AsJson): Promise<void> {
  const { id } = await endpointOf(given);
  const changed = await call<Endpoint>("PATCH", `/v1/endpoints/${id}`, { state });
  if (asJson) return json(changed);
  const { waiting } = changed.health;
  if (state === "active")
    return say(
      `${nameOfEndpoint(changed)} is switched on.${waiting > 0 ? ` ${many(waiting, "webhook")} that waited go out.` : ""}`,
      { style: "green" },
    );
  say(`${nameOfEndpoint(changed)} is switched off. What is owed to it is held for 7 days; new events make none.`);
}

/** What was given up, newest first. */
export async function dead(given: string, { json: asJson }: AsJson): Promise<void> {
  const endpoint = await endpointOf(given);
  const answer = await call<{ data: Dispatch[]; next: string | null }>(
    "GET",
    `/v1/endpoints/${endpoint.id}/dispatches?state=dead`,
  );
  if (asJson) return json(answer);
  if (answer.data.length === 0) return say(`Nothing was given up on ${nameOfEndpoint(endpoint)}.`, { style: "green" });
  const rows = answer.data.map((one) => [
    ...[
      one.type,
      age(one.created_at),
      String(one.attempts),
      one.last_status === null ? (one.last_error ?? "no answer") : `answered ${one.last_status}`,
    ],
    ...[one.event_id, one.id],
  ]);
  table(["Type", "Age", "Attempts", "At last", "Event", "Id"], rows, { numbers: [2] });
  if (answer.next) say(`These are the newest ${answer.data.length}.`);
  say(`Try all of them again: homing endpoints retry ${endpoint.id}. One: homing endpoints retry <dsp_…>.`);
}

/** Tries again what was given up on an endpoint, or one dispatch. */
export async function retry(given: string, { json: asJson }: AsJson): Promise<void> {
  if (given.startsWith("dsp_")) {
    const dispatch = await call<Dispatch>("POST", `/v1/dispatches/${encodeURIComponent(given)}/retry`);
    return asJson ? json(dispatch) : say(`${given} is being sent now.`, { style: "green" });
  }
  if (!given) throw new WrongUse("Name an endpoint, or a dispatch (dsp_…).");
  const { id } = await endpointOf(given);
  const answer = await call<{ retried: number }>("POST", `/v1/endpoints/${id}/retry-dead`);
  if (asJson) return json(answer);
  say(
    answer.retried > 0
      ? `${many(answer.retried, "webhook is", "webhooks are")} being tried again.`
      : "Nothing was given up on it.",
    { style: "green" },
  );
}
