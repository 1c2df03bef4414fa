/** The channels that a delivery can be on (CONTRACT §5). */
export const channels = ["sms", "email", "whatsapp", "rcs", "voice", "push", "payment", "commerce", "shipping", "pos"] as const;
export type Channel = (typeof channels)[number];

/** What can become of a message. `complained` and `unsubscribed` are marks: they stay on the bus. */
export const statuses = [
  "sent",
  "delivered",
  "failed",
  "bounced",
  "opened",
  "clicked",
  "replied",
  "read",
  "complained",
  "unsubscribed",
] as const;
export type Status = (typeof statuses)[number];

/** The catalogue types that an adapter may draft beside deliveries. */
export type FactType =
  | "contact.created"
  | "contact.updated"
  | "contact.deleted"
  | "contact.merged"
  | "billing.plan_changed"
  | "billing.credit_low";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * What a provider calls something. `value` must be unique among all customers of the adapter: an id that a shop, merchant or
 * carrier chose carries what makes it unique, or is no reference. List the most specific first.
 */
export type Reference = {
  /** `message payment order …`: CONTRACT §4. `customer` and `user` are shared; every other kind is exclusive. */
  kind: string;
  value: string;
  /** An item that knows its workspace may teach this reference, for so long. Absent: never learned. */
  learn?: "forever" | `${number}d`;
  /** True: nothing that the credential vouches for carries it (a header). It may object, never place. */
  unsigned?: true;
  /** True: an id of our own account there. It may be told; it is never learned and never objects. */
  own?: true;
};

/**
 * What the provider echoed of ours, uninterpreted: an object whose keys the core reads (CONTRACT §4), or one short text
 * `<workspace>.<message>[.<campaign>[.<contact>]]`. Anything else is "says nothing", so pass it as it came.
 */
export type Metadata = {
  /** Where it stood in the body, for the trace: `payload.order.entity.notes`. */
  where: string;
  fields: unknown;
  /** `false` where a stranger may have written it: it may place, and teaches nothing. */
  teaches?: false;
  /** `false` where it belongs to another object (a subscription of many payments): its message id is not this message's. */
  names?: false;
};

/** What every item says that can be placed. */
type Placeable = {
  metadata?: Metadata[];
  references?: Reference[];
};

/** What every item says that can become an event. */
type Drafted = Placeable & {
  /** Natural key: from signed content, stable across resends and re-batching, unique in its adapter and workspace. */
  key: string;
  /** The provider's time; `null` where it tells none (the core then takes the time of receipt and says so). */
  occurredAt: Date | null;
  /** The provider's own words. `recipient` (an address or number) tells the recipients of one message apart. */
  provider_data?: JsonObject;
  /** True: from the provider's test mode. */
  test?: boolean;
  /** Order numbers and the like, by which support may look for it. Kept as keyed hashes. */
  searchable?: (string | null | undefined)[];
};

/** A message (mail, payment, parcel, order …) that reached a new state. */
export type DeliveryDraft = Drafted & {
  channel: Channel;
  status: Status;
  data: {
    /** The provider's id of the message, as it wrote it. The core puts ours in its place where one was echoed. */
    message_id: string;
    campaign_id?: string | null;
    contact_id?: string | null;
    error_code?: string | null;
    error_reason?: string | null;
    bounce_type?: "hard" | "soft";
    bounce_reason?: string | null;
    machine?: boolean;
    link_url?: string | null;
    reply_text?: string | null;
  };
};

/** What we last knew of a thing. `fields: null`: it is gone. */
export type State = {
  kind: "contact" | "plan";
  id: string;
  fields: { [field: string]: string | null } | null;
};

/**
 * Something else of the catalogue that happened. With `state`, the core keeps the last-known state: `contact.updated` then gets
 * its `changes`, and `billing.plan_changed` (fields `{plan}`) its `old_plan` and `new_plan`, from what was known before.
 */
export type FactDraft = Drafted & { type: FactType; data: JsonObject; state?: State };

/** No event, but it tells whose something is. */
export type Teaching = { teaches: Placeable; test?: boolean };
/** Understood, and of no interest. `word`: the provider's word that no rule knows. */
export type Ignored = { ignored: string; word?: string };
/** This one item could not be read. */
export type Failed = { failed: string };

export type Draft = DeliveryDraft | FactDraft;
/** What an adapter makes of one item. */
export type Outcome = Draft | Teaching | Ignored | Failed;

/** An item that changes nothing that we tell; `reason` is a word of snake_case. */
export function ignored(reason: string): Ignored {
  return { ignored: reason };
}

/** A provider's word (event, status) that no rule of the adapter knows: ignored, kept and counted, never guessed. */
export function unknownWord(word: string): Ignored {
  return { ignored: "unknown_word", word: word.slice(0, 100) };
}

/** An item that fails alone; `reason` is a word of snake_case. */
export function failed(reason: string): Failed {
  return { failed: reason };
}
