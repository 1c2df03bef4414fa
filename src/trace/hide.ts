const { rawJSON: rawJson } = JSON as unknown as { rawJSON(source: string): unknown };

/**
 * Replaces the values of these JSON members, wherever they stand, and leaves every other byte as it came. Of a form, each field may be
 * JSON: it is shown where none of the names occurs in it. Anything else is hidden whole.
 */
export function hideFields(body: string, names: string[]): string {
  const secret = new Set(names);
  const shows = (text: string): boolean => {
    let found = false;
    JSON.parse(text, (key, value) => {
      if (secret.has(key) && value !== HIDDEN) found = true;
      return value;
    });
    return found;
  };
  try {
    if (!shows(body)) return body;
    const inPlace = new RegExp(`("(?:${names.map(escapeName).join("|")})"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"|[^\\s,{}[\\]"]+)`, "g");
    const hidden = body.replace(inPlace, (_, name: string) => `${name}"${HIDDEN}"`);
    // Names that are spelled with escapes, and values that are objects, are found by parsing alone: then the layout goes.
    return shows(hidden) ? rewrite(body, secret) : hidden;
  } catch {
    return isHarmlessForm(body, secret) ? body : HIDDEN;
  }
}

/** Whether a form carries none of these names: neither as a field nor in what a field holds as JSON. */
function isHarmlessForm(body: string, secret: ReadonlySet<string>): boolean {
  if (!/^[\w.~%[\]-]+=\S*$/.test(body)) return false;
  return [...new URLSearchParams(body)].every(([name, value]) => {
    if (secret.has(name)) return false;
    // What only looks like JSON may hold anything.
    if (!/^\s*[[{"]/.test(value)) return true;
    try {
      let found = false;
      JSON.parse(value, (key, inner) => {
        if (secret.has(key)) found = true;
        return inner;
      });
      return !found;
    } catch {
      return false;
    }
  });
}

const HIDDEN = "[hidden]";
const escapeName = (name: string) => name.replace(/[^A-Za-z0-9_]/g, "\\$&");

/** Numbers keep their digits: only what is hidden may look different. */
function rewrite(body: string, secret: ReadonlySet<string>): string {
  const rewritten = JSON.parse(body, function redact(key, value, context?: { source?: string }) {
    if (secret.has(key)) return HIDDEN;
    return typeof value === "number" && context?.source ? rawJson(context.source) : value;
  });
  return JSON.stringify(rewritten, null, 2);
}
