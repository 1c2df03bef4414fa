/** One part of a multipart body, or a whole mail. Its body is a slice of the bytes that were read, not a copy. */
export type Part = {
  /** By lower-case name, unfolded; of several with one name the first. */
  headers: ReadonlyMap<string, string>;
  /** The form field that it is. */
  name: string | null;
  /** As it was spelled, path and all. */
  filename: string | null;
  body: Uint8Array;
};

/** More are a mistake, or a trap. */
const MOST_PARTS = 1000;
/** A part has three header lines; a mail that was often relayed has dozens. */
const LONGEST_HEAD = 256 * 1024;
const LONGEST_PARAMETERS = 8192;
const [TAB, LF, CR, SPACE, DASH] = [9, 10, 13, 32, 45];

/**
 * Reads `multipart/form-data`. The boundary is that of the body's own first line: the header that names it too is nothing that a signature
 * covers. Where a sender always takes the same one, whoever fills in a field can write it; so lines end with CR LF, and nothing may follow
 * the last one.
 * @throws Error where it is malformed, or has too many parts.
 */
export function formData(body: Uint8Array, most = MOST_PARTS): Part[] {
  const bytes = bufferOf(body);
  const boundary = /^--([ -~]{1,200}?) *\r\n/.exec(bytes.toString("latin1", 0, 210))?.[1];
  if (!boundary) throw new Error("it does not begin with a boundary");
  const { pieces, rest } = split(bytes, boundary, true, most);
  if (rest?.byteLength !== 0) throw new Error("it does not end with its boundary");
  return pieces.map((piece) => {
    const part = readPart(piece, true);
    return { ...part, name: unescaped(part.name), filename: unescaped(part.filename) };
  });
}

/** Reads a mail, or a part of one: its headers, and what follows them. @throws Error where its head is too long. */
export function mimeEntity(bytes: Uint8Array): Part {
  return readPart(bufferOf(bytes), false);
}

/**
 * The parts of a mail's body, by the `boundary` that its Content-Type names. Generous, as mails are: lines may end with LF alone, text may
 * stand around the parts, and the end may be missing.
 * @throws Error where there are too many parts.
 */
export function mimeParts(body: Uint8Array, boundary: string, most = MOST_PARTS): Part[] {
  return split(bufferOf(body), boundary, false, most).pieces.map((piece) => readPart(piece, false));
}

/** A parameter of a header's value: of `form-data; name="a"` the `name` is `a`. */
export function headerParameter(value: string, name: string): string | null {
  // Some escape quotes and backslashes, some (Windows paths) do not: "path\" ends with its second quote all the same.
  const parameters = value
    .slice(0, LONGEST_PARAMETERS)
    .matchAll(/;\s*([^\s=;"]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|"([^"]*)"|([^;\s"]*))/g);
  for (const [, key = "", escaped, plain, bare] of parameters) {
    const said = escaped?.replace(/\\(["\\])/g, "$1") ?? plain ?? bare ?? "";
    if (key.toLowerCase() === name) return said;
    // `filename*=utf-8''na%C3%AFve`
    const [, charset, encoded] = key.toLowerCase() === `${name}*` ? (/^([^']*)'[^']*'(.*)$/s.exec(said) ?? []) : [];
    if (encoded) return charsetText(percentDecoded(encoded), charset);
  }
  return null;
}

/** Text in the charset that it is said to be in; without one, or in one that is unknown here, UTF-8 if it is that, else Windows-1252. */
export function charsetText(bytes: Uint8Array, charset?: string | null): string {
  try {
    return new TextDecoder(charset || "utf-8", { fatal: !charset }).decode(bytes);
  } catch {
    return charset ? charsetText(bytes) : new TextDecoder("windows-1252").decode(bytes);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What stands between the lines of a boundary, and after its last one: null where that is missing. */
function split(bytes: Buffer, boundary: string, strict: boolean, most: number): { pieces: Buffer[]; rest: Buffer | null } {
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  const pieces: Buffer[] = [];
  let start: number | null = null;
  for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, at + 1)) {
    const before = lineEndBefore(bytes, at, strict);
    const line = lineAfter(bytes, at + delimiter.byteLength, strict);
    // Within a line, or the beginning of a longer boundary: not this one.
    if (before === null || line === null) continue;
    if (start !== null) pieces.push(bytes.subarray(start, Math.max(start, before)));
    if (line.last) return { pieces, rest: bytes.subarray(line.end) };
    if (pieces.length >= most) throw new Error(`it has more than ${most} parts`);
    start = line.end;
  }
  if (start !== null && !strict) pieces.push(bytes.subarray(start));
  return { pieces, rest: null };
}

/** Where the line break before a line begins; null where it is no line's beginning. */
function lineEndBefore(bytes: Buffer, at: number, strict: boolean): number | null {
  if (at === 0) return 0;
  if (bytes[at - 1] !== LF) return null;
  if (bytes[at - 2] === CR) return at - 2;
  return strict ? null : at - 1;
}

/** The rest of a boundary's line: `--` if it is the last, blanks, the line break. Null for anything else. */
function lineAfter(bytes: Buffer, at: number, strict: boolean): { last: boolean; end: number } | null {
  const last = bytes[at] === DASH && bytes[at + 1] === DASH;
  let end = last ? at + 2 : at;
  while (bytes[end] === SPACE || bytes[end] === TAB) end += 1;
  if (end === bytes.byteLength) return { last, end };
  if (bytes[end] === CR && bytes[end + 1] === LF) return { last, end: end + 2 };
  return bytes[end] === LF && !strict ? { last, end: end + 1 } : null;
}

/** Head and body, which an empty line parts. */
function readPart(piece: Buffer, strict: boolean): Part {
  // One byte is one character of latin1: places in the text are places in the bytes.
  const blank = (strict ? /^\r\n|\r\n\r\n/ : /^\r?\n|\r?\n\r?\n/).exec(piece.toString("latin1", 0, LONGEST_HEAD));
  if (!blank && (strict || piece.byteLength > LONGEST_HEAD)) throw new Error("a part's head has no end");
  const end = blank?.index ?? piece.byteLength;
  const headers = readHeaders(charsetText(piece.subarray(0, end)), strict ? "\r\n" : "\r?\n");
  const disposition = headers.get("content-disposition") ?? "";
  const named = headerParameter(disposition, "filename");
  return {
    headers,
    name: headerParameter(disposition, "name"),
    filename: strict ? named : (named ?? headerParameter(headers.get("content-type") ?? "", "name")),
    body: piece.subarray(end + (blank?.[0].length ?? 0)),
  };
}

function readHeaders(head: string, lineBreak: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.replace(new RegExp(`${lineBreak}[ \\t]+`, "g"), " ").split(new RegExp(lineBreak))) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

/** As browsers escape the names of fields and files. */
function unescaped(value: string | null): string | null {
  return value?.replace(/%(22|0D|0A)/gi, (escaped) => percentDecoded(escaped).toString("latin1")) ?? null;
}

function percentDecoded(text: string): Buffer {
  return Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}
