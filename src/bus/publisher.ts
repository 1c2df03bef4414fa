import type { Query } from "../db/client.ts";
import { type Entry, findPlace, isAfter, type Place } from "../events/log.ts";
import { readId, showId } from "../ids.ts";
import { type Bus, type BusMessage, type Link, TooLarge } from "./link.ts";
import { type Turn, TurnLost } from "./turn.ts";

/** What became of an event: the stream took it, had it already, or cannot take it. */
export type Outcome = "published" | "known" | "too_large";

/**
 * Brings events to the stream, each once, also where the stream no longer remembers ids that it had (its duplicate window). One event of a
 * workspace at a time and in the log's order: so the stream has of each workspace everything up to some place, and nothing beyond.
 */
export class Publisher {
  readonly #link: Link;
  readonly #query: Query;
  readonly #turn: Turn;
  /** From here on nobody before us has published anything. */
  readonly #untouched: Place;
  /** Workspaces of which everything has been acknowledged to us that the stream can have. */
  readonly #certain = new Set<string>();
  /** Workspaces whose last publish had no answer. */
  readonly #doubtful = new Set<string>();
  /** Up to where the stream said that it has a workspace's events. */
  readonly #known = new Map<string, Place>();

  constructor(link: Link, query: Query, turn: Turn, untouched: Place) {
    this.#link = link;
    this.#query = query;
    this.#turn = turn;
    this.#untouched = untouched;
  }

  /** Resolves when the stream has it, however long that takes. @throws TurnLost */
  async publish(entry: Entry): Promise<Outcome> {
    const message = messageOf(entry);
    for (;;) {
      this.#turn.check();
      const bus = await this.#link.ready(this.#turn.signal);
      try {
        if (this.isInDoubt(entry) && (await this.#isKnown(bus, entry, message))) return "known";
        this.#turn.check();
        const { duplicate } = await bus.publish(message);
        this.#settle(entry);
        return duplicate ? "known" : "published";
      } catch (error) {
        if (error instanceof TurnLost) throw error;
        if (error instanceof TooLarge) return "too_large";
        this.#doubt(entry.workspace);
        this.#link.failed(bus, error);
      }
    }
  }

  /** Whether the stream could have it already. */
  isInDoubt({ workspace, place }: Entry): boolean {
    return this.#doubtful.has(workspace) || (!this.#certain.has(workspace) && isAfter(this.#untouched, place));
  }

  /**
   * Asks for the last message with the event's own subject: it is this event or a later one, or the stream does not have it. (The last one of
   * all the workspace's subjects would tell more, but servers before 2.10.17 read the whole stream for it.)
   */
  async #isKnown(bus: Bus, { workspace, place }: Entry, message: BusMessage): Promise<boolean> {
    const told = this.#known.get(workspace);
    if (told && !isAfter(place, told)) return true;
    const last = await bus.last(message.subject);
    // What our log does not have is no event of ours, or older than all that it has.
    const id = last === null ? null : readId("event", last);
    const at = id === null ? null : await this.#place(id);
    if (!at || isAfter(place, at)) return false;
    this.#known.set(workspace, at);
    return true;
  }

  async #place(id: string): Promise<Place | null> {
    try {
      return await findPlace(this.#query, id);
    } catch (error) {
      // It is not the bus that fails: the relay begins anew when the database answers.
      throw new TurnLost("the database does not answer", { cause: error });
    }
  }

  #settle({ workspace, place }: Entry): void {
    if (isAfter(this.#untouched, place)) this.#certain.add(workspace);
    this.#doubtful.delete(workspace);
    this.#known.delete(workspace);
  }

  #doubt(workspace: string): void {
    this.#certain.delete(workspace);
    this.#doubtful.add(workspace);
    this.#known.delete(workspace);
  }
}

/** CONTRACT §7. */
export function messageOf({ id, workspace, name, variant, body }: Entry): BusMessage {
  return { id: showId("event", id), subject: ["homing", workspace, name, ...(variant ? [variant] : [])].join("."), body };
}
