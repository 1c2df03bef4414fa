import { text } from "node:stream/consumers";
import { call } from "./client.ts";
import { adapterFields, workspaceOf } from "./named.ts";
import { age, askHidden, canAsk, json, many, note, say, table, WrongUse } from "./print.ts";

type Counts = { adapter: string; data: { workspace_id: string | null; place: string; count: number; created_at: string[] }[] };

/** Has the gateway encrypt everything anew under the newest MASTER_KEY. */
export async function rewrap({ json: asJson }: { json?: boolean }): Promise<void> {
  const answer = await call<{ rewrapped: number }>("POST", "/v1/secrets/rewrap");
  if (asJson) return json(answer);
  say(`${answer.rewrapped} were encrypted anew; nothing needs an older MASTER_KEY to be read now.`);
  say("URLs keep the tokens that an older key made: keep it until those are rotated.");
}

/** `homing secrets <adapter>`: how many and how old; with `--set` new ones. They are never shown, and never stand in a command line. */
export async function secrets(adapter: string, options: { set?: boolean; workspace?: string; json?: boolean }): Promise<void> {
  adapterFields(adapter);
  const path = `/v1/secrets/${adapter.split("/").map(encodeURIComponent).join("/")}`;
  const owner = options.workspace ? await workspaceOf(options.workspace) : null;
  if (!options.set) {
    const answer = await call<Counts>("GET", path);
    const shown = { ...answer, data: answer.data.filter((one) => owner === null || one.workspace_id === owner) };
    return options.json ? json(shown) : show(shown);
  }
  const answer = await call<Counts>("PUT", path, { workspace_id: owner, secrets: await readSecrets(adapter) });
  if (options.json) return json(answer);
  say("Stored, encrypted. They are used within seconds, on every process.", { style: "green" });
  show(answer);
}

/** From a prompt that shows nothing, or from stdin: one a line, newest first. */
async function readSecrets(adapter: string): Promise<string[]> {
  if (!canAsk()) {
    const given = (await text(process.stdin))
      .split(/\r?\n/)
      .map((one) => one.trim())
      .filter(Boolean);
    if (given.length === 0) throw new WrongUse("No secret came on stdin. Nothing was changed.");
    return given;
  }
  note(
    `Secrets of ${adapter}, newest first, as its provider shows them. They replace those that are stored. An empty line ends.`,
  );
  const typed: string[] = [];
  for (let one = await askHidden("Newest: "); one; one = await askHidden("One before it: ")) typed.push(one);
  if (typed.length === 0) throw new WrongUse("Nothing was typed. Nothing was changed.");
  return typed;
}

function show({ adapter, data }: Counts): void {
  if (data.length === 0) {
    process.exitCode = 1;
    say(`No secret of ${adapter} is held. To store one: homing secrets ${adapter} --set.`);
    return;
  }
  say(
    `${many(
      data.reduce((sum, one) => sum + one.count, 0),
      "secret",
    )} of ${adapter}, newest first.`,
    { style: "bold" },
  );
  const rows = data.map((one) => [
    ...[one.workspace_id ?? "the platform", one.place === "environment" ? "settings" : "stored", String(one.count)],
    one.created_at.map((time) => age(time)).join(", ") || "not known",
  ]);
  table(["Whose", "Where", "Count", "Ages"], rows, { numbers: [2] });
}
