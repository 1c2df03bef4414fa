import type { Adapter, Registry } from "../registry.ts";

/** Whom a callback's URL names. */
export type CallbackPath = {
  adapter: Adapter;
  /** `_` is the platform: it names nobody and lets a token be carried. Null: none given. */
  workspace: string | null;
  token: string | null;
  /** The path with its token hidden, as it is kept. */
  shown: string;
};

const WORKSPACE = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|__org__|_)$/;

/** Adapters by the segments that lead to them: their name, and their aliases. */
export function pathIndex(registry: Registry): (segments: string[]) => { adapter: Adapter; rest: string[] } | null {
  const byPath = new Map<string, Adapter>();
  for (const adapter of registry.values()) {
    byPath.set(adapter.name, adapter);
    for (const alias of adapter.provider.aliases ?? []) byPath.set(`${adapter.providerName}/${alias}`, adapter);
  }
  return ([provider = "", dialect = "", ...rest]) => {
    const exact = byPath.get(`${provider}/${dialect}`);
    if (exact) return { adapter: exact, rest };
    const alone = byPath.get(provider);
    return alone ? { adapter: alone, rest: dialect ? [dialect, ...rest] : rest } : null;
  };
}

/** Reads `/callbacks/<provider>[/<dialect>][/<workspace>[/<token>]]`; null for anything else. The query is never read. */
export function readPath(url: string, find: ReturnType<typeof pathIndex>): CallbackPath | null {
  const [path = ""] = url.split("?", 1);
  const [empty, callbacks, ...segments] = path.split("/");
  if (empty !== "" || callbacks !== "callbacks" || segments.some((segment) => segment === "")) return null;
  const found = find(segments);
  if (!found || found.rest.length > 2) return null;
  const [workspace = null, token = null] = found.rest;
  if (workspace !== null && !WORKSPACE.test(workspace)) return null;
  return { adapter: found.adapter, workspace, token, shown: token ? `${path.slice(0, -token.length)}…` : path };
}
