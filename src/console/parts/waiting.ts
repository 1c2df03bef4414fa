import type { Gateway } from "../../gateway.ts";
import { readId, showId } from "../../ids.ts";
import { happened, kindWord, maskPerson, maskText } from "../../trace/names.ts";
import { many } from "../../trace/sentence.ts";
import { readStory, type Story } from "../../trace/story.ts";
import { verdictOf } from "../../trace/verdict.ts";
import { clock, zoneLabel } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { type Visit, view } from "../visit.ts";
import { adapterName } from "./adapters.ts";
import { copy } from "./beside.ts";
import { type Chosen, linkTo, split } from "./chosen.ts";
import { adapterOf, type Group } from "./groups.ts";
import { assignPart } from "./preview.ts";

/** What was chosen among what waits: its clues, and what can be done. */
export async function chosenPart(c: Visit, chosen: Chosen, groups: readonly Group[]): Promise<Html> {
  const { gateway } = c.var;
  const seen = view(c);
  const group = groups.find((one) => adapterOf(one) === chosen.adapter && one.reference === chosen.reference);
  const sampleId = readId("callback", chosen.callback ?? group?.sample_callback_id ?? "") ?? (await sampleOf(gateway, chosen));
  const story = sampleId ? await readStory(gateway, sampleId, chosen.item) : null;
  if (story?.item?.verdict !== "waiting")
    return html`<div class="box pad"><h2>Nothing waits with this any more</h2><p class="sub">It came home, or was put aside.</p></div>`;
  const { reason } = story.item;
  const clueList = clues(story);
  const tells = clueList.length > 0 ? "What the callbacks themselves tell:" : nothing;
  const head = html`<h2>${titleOf(chosen, adapterName(gateway.registry, story.adapter ?? ""))}</h2><p class="sub">${spanOf(group, seen)}${tells}</p><ul class="dots">${clueList.map((clue) => html`<li>${clue}</li>`)}</ul><p class="more"><a href="/console/callbacks/${story.trace.id}?item=${story.item.index}">See ${chosen.reference ? "one of them" : "its trace"}</a></p>`;
  const [kind] = split(chosen.reference);
  if (chosen.reference && (kind === "workspace" || reason === "workspace_conflict")) {
    const state = verdictOf(story, gateway.registry);
    const copies = state.offers.map((offer, index) =>
      offer.to === "copy" ? copy(offer.label, offer.text, seen, `offer-${index}`) : nothing,
    );
    const items = reason === "workspace_conflict" ? await conflicts(gateway, chosen, seen) : nothing;
    return html`<div class="box pad">${head}<div class="part-of"><p class="why">${sentence(state.explanation, seen)}</p>${copies}${items}</div></div>`;
  }
  return html`<div class="box pad">${head}${await assignPart(c, chosen, group?.waiting ?? story.waits?.count ?? 1)}</div>`;
}

function titleOf({ reference }: Chosen, provider: string): Html {
  const [kind, value] = split(reference);
  if (kind === "workspace") return html`Workspace ${code(value)}`;
  return reference
    ? html`Whose is ${provider} ${kindWord(kind)} ${code(maskText(value))}?`
    : html`Whose is this event of ${provider}?`;
}

/** `42 events, 13:05:11 to 15:57:30 IST.` */
function spanOf(group: Group | undefined, { zone, now }: Clock): Html {
  if (!group?.oldest || !group.newest) return nothing;
  const { oldest, newest, waiting } = group;
  const from = time(oldest, clock(oldest, zone, now));
  const to = newest === oldest ? nothing : html` to ${time(newest, clock(newest, zone, now))}`;
  return html`${many(waiting, "event")}, ${from}${to} ${zoneLabel(zone, now)}. `;
}

/** Facts from the callbacks, to recognise somebody by; never a choice. */
function clues({ told, item }: Story): Html[] {
  const text = (found: unknown) => (typeof found === "string" && found ? found : null);
  const list: Html[] = [];
  const recipient = text(told?.provider_data.recipient) ?? text(told?.data.email) ?? text(told?.data.phone);
  if (told)
    list.push(
      html`“${happened(told)}”${text(told.provider_data.status) ? html`, in its words ${code(text(told.provider_data.status) ?? "")}` : nothing}`,
    );
  if (recipient) list.push(html`recipient ${html`<strong>${foreign(maskPerson(recipient))}</strong>`}`);
  for (const name of ["campaign_id", "contact_id", "new_plan"] as const) {
    const value = text(told?.data[name]);
    if (value) list.push(html`${name.replace("_id", "").replace("new_", "")} ${code(maskText(value))}`);
  }
  for (const way of item?.ways ?? [])
    if (way.way === "lookup")
      for (const one of way.looked_at.filter((place) => place.where !== "recipient").slice(0, 6))
        list.push(
          html`${kindWord(one.where)} ${code(maskText(one.value ?? ""))}, ${one.found ? "bound, but it does not decide" : "not bound"}`,
        );
  return list;
}

/** A callback that waits with this reference. */
async function sampleOf({ database }: Gateway, { adapter, reference }: Chosen): Promise<string | null> {
  if (!reference) return null;
  const column = reference.startsWith("workspace:") ? reference : `${adapter} ${reference}`;
  const [row] = await database.query<{ callback_id: string }>(
    "select callback_id from waiting where refs @> array[$1::text] and adapter = $2 order by occurred_at desc limit 1",
    [column, adapter],
  );
  return row?.callback_id ?? null;
}

/** A conflict is never healed in bulk: each by itself. */
async function conflicts({ database }: Gateway, { adapter, reference }: Chosen, { zone, now }: Clock): Promise<Html> {
  const rows = await database.query<{ callback_id: string; item: number; received_at: Date }>(
    "select callback_id, item, received_at from waiting where refs @> array[$1::text] and adapter = $2 and reason = 'workspace_conflict' order by occurred_at limit 20",
    [`${adapter} ${reference}`, adapter],
  );
  return html`<ul class="dots mid">${rows.map((row) => {
    const id = showId("callback", row.callback_id);
    const at = row.received_at.toISOString();
    return html`<li>${time(at, clock(at, zone, now))} <a href="${linkTo({ adapter, reference: null, callback: id, item: row.item })}">Assign this one…</a> <a href="/console/callbacks/${id}?item=${row.item}">See its trace</a></li>`;
  })}</ul>`;
}
