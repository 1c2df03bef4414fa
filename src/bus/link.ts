/** What goes to the stream. */
export type BusMessage = { id: string; subject: string; body: string };

/** A connection, with the stream at its other end. */
export type Bus = {
  /** Resolves when the stream has it. @throws TooLarge where it never will; after anything else it may have it or not. */
  publish(message: BusMessage): Promise<{ duplicate: boolean }>;
  /** The id of the last message with exactly this subject. */
  last(subject: string): Promise<string | null>;
};

/** The way to the bus, which may be interrupted at any time and comes back by itself. */
export type Link = {
  start(): void;
  stop(): Promise<void>;
  /** The connection, as soon as there is one. @throws when the signal comes before that. */
  ready(signal: AbortSignal): Promise<Bus>;
  /** Something went wrong on it: everything on it is in doubt, and a new one is made. */
  failed(bus: Bus, error: unknown): void;
  /** Null: it is connected. Else why not, in words. */
  readonly problem: string | null;
};

/** The bus cannot take a message of this size, however often it is tried. */
export class TooLarge extends Error {}
