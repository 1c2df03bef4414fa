/** What nobody sees. */
const UNSEEN = new Set(["style", "script", "head", "title"]);
const BREAKING = new Set(["br", "p", "div", "tr", "li", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"]);
const ENTITIES = new Map([
  ["nbsp", " "],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["amp", "&"],
]);

/** Roughly what a reader sees of HTML, for a mail that says nothing in plain text. In one pass: nothing in it makes it slow. */
export function htmlText(html: string): string {
  const [beginning = "", ...tags] = html.split("<");
  let seen = blanks(beginning);
  /** The element (or `!--`) that hides what follows, until its end. */
  let within: string | null = null;
  for (const tag of tags) {
    if (within === "!--" || (within === null && tag.startsWith("!--"))) {
      const end: number = tag.indexOf("-->");
      within = end < 0 ? "!--" : null;
      if (end >= 0) seen += blanks(tag.slice(end + 3));
      continue;
    }
    const [, slash, word] = /^(\/?)([a-z][a-z0-9]*|!|\?)/i.exec(tag) ?? [];
    const name: string | undefined = word?.toLowerCase();
    const end = tag.indexOf(">");
    if (within !== null) {
      if (!slash || name !== within) continue;
      within = null;
    } else if (!name) {
      seen += blanks(`<${tag}`);
      continue;
    } else if (!slash && UNSEEN.has(name)) {
      within = name;
      continue;
    }
    if (name && BREAKING.has(name)) seen += "\n";
    if (end >= 0) seen += blanks(tag.slice(end + 1));
  }
  return characters(seen)
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function blanks(text: string): string {
  return text.replace(/\s+/g, " ");
}

function characters(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{1,8}));/gi, (entity, decimal, hex, name) => {
    if (name) return ENTITIES.get(name) ?? entity;
    const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  });
}
