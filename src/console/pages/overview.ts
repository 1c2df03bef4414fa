import type { Attention } from "../../attention/types.ts";
import { GatewayError } from "../../errors.ts";
import { small } from "../../trace/states.ts";
import { type Html, html } from "../html.ts";
import { attentionList } from "../parts/attention.ts";
import { crumbs, nowLine, page } from "../parts/layout.ts";
import { totalsList } from "../parts/numbers.ts";
import { providerTable } from "../parts/providers.ts";
import { alone, later, soon } from "../parts/soon.ts";
import { pages, type Visit, view } from "../visit.ts";
import { attention, providers, sums } from "../watch.ts";

/** The parts of the page: each is read by itself, and shown by itself where it takes long. */
const PARTS = { attention: "what needs attention", totals: "the totals", providers: "the providers" } as const;
type Part = keyof typeof PARTS;

/** How many things need attention, and how the last hour went. */
export const overview = pages().get("/", async (c) => {
  const asked = c.req.query("part");
  return asked === undefined ? whole(c) : partOf(c, asked);
});

async function whole(c: Visit): Promise<Response> {
  const { gateway } = c.var;
  const [needs, numbers, rows] = await Promise.all([
    soon(gateway, needsOf(c)),
    soon(gateway, sums(gateway)),
    soon(gateway, providers(gateway)),
  ]);
  const instead = (part: Part) => later(PARTS[part], `/console?part=${part}`);
  const usual = needs ? ` Everything ${needs.items.length === 0 ? "" : "else "}runs as usual.` : "";
  const body = html`<h1>${needs ? headline(needs.items.length) : "Overview"}</h1><p class="sub">${nowLine(c)}.${usual}</p>
${needs?.list ?? instead("attention")}
${numbers ? totalsList(numbers, gateway.registry) : instead("totals")}
${rows ? providerTable(rows, needs?.items ?? [], gateway, view(c)) : instead("providers")}`;
  return page(c, { title: "Overview", section: "overview", body, live: "page=overview" });
}

/** One part alone: the page waits for it. */
async function partOf(c: Visit, asked: string): Promise<Response> {
  if (!isPart(asked)) throw new GatewayError("not_found");
  const title = capital(PARTS[asked]);
  const body = html`${crumbs(html`<a href="/console">Overview</a>`, html`${title}`)}<h1>${title}</h1><p class="sub">${nowLine(c)}.</p>${await alone(c.var.gateway, read(c, asked))}`;
  return page(c, { title, section: "overview", body, live: "page=overview" });
}

const isPart = (name: string): name is Part => Object.hasOwn(PARTS, name);

async function read(c: Visit, part: Part): Promise<Html> {
  const { gateway } = c.var;
  switch (part) {
    case "attention": {
      const { items, list } = await needsOf(c);
      return items.length > 0 ? list : html`<p class="why">Nothing needs attention.</p>`;
    }
    case "totals":
      return totalsList(await sums(gateway), gateway.registry);
    case "providers":
      return providerTable(await providers(gateway), [], gateway, view(c));
  }
}

async function needsOf(c: Visit): Promise<{ items: Attention[]; list: Html }> {
  const items = await attention(c.var.gateway);
  return { items, list: await attentionList(c, items) };
}

const headline = (count: number) =>
  count === 0 ? "Nothing needs attention" : `${capital(small(count))} ${count === 1 ? "thing needs" : "things need"} attention`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
