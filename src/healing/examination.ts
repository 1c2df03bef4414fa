import type { Event } from "../events/build.ts";
import { showId } from "../ids.ts";
import { type Found, isDraft, resolveBy, type Verdict, type Work, waitingPart } from "../inbound/decide.ts";
import type { Plan } from "../inbound/write.ts";
import { type Finding, type ItemNow, itemOf, type Refreshed, type Update, type WaitingHere } from "./finding.ts";
import type { Reading, Stored } from "./stored.ts";
import { eventToday, tellTheSame } from "./today.ts";

/** One callback: what its items say today beside what they are. */
export class Examination {
  readonly #reading: Reading;
  readonly #now: ItemNow[];
  readonly #events: Map<string, Event>;
  readonly #found: Found;
  /** Waiting rows by natural key. */
  readonly #waiting: Map<string, WaitingHere>;
  /** Of each of today's items, the event that it became. */
  readonly #became = new Map<Work, string>();
  readonly #keptEvents = new Set<string>();
  readonly #changed: Finding["changed"] = [];
  #open: Work[] = [];

  constructor(reading: Reading, now: ItemNow[], waiting: WaitingHere[], events: Map<string, Event>, found: Found) {
    this.#reading = reading;
    this.#now = now;
    this.#waiting = new Map(waiting.map((row) => [row.natural_key, row]));
    this.#events = events;
    this.#found = found;
  }

  get #stored(): Stored {
    return this.#reading.stored;
  }

  /** Without an item and failed: it could not be read as a whole. */
  get #isMended(): boolean {
    return this.#now.length === 0 && this.#stored.failed > 0 && this.#reading.failed === null;
  }

  /** Whether today's items stand at the places of those then. */
  get #inPlace(): boolean {
    return this.#reading.works.length === this.#now.length;
  }

  /** Finds the items that are events already, and compares them; answers those that have to be decided. */
  compare(forgottenBefore: number): Work[] {
    const { works } = this.#reading;
    const own = new Set(this.#now.flatMap(({ verdict, eventId }) => (verdict === "event" && eventId ? [eventId] : [])));
    const taken = new Set<string>();
    for (const [place, work] of works.entries()) {
      const known = this.#found.keys.get(work.naturalKey ?? "") ?? [];
      const mine = known.flatMap(({ eventId, callbackId }) =>
        eventId && (own.has(eventId) || callbackId === this.#stored.id) ? [eventId] : [],
      );
      // One key may be an event of two workspaces: the one at this place, else one that no other item has.
      const here = this.#inPlace ? this.#now[place]?.eventId : null;
      const became = mine.find((id) => id === here) ?? mine.find((id) => !taken.has(id)) ?? mine[0];
      if (!became) continue;
      taken.add(became);
      this.#became.set(work, became);
    }
    const kept = new Set(this.#inPlace ? works.filter((work, place) => this.#isKept(work, place)) : []);
    for (const [work, eventId] of this.#became) this.#compareEvent(work, eventId);
    // Older than the guard remembers: what has no entry may have been emitted all the same.
    const forgotten = this.#stored.received_at.getTime() < forgottenBefore;
    const isKnown = (work: Work) => !isDraft(work.outcome) || this.#found.keys.has(work.naturalKey ?? "");
    this.#open = works.filter((work) => !this.#became.has(work) && !kept.has(work) && (!forgotten || isKnown(work)));
    return this.#open;
  }

  /** Whether an item is what stands at its place, though its adapter makes keys otherwise since then: one must not become two. */
  #isKept(work: Work, place: number): boolean {
    const now = this.#now[place];
    const { outcome } = work;
    if (!now || !isDraft(outcome) || this.#found.keys.has(work.naturalKey ?? "")) return false;
    if (now.verdict === "waiting" || now.verdict === "dismissed") return true;
    if (now.verdict !== "event" || !now.eventId) return false;
    const before = this.#events.get(now.eventId);
    // Past its retention it tells nothing any more: it counts as the same.
    if (before && !tellTheSame(before, eventToday(work, before, this.#found), outcome)) return false;
    this.#keptEvents.add(now.eventId);
    return true;
  }

  #compareEvent(work: Work, eventId: string): void {
    const before = this.#events.get(eventId);
    if (!before || !isDraft(work.outcome)) return;
    const after = eventToday(work, before, this.#found);
    if (!tellTheSame(before, after, work.outcome)) this.#changed.push({ event_id: before.id, before, after });
  }

  /** What it comes to, once what was open is decided. */
  conclude(plan: Plan, emitted: Map<string, Event>, found: Found): Finding {
    const { works, failed } = this.#reading;
    const updates = this.#updates(plan);
    const items = [...this.#now];
    for (const { index, verdict } of updates) items[index] = itemOf(verdict);
    const added = this.#open.flatMap((work) => this.#addedBy(work, emitted, items));
    const refreshed = this.#open.flatMap((work) => this.#refresh(work, found));
    const of = (word: string) => this.#open.filter((work) => work.verdict?.verdict === word).length;
    const became = new Set([...this.#became.values(), ...this.#keptEvents]);
    const gone = this.#now.flatMap(({ verdict, eventId }) =>
      verdict === "event" && eventId && !became.has(eventId)
        ? [{ event_id: showId("event", eventId), event: this.#events.get(eventId) ?? null }]
        : [],
    );
    const others = updates.filter(({ verdict }) => !["event", "waiting"].includes(verdict.verdict)).length;
    return {
      ...{ reading: this.#reading, added, changed: this.#changed, gone, waiting: of("waiting"), taught: of("taught") },
      unchanged: Math.max(0, works.length - added.length - of("waiting") - this.#changed.length - others),
      failed: failed ? 1 : of("failed"),
      mended: this.#isMended,
      writes: updates.length + added.length + of("taught") + refreshed.length > 0 || this.#isMended,
      ...{ updates, refreshed, items },
    };
  }

  /** The event of a work, if it is new. One that waited is an event by its waiting row. */
  #addedBy(work: Work, emitted: Map<string, Event>, items: ItemNow[]): Event[] {
    const event = emitted.get(work.verdict?.eventId ?? "");
    if (work.verdict?.verdict !== "event" || !event) return [];
    const row = this.#waiting.get(work.naturalKey ?? "");
    if (row) items[row.item] = itemOf(work.verdict);
    return [event];
  }

  /** Gives each item that was decided its place: its own where it is free, else behind the last. */
  #updates(plan: Plan): Update[] {
    const updates: Update[] = [];
    let next = this.#now.length;
    for (const work of this.#open) {
      const verdict = work.verdict as Verdict;
      const isNew = ["event", "waiting", "taught"].includes(verdict.verdict);
      // What waited here leaves by its row.
      if (this.#waiting.has(work.naturalKey ?? "")) continue;
      const here = this.#inPlace ? this.#now[work.item] : undefined;
      const before = here && here.verdict !== "event" && here.verdict !== "waiting" ? here : null;
      const changes = before?.verdict === "failed" ? verdict.verdict !== "failed" : isNew && before?.verdict !== verdict.verdict;
      if (!changes && !this.#isMended) continue;
      const index = before ? work.item : next++;
      for (const row of plan.waiting)
        if (row.callback_id === this.#stored.id && row.natural_key === work.naturalKey) row.item = index;
      updates.push({ index, before, verdict });
    }
    return [...updates, ...this.#readSince()];
  }

  /** Where items do not stand at their places, those that could not be read then are told by as many as can be read now. */
  #readSince(): Update[] {
    if (this.#inPlace || this.#reading.failed) return [];
    const unreadable = this.#now.flatMap((before, index) => (before.verdict === "failed" ? [{ before, index }] : []));
    const still = this.#reading.works.filter((work) => "failed" in work.outcome).length;
    const verdict: Verdict = { verdict: "ignored", reason: "read_since" };
    return unreadable.slice(0, Math.max(0, unreadable.length - still)).map((one) => ({ ...one, verdict }));
  }

  /** What still waits, waits for what it says today. */
  #refresh(work: Work, found: Found): Refreshed[] {
    const row = this.#waiting.get(work.naturalKey ?? "");
    if (!row || work.verdict?.verdict !== "duplicate" || !isDraft(work.outcome)) return [];
    const resolution = resolveBy(found, work.evidence);
    if (resolution.workspace) return [];
    const part = waitingPart(work, work.outcome, resolution);
    return JSON.stringify(part.draft) === row.draft ? [] : [{ id: row.id, ...part }];
  }
}
