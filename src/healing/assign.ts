import { tellAll } from "../api/bindings.ts";
import { type Change, noteBy, type Principal } from "../api/http.ts";
import { GatewayError } from "../errors.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import { settle } from "../inbound/commit.ts";
import { healRows, type Looking } from "../inbound/heal.ts";
import { breathe } from "./breathe.ts";
import { mustHold } from "./fingerprint.ts";
import { type Decision, look, MOST_SHOWN, type Preview } from "./preview.ts";
import { type Chosen, choose, countChosen, nameOf, pagesOf, requireOpen, type Selection } from "./selection.ts";

/** Whose it is, and what of it. */
export type Assignment = Selection & {
  workspace_id: string;
  /** By reference: whether it is that workspace's from now on, too. True unless told. */
  bind?: boolean | undefined;
  /** Only so many, the oldest first; goes without a binding. */
  limit?: number | undefined;
  /** The fingerprint of the preview that was agreed to. */
  preview?: string | undefined;
};

/** What an assignment did within the time of an answer. */
export type Assigned = Pick<Preview, "emitted" | "remaining" | "left" | "already_emitted" | "ignored" | "bindings_made"> & {
  events: Event[];
  preview: string;
};

/** Rows of one transaction. */
const SLICE = 200;

/** What `assign` would do. Reads only, and locks nothing. */
export async function previewAssign(gateway: Gateway, assignment: Assignment): Promise<Preview> {
  const { chosen, decision } = await understand(gateway, assignment);
  return (await look(gateway, chosen, decision)).preview;
}

/**
 * Gives what waits to a workspace, in the order in which it happened, each once; what is emitted is never taken back. By reference nothing
 * is done against what else speaks for somebody else: that is left. Items are a person's decision one by one. Answers within 5 s with what is
 * done so far; the rest goes on behind it.
 * @throws GatewayError `preview_changed` where the preview that came along no longer holds: then nothing happened.
 */
export async function assign(gateway: Gateway, by: Principal, assignment: Assignment): Promise<Assigned> {
  const { chosen, decision } = await understand(gateway, assignment);
  const { preview, newest } = await look(gateway, chosen, decision);
  if (assignment.preview !== undefined) mustHold(assignment.preview, preview.preview);
  if (newest === null) throw nothingWaits(chosen);
  if (chosen.by === "reference" && decision.bind) await bind(gateway, by, chosen, decision.workspace);
  const done = new Done(gateway, by, chosen, decision);
  await gateway.healer.place(async (signal) => {
    try {
      for await (const ids of pagesOf(gateway, chosen, newest)) await done.place(ids, signal);
    } finally {
      done.goOn();
    }
  });
  const { count: remaining } = await countChosen(gateway, chosen);
  return { ...done.told(), remaining, bindings_made: preview.bindings_made, preview: preview.preview };
}

/** @throws GatewayError in words where it cannot be meant so. */
async function understand(gateway: Gateway, assignment: Assignment): Promise<{ chosen: Chosen; decision: Decision }> {
  const { workspace_id: workspace, limit = null } = assignment;
  const chosen = await choose(gateway, assignment);
  const bind = chosen.by === "reference" && (assignment.bind ?? true);
  if (chosen.by === "items" && assignment.bind)
    throw new GatewayError("invalid", { fields: { bind: "goes with a reference, not with items" } });
  if (bind && limit !== null)
    throw new GatewayError("invalid", { fields: { limit: "goes with bind: false, as a binding brings all of them home" } });
  await requireOpen(gateway, workspace);
  if (chosen.by === "reference" && chosen.kind === "workspace") throw notItsOwn(chosen.value, workspace);
  return { chosen, decision: { workspace, bind, limit } };
}

/** What names a workspace itself is not given to another as a group: a support person would register it, or look at each. */
function notItsOwn(named: string, asked: string): GatewayError {
  if (named === asked)
    return new GatewayError("conflict", { message: "They name this workspace themselves and are on their way home." });
  return new GatewayError("conflict", {
    message: `They all name workspace ${named}. Once it is registered and open, they go out by themselves; if they are somebody else's, give them away one by one, by their items.`,
  });
}

function nothingWaits(chosen: Chosen): GatewayError {
  const sentence =
    chosen.by === "reference" ? `Nothing waits with ${nameOf(chosen)} (any more).` : "None of these items waits (any more).";
  return new GatewayError("conflict", { message: sentence });
}

/** The same as PUT /v1/bindings. */
async function bind(gateway: Gateway, by: Principal, chosen: Chosen & { by: "reference" }, workspace: string): Promise<void> {
  const [provider = "", dialect = null] = chosen.adapter.split("/");
  const { kind, value } = chosen;
  const told = { provider, dialect, kind, value, workspace_id: workspace, replace: false };
  await tellAll(gateway, by, [{ told, adapter: chosen.adapter }]);
}

/** An assignment under way: what it has done until now. */
class Done {
  readonly #gateway: Gateway;
  readonly #by: Principal;
  readonly #chosen: Chosen;
  readonly #decision: Decision;
  readonly #looking: Looking;
  readonly #taught: string[] = [];
  readonly #counts = { emitted: 0, left: 0, already_emitted: 0, ignored: 0 };
  readonly #events: Event[] = [];

  constructor(gateway: Gateway, by: Principal, chosen: Chosen, decision: Decision) {
    this.#gateway = gateway;
    this.#by = by;
    this.#chosen = chosen;
    this.#decision = decision;
    const assigned = { workspace: decision.workspace, overrides: chosen.by === "items" };
    this.#looking = { cause: "assigned", by: by.name, assigned };
  }

  told() {
    return { ...this.#counts, events: this.#events };
  }

  async place(ids: string[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < ids.length && !signal.aborted; ) {
      const room = (this.#decision.limit ?? Number.POSITIVE_INFINITY) - this.#counts.emitted;
      if (room <= 0) return;
      const size = Math.min(SLICE, room);
      await this.#slice(ids.slice(at, at + size));
      await breathe();
      at += size;
    }
  }

  async #slice(ids: string[]): Promise<void> {
    const { commitOptions, database } = this.#gateway;
    const { plan, rows, works } = await settle(() =>
      database.transaction(async (query) => {
        const healed = await healRows(query, ids, this.#looking, commitOptions);
        await noteBy(this.#gateway, this.#by, this.#changes(healed), query);
        return healed;
      }),
    );
    if (plan.events.length > 0) this.#gateway.emitted();
    this.#taught.push(...[...plan.learned, ...plan.ambiguous].map((row) => row.reference));
    this.#events.push(...plan.events.slice(0, MOST_SHOWN - this.#events.length).map(({ body }) => body));
    const count = (word: string) => works.filter((work) => work.verdict?.verdict === word).length;
    this.#counts.emitted += plan.events.length;
    this.#counts.left += count("waiting");
    this.#counts.already_emitted += count("duplicate") + ids.length - rows.length;
    this.#counts.ignored += count("ignored");
  }

  /** Each under its callback, where its trace finds it. */
  #changes({ rows, works }: Pick<Awaited<ReturnType<typeof healRows>>, "rows" | "works">): Change[] {
    return rows.flatMap((row, index) => {
      const { verdict, reason, eventId } = works[index]?.verdict ?? {};
      if (verdict === "waiting") return [];
      const event_id = eventId ? showId("event", eventId) : null;
      return {
        action: "item.assigned",
        object: showId("callback", row.callback_id),
        before: { index: row.item, verdict: "waiting", reason: row.reason },
        after: { index: row.item, verdict, reason, event_id, workspace_id: this.#decision.workspace },
      };
    });
  }

  /** What came meanwhile, and what this taught, goes the way of every binding. */
  goOn(): void {
    const bound = this.#chosen.by === "reference" && this.#decision.bind ? [this.#chosen.column] : [];
    this.#gateway.healer.recheck({ waiting: [], references: [...bound, ...this.#taught] });
  }
}

/**
 * Gives the one waiting item of a callback to a workspace.
 * @throws GatewayError `choose_items` where several wait, `conflict` where none does.
 */
export async function itemOf(gateway: Gateway, callbackId: string): Promise<Selection> {
  const id = readId("callback", callbackId);
  const [found] = id
    ? await gateway.database.query(
        "select id from callbacks where id = $1 union all select id from kept_callbacks where id = $1",
        [id],
      )
    : [];
  if (!found) throw new GatewayError("not_found");
  const rows = await gateway.database.query<{ item: number }>(
    "select item from waiting where callback_id = $1 order by item limit 1001",
    [id],
  );
  const [only] = rows;
  if (!only) throw new GatewayError("conflict", { message: "Nothing of this callback waits (any more)." });
  if (rows.length > 1) {
    const places = rows.slice(0, 20).map((row) => row.item);
    throw new GatewayError("choose_items", {
      message: `${rows.length > 1000 ? "More than 1000" : rows.length} items of this callback wait: ${places.join(", ")}${rows.length > 20 ? " …" : ""}. Name the ones that are meant.`,
    });
  }
  return { items: [{ callback_id: callbackId, index: only.item }] };
}
