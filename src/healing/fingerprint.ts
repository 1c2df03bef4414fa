import { createHash } from "node:crypto";
import { GatewayError } from "../errors.ts";

/** What a preview showed, in a word that may be sent back: how many there were, and a digest of everything that it told. */
export function fingerprint(count: number, shown: unknown): string {
  return `${count}-${createHash("sha256").update(JSON.stringify(shown)).digest("hex").slice(0, 24)}`;
}

/** @throws GatewayError `preview_changed` where it is no longer what the preview showed. */
export function mustHold(given: string, now: string): void {
  if (given === now) return;
  if (!/^\d{1,9}-[0-9a-f]{24}$/.test(given))
    throw new GatewayError("invalid", { fields: { preview: "is not a preview from here" } });
  const more = Number.parseInt(now, 10) - Number.parseInt(given, 10);
  if (more > 0) throw new GatewayError("preview_changed", { message: `${more} more came meanwhile. Nothing was done.` });
  if (more < 0)
    throw new GatewayError("preview_changed", { message: `${-more} of them do not wait any more. Nothing was done.` });
  throw new GatewayError("preview_changed");
}
