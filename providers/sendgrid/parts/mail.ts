import { charsetText, headerParameter, isoTime, mimeEntity, mimeParts, type Part } from "#provider";

const MOST_PARTS = 1000;
const DEEPEST = 10;
const [LF, CR, EQUALS] = [10, 13, 61];
/** Of a text, more bytes than these are not looked at. */
export const MOST_READ = 1024 * 1024;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DATE = /^(?:[a-z]+,\s*)?(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+(\d\d:\d\d)(:\d\d)?\s*([+-]\d{4}|utc?\b|gmt\b|z\b)/i;

/** A whole mail: its headers, what it says, and what else it carries. */
export type Mail = { headers: Part["headers"]; text: string | null; html: string | null; files: MailFile[] };
/** `encoded` is a slice of the mail, `content` what it stands for. */
export type MailFile = { filename: string | null; encoded: Uint8Array; content: Uint8Array };

/** @throws Error where it has too many parts. */
export function readMail(bytes: Uint8Array): Mail {
  const mail = mimeEntity(bytes);
  const leaves = leavesOf(mail);
  const said = (type: string) => leaves.filter((leaf) => typeOf(leaf) === type && isRead(leaf)).map(textOf);
  return {
    headers: mail.headers,
    text: said("text/plain").join("\n") || null,
    html: said("text/html")[0] ?? null,
    files: leaves
      .filter((leaf) => !isRead(leaf))
      .map((leaf) => ({ filename: leaf.filename, encoded: leaf.body, content: decoded(leaf) })),
  };
}

/** Parts that hold no parts, in the order of the mail. */
function leavesOf(mail: Part): Part[] {
  const leaves: Part[] = [];
  const open = [{ part: mail, depth: 0 }];
  for (let seen = 1; open.length > 0; ) {
    const { part, depth } = open.pop() as (typeof open)[number];
    const boundary = typeOf(part).startsWith("multipart/") && headerParameter(part.headers.get("content-type") ?? "", "boundary");
    if (!boundary || depth >= DEEPEST) leaves.push(part);
    else {
      const inner = mimeParts(part.body, boundary, MOST_PARTS - seen);
      seen += inner.length;
      open.push(...inner.map((one) => ({ part: one, depth: depth + 1 })).reverse());
    }
  }
  return leaves;
}

function typeOf({ headers }: Part): string {
  return (headers.get("content-type") ?? "text/plain").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** What a reader sees at once; everything else is a file. */
function isRead(leaf: Part): boolean {
  const attached = /^attachment\b/i.test(leaf.headers.get("content-disposition") ?? "");
  return ["text/plain", "text/html"].includes(typeOf(leaf)) && leaf.filename === null && !attached;
}

function textOf(leaf: Part): string {
  const charset = headerParameter(leaf.headers.get("content-type") ?? "", "charset");
  return charsetText(decoded({ ...leaf, body: leaf.body.subarray(0, MOST_READ) }), charset);
}

/** The content without its transfer encoding. */
function decoded({ headers, body }: Part): Uint8Array {
  const encoding = headers.get("content-transfer-encoding")?.toLowerCase();
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (encoding === "base64") return Buffer.from(bytes.toString("latin1"), "base64");
  return encoding === "quoted-printable" ? unquoted(bytes) : body;
}

/** `=3D` is a byte, `=` at the end of a line joins it with the next. Byte by byte, as there may be millions. */
function unquoted(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.byteLength);
  let length = 0;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at] as number;
    const first = bytes[at + 1] ?? 0;
    const second = bytes[at + 2] ?? 0;
    if (byte === EQUALS && first === LF) at += 1;
    else if (byte === EQUALS && first === CR && second === LF) at += 2;
    else if (byte === EQUALS && digit(first) >= 0 && digit(second) >= 0) {
      out[length++] = digit(first) * 16 + digit(second);
      at += 2;
    } else out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** A hexadecimal digit's value, or -1. */
function digit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** A mail's Date, where it names its zone. */
export function mailDate(value: string | undefined): Date | null {
  const [, day = "", month = "", year, minutes, seconds = ":00", zone = ""] = DATE.exec(value ?? "") ?? [];
  const number = String(MONTHS.indexOf(month.toLowerCase()) + 1).padStart(2, "0");
  return isoTime(`${year}-${number}-${day.padStart(2, "0")}T${minutes}${seconds}${/\d/.test(zone) ? zone : "Z"}`);
}
