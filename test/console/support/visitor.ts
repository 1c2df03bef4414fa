import { request } from "node:http";

export type Page = { status: number; headers: Record<string, string | string[] | undefined>; text: string };

/** Somebody with a browser and its cookies, but without script. */
export class Visitor {
  readonly #url: string;
  readonly cookies = new Map<string, string>();

  constructor(url: string) {
    this.#url = url;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#call("GET", path, headers);
  }

  /** Sends a form, as a page of the console would; `headers` may say otherwise. */
  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Page> {
    const from = { origin: this.#url, "content-type": "application/x-www-form-urlencoded" };
    return this.#call("POST", path, { ...from, ...headers }, new URLSearchParams(fields).toString());
  }

  /** @throws where it is not let in. */
  async login(token: string): Promise<this> {
    const { status, text } = await this.post("/console/login", { token });
    if (status !== 303) throw new Error(`login answered ${status}: ${text}`);
    return this;
  }

  /** By node's own client: fetch sets some of these headers itself. */
  #call(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const given = Object.fromEntries(
      Object.entries({ ...(cookie && { cookie }), ...headers }).filter(([, value]) => value !== ""),
    );
    return new Promise((resolve, reject) => {
      const call = request(`${this.#url}${path}`, { method, headers: given }, (response) => {
        let text = "";
        for (const line of response.headers["set-cookie"] ?? []) this.#keep(line);
        response
          .setEncoding("utf8")
          .on("data", (chunk: string) => (text += chunk))
          .on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      call.on("error", reject);
      call.end(body);
    });
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** What a person reads: the text of a page, without markup. */
export function read(html: string): string {
  return html
    .replace(/<(script|style)[^>]*>.*?<\/\1>/gs, "")
    .replace(/<\/?(?:bdi|b|strong|a|span|small|time|code)(?: [^>]*)?>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ");
}
