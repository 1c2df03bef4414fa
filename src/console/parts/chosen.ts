import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { Selection } from "../../healing/selection.ts";
import { ORG, workspaceId } from "../../inbound/resolve.ts";
import { type Html, html } from "../html.ts";

/** What is looked at among what waits: a group, or one waiting event of a callback. */
export type Chosen = { adapter: string; reference: string | null; callback: string | null; item: number | null };

/** What a URL or a form says that is chosen. */
export function chosenFrom(field: (name: string) => string): Chosen | null {
  const [adapter = "", reference = "", callback = "", item = ""] = ["adapter", "reference", "callback", "item"].map(field);
  if (callback && /^\d{1,6}$/.test(item)) return { adapter, reference: null, callback, item: Number(item) };
  return adapter && reference.includes(":") ? { adapter, reference, callback: null, item: null } : null;
}

/** The page of a choice. */
export function linkTo({ adapter, reference, callback, item }: Chosen, more: Record<string, string> = {}): string {
  const asked: Record<string, string> = reference ? { adapter, reference } : { callback: callback ?? "", item: String(item) };
  return `/console/unmatched?${new URLSearchParams({ ...asked, ...more })}`;
}

/** The same, along with a form. */
export function hiddenFields({ adapter, reference, callback, item }: Chosen): Html {
  return reference
    ? html`<input type="hidden" name="adapter" value="${adapter}"><input type="hidden" name="reference" value="${reference}">`
    : html`<input type="hidden" name="callback" value="${callback}"><input type="hidden" name="item" value="${item}">`;
}

export function selectionOf({ adapter, reference, callback, item }: Chosen): Selection {
  if (!reference) return { items: [{ callback_id: callback ?? "", index: item ?? 0 }] };
  const [provider = "", dialect = null] = adapter.split("/");
  return { provider, dialect, reference };
}

/** Without a binding only the oldest one, to look at before the rest. */
export const options = ({ reference }: Chosen, oldestOnly: boolean) =>
  reference === null ? {} : oldestOnly ? { bind: false, limit: 1 } : { bind: true };

/** `kind:value`, apart. */
export function split(reference: string | null): [kind: string, value: string] {
  const colon = reference?.indexOf(":") ?? -1;
  return reference && colon > 0 ? [reference.slice(0, colon), reference.slice(colon + 1)] : ["", ""];
}

export type Named = { id: string; name: string };

/** The open workspace that is called so, by its name or id; null where none is, or several are. */
export async function findWorkspace(gateway: Gateway, given: string): Promise<Named | null> {
  const id = workspaceId(given);
  if (id === ORG) return { id, name: "the platform itself" };
  const rows = await gateway.database.query<Named>(
    "select id, name from workspaces where closed_at is null and (id = $1 or lower(name) = lower($2)) limit 2",
    [id, given.trim()],
  );
  return rows.length === 1 ? (rows[0] ?? null) : null;
}

/** The same. @throws GatewayError `invalid` where there is none */
export async function requireWorkspace(gateway: Gateway, given: string): Promise<Named> {
  const found = await findWorkspace(gateway, given);
  if (!found) throw new GatewayError("invalid", { message: "No open workspace is called so." });
  return found;
}
