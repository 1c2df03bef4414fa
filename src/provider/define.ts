import { createHash } from "node:crypto";
import type { z } from "zod";
import { losslessJson, text } from "./decode.ts";
import { failed, type Outcome } from "./draft.ts";
import type { Verification } from "./signatures.ts";

/** What a file is called may be as long as its sender likes. */
const LONGEST_NAME = 200;

/** One callback as an adapter sees it: verified, unchanged. */
export type CallbackRequest = {
  body: Uint8Array;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  receivedAt: Date;
};

/** A file within a body, which is not kept. */
export type Attachment = {
  name: string;
  filename: string | null;
  /** Where it lies: a slice of the request's body, no copy. */
  slice: Uint8Array;
  /** The file itself, where the slice is an encoding of it. */
  content?: Uint8Array;
};

/** What was cut out of a body: enough to recognise the file by. */
export type Removed = { name: string; filename: string | null; size: number; sha256: string };

/** Everything that the gateway knows about one payload language. Data first, then one pure function. */
export type Provider<Payload = unknown> = {
  title: string;
  /** The provider's page about these callbacks. */
  docs: string;
  /** How a call is proved genuine. Required: nothing is believed by omission. */
  verify: Verification;
  /** How its provider calls again, in a sentence for operators. */
  retries: string;
  /** Kinds of the references that its items carry: what can be bound, and what a value that somebody looks for may be. */
  kinds: string[];
  /** Only what is read, and flexible: unknown keys pass. A body that does not fit is `failed`. */
  payload: z.ZodType<Payload>;
  /**
   * One outcome for each thing that the callback reports, in the order of the body. Pure: no I/O, no clock, no look-ups.
   * Unknown words are `unknownWord(…)`, never a throw.
   */
  events(payload: Payload, request: CallbackRequest): Outcome[];
  /** Body to value, where it is not JSON. May throw: then the callback is `failed`. */
  decode?(request: CallbackRequest): unknown;
  /** Other last segments of its URL, where the provider refuses URLs that contain its own name. */
  aliases?: string[];
  /** True: its signature covers the URL that was called, and so vouches for the workspace in it. */
  signsUrl?: true;
  /** Words that its provider refuses in a URL, lower-case. */
  forbiddenInUrl?: string[];
  /** A set-up check without credential and without a tracking number: answered 200, counted, no event. */
  probe?(request: CallbackRequest): boolean;
  /** Names of body fields whose values are never shown (one-time codes); such bodies are stored encrypted. */
  hidden?: string[];
  /** The largest body in bytes, where it is more than 5 MiB. */
  maxBody?: number;
  /**
   * The files within a body. Once the whole of it is verified they are cut out, and neither `events` nor the store ever sees them.
   * May throw: then the body is kept whole.
   */
  attachments?(request: CallbackRequest): Attachment[];
};

/** Checks an adapter's shape at compile time and gives it to the registry. */
export function defineProvider<Payload>(provider: Provider<Payload>): Provider<Payload> {
  return provider;
}

/** A provider of any payload, as the core holds it. */
// biome-ignore lint/suspicious/noExplicitAny: the payload's type is the adapter's own affair; the schema checks it at run time.
export type AnyProvider = Provider<any>;

/** The body as the adapter's payload schema sees it. @throws where it cannot be decoded. */
export function decodeBody(provider: AnyProvider, request: CallbackRequest): unknown {
  return provider.decode ? provider.decode(request) : losslessJson(text(request.body));
}

/** The body as it is kept, without its attachments, and what they were. Never throws: what cannot be cut is kept whole. */
export function withoutAttachments(provider: AnyProvider, request: CallbackRequest): { body: Uint8Array; removed: Removed[] } {
  const { body } = request;
  try {
    const attachments = (provider.attachments?.(request) ?? []).filter(({ slice }) => slice.byteLength > 0);
    if (attachments.length === 0) return { body, removed: [] };
    const kept: Uint8Array[] = [];
    let end = 0;
    for (const { slice } of attachments) {
      const start = slice.byteOffset - body.byteOffset;
      if (slice.buffer !== body.buffer || start < end) throw new Error("attachments are slices of the body, one after the other");
      kept.push(body.subarray(end, start));
      end = start + slice.byteLength;
    }
    if (end > body.byteLength) throw new Error("an attachment reaches beyond the body");
    const removed = attachments.map(({ name, filename, slice, content = slice }) => ({
      name: name.slice(0, LONGEST_NAME),
      filename: filename?.slice(0, LONGEST_NAME) ?? null,
      size: content.byteLength,
      sha256: createHash("sha256").update(content).digest("hex"),
    }));
    // A copy: a view would keep the whole in memory.
    return { body: Buffer.concat([...kept, body.subarray(end)]), removed };
  } catch {
    return { body, removed: [] };
  }
}

/** Reads the items of a batch one by one, so that a broken one fails alone. */
export function eachItem<Item>(items: unknown[], schema: z.ZodType<Item>, read: (item: Item) => Outcome[] | Outcome): Outcome[] {
  return items.flatMap((item) => {
    const parsed = schema.safeParse(item);
    if (!parsed.success) return [failed("unreadable_item")];
    try {
      return read(parsed.data);
    } catch {
      return [failed("adapter_error")];
    }
  });
}
