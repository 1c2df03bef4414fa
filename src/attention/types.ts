/** What support should look at, worst kind first (CONSOLE §2). */
export const attentionKinds = [
  /** Every callback of a provider is refused: 3 or more, for 5 minutes. */
  "all_refused",
  /** An endpoint has failed for 5 minutes. */
  "endpoint_failing",
  "failed",
  "unmatched",
  /** Nothing for 5 times the usual gap of this weekday and hour, at least 10 minutes. */
  "quiet",
  /** A word or field that was never seen. */
  "new_word",
  /** A field that we read, and that nearly every callback carried, is missing from a fifth of them. */
  "field_missing",
  /** At 3 times their usual share. */
  "refused_rising",
  "failed_rising",
  "unmatched_rising",
  /** An open writing transaction holds the log back. */
  "log_held_back",
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

/** One thing that needs attention: facts alone. Their sentences stand in `src/trace/attention.ts`. */
export type Attention = {
  kind: AttentionKind;
  /** `provider` or `provider/dialect`; null where it is none's. */
  adapter: string | null;
  /** RFC 3339. */
  since: string;
  count: number;
  /** What tells the likely cause; each kind has its own. */
  cause: {
    /** Of what is refused: the code of most of them. */
    code?: string;
    /** The last callback that was accepted, and when. */
    last_good_at?: string | null;
    /** Of an endpoint: its name, whose it is, what it answered last, the next try, how many were given up. */
    endpoint?: string;
    workspace_id?: string;
    status?: number | null;
    next_at?: string | null;
    given_up?: number;
    /** Of what waits: in how many groups, and the largest of them. */
    groups?: number;
    largest?: { adapter: string; reference: string | null; reason: string; count: number };
    /** What a provider says that no rule knows. */
    word?: string;
    /** The field that is missing, and of what: `email.delivered`. */
    field?: string;
    variant?: string;
    /** What is usual at this weekday and hour: callbacks a minute; or the share, of 1. */
    usual?: number;
    share?: number;
    /** Of a quiet one: how many were refused since its last good one. */
    refused?: number;
  };
  /** The one page to go to. `id` is a callback's or endpoint's, as shown. */
  link:
    | { to: "callback" | "endpoint"; id: string }
    | { to: "unmatched" }
    | { to: "callbacks"; status?: string; provider?: string };
};

/** The six totals of the overview, over the last hour. */
export type Totals = {
  callbacks: number;
  /** Which part of the authentic ones found its workspace, of 1; null where none came. */
  matched: number | null;
  waiting: number;
  waitingGroups: number;
  refused: number;
  refusedMost: { adapter: string; count: number } | null;
  /** Milliseconds within which 99 % were answered; null where none was measured. */
  p99: number | null;
  /** Which part of the attempts was accepted, of 1; null where none was made. */
  webhooksAccepted: number | null;
  /** Attempts. */
  webhooks: number;
};

/** A provider's line of the overview, over the last hour. */
export type ProviderRow = {
  adapter: string;
  /** The last 60, oldest first. */
  minutes: { taken: number; refused: number }[];
  outcomes: { accepted: number; unmatched: number; duplicate: number; ignored: number; failed: number; refused: number };
  /** Events that wait, however long. */
  waiting: number;
  lastGoodAt: Date | null;
  /** A minute, on the average of the last five. */
  now: number;
  lastHour: number;
  /** Which part of the authentic ones found its workspace, of 1; null where none came. */
  matched: number | null;
  p99: number | null;
};
