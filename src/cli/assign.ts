import { call, GatewayRefused } from "./client.ts";
import { adapterFields, nameOf, readReference, workspaceOf } from "./named.ts";
import { ask, canAsk, json, many, note, say, table, WrongUse, when } from "./print.ts";

type What = { provider: string; dialect?: string; reference: string } | { items: { callback_id: string; index: number }[] };
type Told = { type: string | null; variant: string | null; occurred_at: string };
/** What an assignment did or, as a preview, would do. */
type Assigned = {
  emitted: number;
  remaining: number;
  left?: number;
  already_emitted?: number;
  by_kind?: Record<string, number>;
  endpoints?: number;
  webhooks?: number;
  exact?: boolean;
  events: Told[];
  preview?: string;
};
type Dismissed = { dismissed: number; remaining: number; preview?: string };
export type Chosen = { callback?: string; index?: string; yes?: boolean; dryRun?: boolean; json?: boolean };

/** From so many on, the workspace's name is typed: too much to be a slip of the hand. */
const TYPE_NAME_FROM = 1000;
const SHOWN = 10;
const ASSIGN = "/v1/unmatched/assign";
const DISMISS = "/v1/unmatched/dismiss";

/** `homing assign`: says whose waiting events are. What would happen is shown first; what is emitted is never taken back. */
export async function assign(
  adapter: string | undefined,
  reference: string | undefined,
  options: Chosen & { workspace: string; bind: boolean; limit?: string },
): Promise<void> {
  const what = await chosen(adapter, reference, options);
  const workspace_id = await workspaceOf(options.workspace);
  const limit = limitOf(options.limit);
  // A binding would bring all of them home.
  const bind = "reference" in what && options.bind && limit === undefined;
  const asked = { ...what, workspace_id, ...("reference" in what && { bind }), ...(limit !== undefined && { limit }) };
  const preview = await call<Assigned>("POST", ASSIGN, { ...asked, dry_run: true });
  const looks = options.dryRun === true || (options.json === true && !options.yes);
  if (looks && options.json) return json(preview);
  if (preview.emitted === 0 && !looks)
    throw new GatewayRefused("Nothing of that can be emitted there. See homing unmatched, and homing trace <callback>.", 409);
  const name = await nameOf(workspace_id);
  if (!options.json) showPreview(preview, name, bind && reference ? reference : null);
  if (looks) return say("Nothing was done.");
  if (!(await isMeant(options, preview.emitted >= TYPE_NAME_FROM ? name : null))) return;
  const done = await call<Assigned>("POST", ASSIGN, { ...asked, ...(preview.preview && { preview: preview.preview }) });
  if (options.json) return json(done);
  say(`${many(done.emitted, "event")} came home to ${name}.`, { style: "green" });
  if (done.remaining > 0)
    say(
      `${many(done.remaining, "other")} still ${done.remaining === 1 ? "waits" : "wait"}, or ${done.remaining === 1 ? "goes" : "go"} out behind this answer.`,
    );
}

function showPreview(preview: Assigned, name: string, bound: string | null): void {
  const about = preview.exact === false ? "about " : "";
  say(`This emits ${about}${many(preview.emitted, "event")} to ${name}. What is emitted is never taken back.`, { style: "bold" });
  const kinds = Object.entries(preview.by_kind ?? {});
  if (kinds.length > 1) say(`${kinds.map(([kind, count]) => `${count} ${kind}`).join(", ")}.`, { indent: 2 });
  const rows = preview.events
    .slice(0, SHOWN)
    .map((event) => [when(event.occurred_at), event.variant ?? event.type ?? "", event.type ?? "stays on the bus"]);
  if (rows.length > 0) table(["Happened, UTC", "What", "Told as"], rows, { indent: 2 });
  if (preview.emitted > rows.length) say(`and ${many(preview.emitted - rows.length, "more", "more")}`, { indent: 2 });
  if (preview.webhooks !== undefined)
    say(
      preview.webhooks > 0
        ? `${many(preview.webhooks, "webhook")} to ${many(preview.endpoints ?? 0, "endpoint")}.`
        : "No endpoint of it asks for them: they go to the log and the bus.",
    );
  if (bound) say(`${bound} is ${name}’s from then on: what comes later finds its way by itself.`);
  if (preview.already_emitted) say(`${many(preview.already_emitted, "other was", "others were")} emitted already.`);
  if (preview.remaining > 0)
    say(`${many(preview.remaining, "other")} of it ${preview.remaining === 1 ? "stays" : "stay"} waiting.`);
}

/** `homing dismiss`: puts waiting events aside. Their callbacks are kept. */
export async function dismiss(adapter: string | undefined, reference: string | undefined, options: Chosen): Promise<void> {
  const what = await chosen(adapter, reference, options);
  const preview = await call<Dismissed>("POST", DISMISS, { ...what, dry_run: true });
  const looks = options.dryRun === true || (options.json === true && !options.yes);
  if (looks && options.json) return json(preview);
  if (preview.dismissed === 0 && !looks) throw new GatewayRefused("Nothing of that waits. See homing unmatched.", 409);
  if (!options.json)
    say(`This puts ${many(preview.dismissed, "event")} aside: nobody is told of them. Their callbacks are kept.`, {
      style: "bold",
    });
  if (looks) return say("Nothing was done.");
  if (!(await isMeant(options, null))) return;
  const done = await call<Dismissed>("POST", DISMISS, { ...what, ...(preview.preview && { preview: preview.preview }) });
  if (options.json) return json(done);
  say(`${many(done.dismissed, "event was", "events were")} put aside.`, { style: "green" });
}

/** What is meant: all that waits for a reference, or an item of a callback. */
async function chosen(adapter: string | undefined, reference: string | undefined, options: Chosen): Promise<What> {
  if (options.callback) {
    if (adapter || reference) throw new WrongUse("Name a callback, or a provider and a reference, not both.");
    return { items: [await itemOf(options.callback, options.index)] };
  }
  if (!adapter || !reference)
    throw new WrongUse("Name what is meant: <provider[/dialect]> <kind:value>, or --callback <cb_…>. homing unmatched lists it.");
  readReference(reference);
  return { ...adapterFields(adapter), reference };
}

async function itemOf(callback_id: string, index: string | undefined): Promise<{ callback_id: string; index: number }> {
  if (index !== undefined) {
    if (!/^\d+$/.test(index)) throw new WrongUse("--index is the number of an item, from 0 on.");
    return { callback_id, index: Number(index) };
  }
  const { items } = await call<{ items: { index: number; verdict: string }[] }>(
    "GET",
    `/v1/callbacks/${encodeURIComponent(callback_id)}`,
  );
  const waiting = items.filter((item) => item.verdict === "waiting");
  if (waiting.length > 1)
    throw new WrongUse(
      `${waiting.length} items of ${callback_id} wait: ${waiting.map((item) => item.index).join(", ")}. Say which with --index.`,
    );
  if (!waiting[0])
    throw new GatewayRefused(`Nothing in ${callback_id} waits. homing trace ${callback_id} tells what became of it.`, 409);
  return { callback_id, index: waiting[0].index };
}

function limitOf(given: string | undefined): number | undefined {
  const limit = Number(given);
  if (given !== undefined && !(Number.isInteger(limit) && limit > 0)) throw new WrongUse("--limit is a number, 1 or more.");
  return given === undefined ? undefined : limit;
}

/** Whether a person means it. Where nobody can be asked, `--yes` says so. */
async function isMeant({ yes }: Chosen, name: string | null): Promise<boolean> {
  if (yes) return true;
  if (!canAsk())
    throw new WrongUse("Nothing was done. Nobody can be asked here: add --yes to mean it, or --dry-run to look only.");
  const meant = name ? (await ask("Type the workspace's name to go on: ")) === name : /^y(es)?$/i.test(await ask("Go on? y/N "));
  if (!meant) {
    note("Nothing was done.");
    process.exitCode = 1;
  }
  return meant;
}
