import { GatewayError } from "../../errors.ts";
import { replayOne } from "../../healing/replay.ts";
import { happened } from "../../trace/names.ts";
import { counted, many } from "../../trace/sentence.ts";
import { recount } from "../counts.ts";
import { code, type Html, html, nothing } from "../html.ts";
import { crumbs, page } from "../parts/layout.ts";
import { pages, type Visit } from "../visit.ts";

type Replayed = Awaited<ReturnType<typeof replayOne>>;

/** Reads a stored callback again: first what that would do, then, by a button, does it. */
export const replay = pages()
  .get("/:id/replay", async (c) => {
    const id = c.req.param("id");
    let would: Replayed;
    try {
      would = await replayOne(c.var.gateway, c.var.principal, id, { dryRun: true });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.status !== 409) throw error;
      return answer(
        c,
        id,
        html`<h1>It cannot be replayed</h1><p class="why">${error.message}</p><div class="offers"><a class="button" href="/console/callbacks/${id}">Back to it</a></div>`,
      );
    }
    const nothingNew = would.added.length === 0 && would.taught === 0;
    return answer(
      c,
      id,
      html`<h1>${would.failed > 0 && nothingNew ? "It still cannot be read" : nothingNew ? "A replay would emit nothing new" : `A replay would emit ${many(would.added.length, "event")}`}</h1>
<p class="why">It is read again with today’s rules, as of when it came.${would.failed > 0 && nothingNew ? " They do not know it yet: replay it after the mend." : ""} What was emitted before is not emitted twice.</p>${told(would)}
<div class="offers"><form method="post" action="/console/callbacks/${id}/replay"><button class="main">${nothingNew ? "Replay all the same" : `Replay and emit ${many(would.added.length, "event")}`}</button></form><a class="button" href="/console/callbacks/${id}">Leave it</a></div>`,
    );
  })
  .post("/:id/replay", async (c) => {
    const id = c.req.param("id");
    const done = await replayOne(c.var.gateway, c.var.principal, id, { dryRun: false });
    recount(c.var.gateway);
    return answer(
      c,
      id,
      html`<h1>Replayed: ${many(done.added.length, "event")} emitted</h1><p class="why">What was sent stays sent.</p>${told(done)}<div class="offers"><a class="button main" href="/console/callbacks/${done.callback_id}">See it now</a></div>`,
    );
  });

function answer(c: Visit, id: string, told: Html): Promise<Response> {
  const body = html`${crumbs(html`<a href="/console/callbacks">Callbacks</a>`, html`<a href="/console/callbacks/${id}">${code(id)}</a>`, html`Replay`)}${told}`;
  return page(c, { title: "Replay", section: "callbacks", body });
}

/** What a replay comes to, in lines. */
function told({ added, changed, gone, unchanged, failed }: Replayed): Html {
  const kinds = Map.groupBy(added, (event) => happened(event));
  return html`<ul class="dots mid">${[...kinds].map(([kind, of]) => html`<li>${kind}: ${counted(of.length)}</li>`)}${failed > 0 ? html`<li>${counted(failed)} cannot be read</li>` : nothing}<li>${counted(unchanged)} as before</li>${changed.length > 0 ? html`<li>${counted(changed.length)} would read differently today: told here, not sent again</li>` : nothing}${gone.length > 0 ? html`<li>${counted(gone.length)} would not be made today: what was sent stays sent</li>` : nothing}</ul>`;
}
