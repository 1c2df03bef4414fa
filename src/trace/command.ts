/** Commands to be pasted into a shell: what somebody else wrote stands in them, and must do nothing there. */

const SAFE = /^[\w.:/@%+=,-]+$/;

const quoted = (word: string) => (SAFE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** `homing …`, each word quoted where it needs it. */
export function homing(...words: string[]): string {
  return ["homing", ...words.map(quoted)].join(" ");
}

/** Registers a workspace, or opens it again; no command of ours does, so that it is the call itself. */
export function putWorkspace(publicUrl: string, id: string, name: string): string {
  const path = quoted(`${publicUrl.replace(/\/+$/, "")}/v1/workspaces/${id}`);
  return `curl -X PUT ${path} -H "authorization: Bearer $HOMING_TOKEN" -d ${quoted(JSON.stringify({ name }))}`;
}
