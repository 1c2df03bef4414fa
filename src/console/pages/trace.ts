import { note } from "../../api/http.ts";
import { GatewayError } from "../../errors.ts";
import { readId } from "../../ids.ts";
import { plain } from "../../trace/sentence.ts";
import { readSpread } from "../../trace/spread.ts";
import { readStory, type Story } from "../../trace/story.ts";
import { readTrace } from "../../trace/trace.ts";
import { sayOf, verdictOf } from "../../trace/verdict.ts";
import { html, nothing, sentence } from "../html.ts";
import { acts } from "../parts/acts.ts";
import { say } from "../parts/beside.ts";
import { page } from "../parts/layout.ts";
import { badge } from "../parts/status.ts";
import { stepList } from "../parts/steps.ts";
import { pages, type Visit, view } from "../visit.ts";
import { bodyPage } from "./trace/body.ts";
import { factsOf } from "./trace/facts.ts";
import { allItems } from "./trace/items.ts";
import { offerOf, where } from "./trace/offers.ts";
import { stepsOf } from "./trace/steps.ts";
import { alsoWaiting } from "./trace/waiting.ts";

/** One callback: what became of it, why, what can be done, what to say; then the proof. */
export const trace = pages()
  .get("/:id", async (c) => {
    const { gateway } = c.var;
    const story = await storyOf(c);
    const seen = view(c);
    const state = verdictOf(story, gateway.registry);
    const { trace: told } = story;
    const spread = await readSpread(gateway.database.query, story, seen.now);
    const title = plain(state.headline, seen.zone, seen.now);
    const body = html`${where(story, gateway, state)}
<div class="two">
<div class="top">${badge(state.shape, state.word)}
<h1>${sentence(state.headline, seen)}</h1>
<p class="why">${sentence(state.explanation, seen)}</p>
<div class="offers">${state.offers.map((offer, index) => offerOf(offer, story, seen, index === 0, index))}${told.status === "rejected" ? nothing : html`<a class="button" href="/console/callbacks/${told.id}/replay">Replay…</a>`}</div></div>
<div class="beside">${say(sayOf(story, gateway.registry, seen.zone), seen)}</div>
<div class="mid">${stepList(stepsOf(gateway, story, state, seen))}${c.req.query("all") === undefined ? nothing : allItems(story)}</div>
<div class="beside mid">${factsOf(story, gateway, seen)}${alsoWaiting(story, spread, seen)}${acts(story.acts, story.item?.healed ?? null, seen)}</div>
</div>`;
    return page(c, { title, section: told.status === "unmatched" ? "unmatched" : "callbacks", body });
  })
  .get("/:id/body", async (c) => {
    const { gateway } = c.var;
    const id = readId("callback", c.req.param("id"));
    const found = id ? await readTrace(gateway, id) : null;
    if (!found) throw new GatewayError("not_found");
    await note(c, [{ action: "callback.body_read", object: found.id }]);
    return page(c, { title: "Body", section: "callbacks", body: bodyPage(gateway, found) });
  });

async function storyOf(c: Visit): Promise<Story> {
  const id = readId("callback", c.req.param("id") ?? "");
  const index = /^\d{1,6}$/.test(c.req.query("item") ?? "") ? Number(c.req.query("item")) : null;
  const story = id ? await readStory(c.var.gateway, id, index) : null;
  if (!story) throw new GatewayError("not_found");
  return story;
}
