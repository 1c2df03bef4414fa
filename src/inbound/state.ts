import type { DataKeys } from "../keys.ts";
import type { FactDraft, JsonObject } from "../provider/draft.ts";

type Fields = { [field: string]: string | null };
/** Last-known state of a contact or plan. `fields: null`: it is gone. `stored`: there is a row. */
export type KnownState = { fields: Fields | null; at: number; stored: boolean };

/** Which row keeps a draft's state: workspace, adapter, kind and id (CONTRACT §5). */
export function stateKey(keys: DataKeys, workspace: string, adapter: string, draft: FactDraft): string {
  return keys.digest("state", workspace, adapter, draft.state?.kind ?? "", draft.state?.id ?? "");
}

/**
 * What a draft means beside what was last known: `changes` with old and new, the old plan, or nothing. Fields that this callback does
 * not carry keep their value. `state` is what to keep from now on, null for no change.
 * @param at when it happened, in milliseconds.
 */
export function applyState(
  draft: FactDraft,
  at: number,
  known: KnownState | undefined,
): { outcome: FactDraft | { ignored: string }; state: Omit<KnownState, "stored"> | null } {
  const told = draft.state?.fields ?? null;
  if (told === null) {
    // A deletion is told whatever came before; only an older one does not undo what is newer.
    return { outcome: draft, state: known && known.at > at ? null : { fields: null, at } };
  }
  if (known && known.fields === null) return { outcome: { ignored: "older_than_state" }, state: null };
  const merged = { ...known?.fields, ...told };
  if (draft.type === "contact.created") {
    // A creation that arrives late is still one; it knows less than what came after.
    return {
      outcome: draft,
      state: known && known.at > at ? { fields: { ...told, ...known.fields }, at: known.at } : { fields: merged, at },
    };
  }
  if (known && known.at > at) return { outcome: { ignored: "older_than_state" }, state: null };
  const state = { fields: merged, at };
  if (draft.type === "billing.plan_changed") {
    if (!known) return { outcome: { ignored: "first_seen" }, state };
    if (known.fields?.plan === told.plan) return { outcome: { ignored: "nothing_changed" }, state };
    return { outcome: withData(draft, { old_plan: known.fields?.plan ?? null, new_plan: told.plan ?? null }), state };
  }
  const changed = Object.entries(told).filter(([field, value]) => !known || (known.fields?.[field] ?? null) !== value);
  // What was confirmed later makes an older report older.
  if (changed.length === 0) return { outcome: { ignored: "nothing_changed" }, state };
  const changes = Object.fromEntries(
    changed.map(([field, value]) => [field, { old: known?.fields?.[field] ?? null, new: value }]),
  );
  return { outcome: withData(draft, { changes }), state };
}

function withData(draft: FactDraft, data: JsonObject): FactDraft {
  return { ...draft, data: { ...draft.data, ...data } };
}
