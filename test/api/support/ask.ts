/** What was answered, as text: what it says to whom is the question. */
export type Told = { status: number; text: string };

/** Calls as whoever has the token. Of a stream it reads the first words. */
export async function ask(url: string, token: string | null, method: string, path: string, body?: unknown): Promise<Told> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream"))
    return { status: response.status, text: await response.text() };
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return { status: response.status, text: Buffer.from(first?.value ?? []).toString() };
}

/** The same answer to two requests differs in their ids alone. */
export function sameBut({ status, text }: Told): Told {
  return { status, text: text.replace(/req_[0-9a-f-]{36}/g, "req_…") };
}
