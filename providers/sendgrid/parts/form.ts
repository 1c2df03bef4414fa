import { z } from "zod";
import { type Attachment, type CallbackRequest, charsetText, formData, mimeEntity, type Part } from "#provider";
import { MOST_READ, readMail } from "./mail.ts";

/** Where the mail stands: its header lines in the default mode, else the whole of it under the first or (in others' code) the second name. */
const modes = ["headers", "email", "rawEmail"];
/** The fields that are read as text, and how much of them. */
const texts = new Map([
  ["text", MOST_READ],
  ["html", MOST_READ],
  ...["from", "to", "subject", "SPF", "dkim", "spam_score"].map((name): [string, number] => [name, 2000]),
]);
const known = new Set<string | null>([...modes, ...texts.keys(), "envelope", "charsets"]);

type Form = { mode: string; fields: Map<string, Uint8Array>; files: Part[] };

/**
 * Its boundary is the same in every capture (`xYzZY`), so a mail can hold it: what stands twice, or in several modes, is refused and not
 * guessed at.
 */
function open(body: Uint8Array): Form {
  const fields = new Map<string, Uint8Array>();
  const files: Part[] = [];
  for (const part of formData(body)) {
    if (part.filename !== null && !known.has(part.name)) files.push(part);
    else if (part.name === null || fields.has(part.name)) throw new Error("a field has no name, or stands twice");
    else fields.set(part.name, part.body);
  }
  const [mode, another] = modes.filter((name) => fields.has(name));
  if (!mode || another) throw new Error("it is of no mode, or of several");
  return { mode, fields, files };
}

/** Both modes as one shape. */
export function readForm({ body }: CallbackRequest): unknown {
  const { mode, fields, files } = open(body);
  const charsets = z.record(z.string(), z.string()).safeParse(json(fields.get("charsets"))).data ?? {};
  const said = [...texts].map(([name, most]): [string, string | null] => {
    const bytes = fields.get(name)?.subarray(0, most);
    return [name, bytes ? charsetText(bytes, charsets[name]) : null];
  });
  const whole = fields.get(mode) as Uint8Array;
  const mail = mode === "headers" ? { headers: mimeEntity(whole).headers, files } : readMail(whole);
  return { ...Object.fromEntries(said), ...mail, envelope: json(fields.get("envelope")), files: mail.files.length };
}

function json(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(charsetText(bytes ?? Buffer.alloc(0)));
  } catch {
    return null;
  }
}

/** Its attachments: parts of the form, or of the whole mail in it. */
export function filesOf({ body }: CallbackRequest): Attachment[] {
  const { mode, fields, files } = open(body);
  if (mode === "headers") return files.map((part) => ({ name: part.name ?? "", filename: part.filename, slice: part.body }));
  const { files: inMail } = readMail(fields.get(mode) as Uint8Array);
  return inMail.map(({ filename, encoded, content }) => ({ name: mode, filename, slice: encoded, content }));
}
