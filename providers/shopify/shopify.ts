import { z } from "zod";
import {
  type CallbackRequest,
  defineProvider,
  failed,
  hmac,
  id,
  ignored,
  isoTime,
  type JsonObject,
  type Outcome,
  optionalText,
  type Reference,
  type State,
  type Status,
  unknownWord,
} from "#provider";

type Meaning = Status | ReturnType<typeof ignored>;

/** A parcel's steps: `status` of fulfilment events, `shipment_status` of fulfilments. Newer API versions add some. */
const steps = new Map<string, Meaning>([
  ["label_purchased", ignored("not_handed_over")],
  ["label_printed", ignored("not_handed_over")],
  ["confirmed", ignored("not_handed_over")],
  ["carrier_picked_up", "sent"],
  ["in_transit", "sent"],
  ["out_for_delivery", "sent"],
  ["ready_for_pickup", "sent"],
  ["delayed", ignored("not_final")],
  ["attempted_delivery", ignored("not_final")], // the carrier tries again
  ["delivered", "delivered"],
  ["picked_up", "delivered"],
  ["failure", "failed"],
]);

/** A fulfilment's own `status`. */
const fulfillmentStatuses = new Map<string, Meaning>([
  ["pending", ignored("not_handed_over")],
  ["open", ignored("not_handed_over")],
  ["success", "sent"], // unless `shipment_status` tells how far it came
  ["cancelled", "failed"],
  ["error", "failed"],
  ["failure", "failed"],
]);

/** Of `customers/merge`; beside them only `completed` has merged anything. */
const unfinished = ["failed", "in_progress", "pending", "requested"];

/** Topics, and resources with all their topics, that tell neither of a contact nor what became of an order (API 2026-04). */
const notTold = `orders_updated orders_paid orders_edited orders_partially_fulfilled orders_delete orders_link_requested
  orders_risk_assessment_changed orders_shopify_protect_eligibility_changed customers_purchasing_summary customer_joined_segment
  customer_left_segment app_purchases_one_time app_subscriptions audit_events bulk_operations carts channels checkouts
  checkout_and_accounts_configurations collection_listings collection_publications collections companies company_contact_roles
  company_contacts company_locations customer_account_settings customer_groups customer_payment_methods delivery_promise_settings
  discounts disputes domains draft_orders finance_app_staff_member finance_kyc_information fulfillment_holds fulfillment_orders
  inventory_items inventory_levels inventory_shipments inventory_transfers locales locations markets markets_backup_region
  metafield_definitions metaobjects order_transactions payment_schedules payment_terms product_feeds product_listings
  product_publications products profiles refunds returns reverse_deliveries reverse_fulfillment_orders scheduled_product_listings
  segments selling_plan_groups shipping_addresses shop subscription_billing_attempts subscription_billing_cycle_edits
  subscription_billing_cycles subscription_contracts tax_services tender_transactions themes variants`.split(/\s+/);

const text = optionalText();
const texts = <Name extends string>(...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, text])) as Record<Name, typeof text>;
const absent = z.null().optional();
const timeText = z.string().refine((time) => isoTime(time) !== null);
const anything = z.unknown().optional();
/** `undefined` where the body says nothing of it, `null` where it is empty. */
const given = anything.transform((value) => (value === undefined ? undefined : text.parse(value)));

/**
 * A bare resource. Its gid tells the type; where `include_fields` cut the gid, a key does that only this type has. Shopify's ids are
 * unique among all shops.
 */
function resource<Keys extends z.ZodRawShape>(type: string, marks: string[], keys: Keys) {
  const isOne = (body: { id?: unknown; admin_graphql_api_id?: unknown }) =>
    body.admin_graphql_api_id == null
      ? marks.some((mark) => Object.hasOwn(body, mark))
      : typeof body.id !== "object" && body.admin_graphql_api_id === `gid://shopify/${type}/${body.id}`;
  return z.custom<object>((body) => isOne(body as object)).pipe(z.object({ id: id(), ...keys }));
}

const parcelKeys = {
  order_id: id().nullish().catch(null),
  status: z.string(),
  ...texts("happened_at", "updated_at", "message", "shipment_status", "name", "email", "tracking_number"),
  tracking_numbers: z.array(text).nullish().catch(null),
  destination: z.object(texts("phone")).nullish().catch(null),
};
const fulfillmentEvent = resource("FulfillmentEvent", ["fulfillment_id"], { ...parcelKeys, fulfillment_id: id() });
const fulfillment = resource("Fulfillment", ["service", "shipment_status", "tracking_number", "tracking_numbers"], {
  ...parcelKeys,
  fulfillment_id: absent,
});

const person = z.object({ id: id(), ...texts("email", "phone") });
const line = z.object({ requires_shipping: anything }).catch({});
const order = resource("Order", ["financial_status", "order_number"], {
  ...texts("created_at", "updated_at", "cancelled_at", "cancel_reason", "fulfillment_status"),
  ...texts("name", "order_number", "email", "phone"),
  customer: person.nullish().catch(null),
  line_items: z.array(line).nullish().catch(null),
  test: anything,
});
/** Shopify's test notifications send this one cancelled order under every topic. */
const sampleOrder = z.object({ id: z.literal("820982911946154508"), test: z.literal(true) });

const profile = { email: given, phone: given, first_name: given, last_name: given, state: given };
const customer = resource("Customer", ["first_name", "verified_email"], {
  ...profile,
  created_at: text,
  updated_at: timeText, // of a deleted one nothing but the id is left
});
type Customer = z.infer<typeof customer>;
const nothingLeft = { created_at: absent, updated_at: absent, email: absent, first_name: absent, last_name: absent };
const deletedCustomer = resource("Customer", [], nothingLeft);

const customerGid = z.string().regex(/^gid:\/\/shopify\/Customer\/\d+$/);
const merge = z.object({
  admin_graphql_api_customer_kept_id: customerGid,
  admin_graphql_api_customer_deleted_id: customerGid,
  status: z.string(),
});
const tagging = z.object({ customerId: customerGid, tags: z.array(z.unknown()), occurredAt: timeText });
const consent = z.object(texts("state", "consent_updated_at", "updated_at"));
const consenting = z.object({ customer: id(), consent, address: text });
const compliance = { id: absent, shop_domain: z.string().trim().min(1) };
const redaction = z.object({ ...compliance, customer: person, data_request: absent, orders_requested: absent });
const dataRequest = z.object({ ...compliance, customer: person, data_request: z.object({}) });
const shopRedaction = z.object({ ...compliance, customer: absent });

type Call = { topic: string; headers: CallbackRequest["headers"] };
type Rule = (body: object, call: Call) => Outcome;
const mismatch = failed("topic_mismatch");

/** The topic header is not signed: it may choose the rule, and the body must fit. */
function rule<Body>(schema: z.ZodType<Body>, read: (body: Body, call: Call) => Outcome): Rule {
  return (body, call) => {
    const fitting = schema.safeParse(body);
    return fitting.success ? read(fitting.data, call) : mismatch;
  };
}

const reference = (kind: string, value: string): Reference => ({ kind, value });
const shopReference = (domain: string) => reference("shop", domain.trim().toLowerCase());
const numberOf = (gid: string) => gid.slice(gid.lastIndexOf("/") + 1);
const firstTime = (...times: (string | null)[]) => times.map((time) => isoTime(time)).find((time) => time !== null) ?? null;

/** `key` and `at` are of the signed body. Of the headers: the time where the body tells none, and the shop, to object by. */
function drafted({ topic, headers }: Call, key: string[], at: Date | null, references: Reference[], words: JsonObject = {}) {
  const shop = shopReference(headers["x-shopify-shop-domain"] ?? "");
  const known = !shop.value || references.some(({ kind, value }) => kind === shop.kind && value === shop.value);
  const objecting: Reference = { ...shop, unsigned: true, learn: "forever" };
  return {
    key: [...key, ...(at ? [at.toISOString()] : [])].join(":"),
    occurredAt: at ?? isoTime(headers["x-shopify-triggered-at"]),
    references: known ? references : [...references, objecting],
    provider_data: { status: topic, topic, ...words },
  };
}

/** One parcel, one message: events and fulfilments meet on the fulfilment's id. */
function readParcel(body: z.infer<typeof fulfillmentEvent> | z.infer<typeof fulfillment>, call: Call): Outcome {
  const { id, fulfillment_id, status, order_id, tracking_numbers } = body;
  const step = fulfillment_id ? status : status === "success" ? body.shipment_status : null;
  const word = step ?? status;
  const meaning = step === null ? fulfillmentStatuses.get(word) : steps.get(word);
  if (!meaning) return unknownWord(word);
  if (typeof meaning === "object") return meaning;
  const parcel = fulfillment_id ?? id;
  const key = fulfillment_id ? ["fulfillment_event", id] : ["fulfillment", id, word];
  const references = [reference("fulfillment", parcel), ...(order_id ? [reference("order", order_id)] : [])];
  return {
    ...drafted(call, key, firstTime(body.happened_at, body.updated_at), references, { status: word, order_id: order_id ?? null }),
    channel: "shipping",
    status: meaning,
    data: { message_id: parcel, ...(meaning === "failed" && { error_code: word, error_reason: body.message }) },
    searchable: [body.name, body.tracking_number, ...(tracking_numbers ?? []), body.email, body.destination?.phone],
  };
}

/** What became of an order; `event` is the topic's word for it. */
function readOrder(body: z.infer<typeof order>, call: Call, event: string, status: Status, time: string | null): Outcome {
  const { id, customer: buyer } = body;
  const references = [reference("order", id), ...(buyer ? [reference("customer", buyer.id)] : [])];
  const error = status === "failed" && { error_code: event, error_reason: body.cancel_reason };
  return {
    ...drafted(call, ["order", id, event], firstTime(time), references, { status: event, order_id: id }),
    channel: "commerce",
    status,
    data: { message_id: id, contact_id: buyer?.id ?? null, ...error },
    searchable: [body.name, body.order_number, body.email, body.phone, buyer?.email, buyer?.phone],
    ...(body.test === true && { test: true }),
  };
}

const orderCreated = rule(order, (body, call) =>
  body.cancelled_at ? mismatch : readOrder(body, call, "create", "sent", body.created_at),
);
const orderCancelled = rule(order, (body, call) =>
  body.cancelled_at ? readOrder(body, call, "cancelled", "failed", body.cancelled_at) : mismatch,
);
/** "Fulfilled" means shipped, and the parcels tell the rest; only what needs no shipping has reached its buyer. */
const orderFulfilled = rule(order, (body, call) => {
  if (body.cancelled_at || body.fulfillment_status !== "fulfilled") return mismatch;
  const { line_items: lines } = body;
  if (!lines?.length || lines.some((line) => line.requires_shipping !== false)) return ignored("shipped_not_delivered");
  return readOrder(body, call, "fulfilled", "delivered", body.updated_at);
});

/** Only what the body carries: what it leaves out did not become empty. */
function contactState({ id, email, phone, first_name, last_name, state }: Customer): State {
  const fields = Object.entries({ email, phone, first_name, last_name, state });
  const carried = fields.filter((field): field is [string, string | null] => field[1] !== undefined);
  return { kind: "contact", id, fields: Object.fromEntries(carried) };
}

function contactTold(call: Call, body: Customer, key: string[], at: Date | null) {
  return {
    ...drafted(call, ["customer", body.id, ...key], at, [reference("customer", body.id)]),
    state: contactState(body),
    searchable: [body.email, body.phone],
  };
}
/** The time of creation is in every later body as well: none of those, resent under this topic, makes a second creation. */
const contactCreated = rule(customer, (body, call) => ({
  ...contactTold(call, body, ["created"], firstTime(body.created_at)),
  type: "contact.created",
  data: { contact_id: body.id, email: body.email ?? null, phone: body.phone ?? null, source: "webhook" },
}));
/** Times are in seconds, and one second sees several updates: what they say tells them apart. */
const contactUpdated = rule(customer, (body, call) => ({
  ...contactTold(call, body, ["updated", JSON.stringify(contactState(body).fields)], isoTime(body.updated_at)),
  type: "contact.updated",
  data: { contact_id: body.id },
}));

/** A contact that is no more, by what became of it. */
function contactGone(call: Call, id: string, reason: "deleted" | "redacted", references: Reference[]) {
  return {
    ...drafted(call, ["customer", id, reason], null, references),
    type: "contact.deleted" as const,
    data: { contact_id: id, deletion_reason: reason },
    state: { kind: "contact" as const, id, fields: null },
  };
}
const contactDeleted = rule(deletedCustomer, ({ id }, call) => contactGone(call, id, "deleted", [reference("customer", id)]));
/** Its URL names no workspace: only a binding that someone told places its shop. */
const contactRedacted = rule(redaction, ({ customer: { id, email, phone }, shop_domain }, call) => ({
  ...contactGone(call, id, "redacted", [shopReference(shop_domain)]),
  searchable: [email, phone],
}));

const contactMerged = rule(merge, (body, call) => {
  const { status } = body;
  if (unfinished.includes(status)) return { ...ignored("merge_not_completed"), word: status };
  if (status !== "completed") return unknownWord(status);
  const kept = numberOf(body.admin_graphql_api_customer_kept_id);
  const lost = numberOf(body.admin_graphql_api_customer_deleted_id);
  const references = [reference("customer", kept), reference("customer", lost)];
  return {
    ...drafted(call, ["customer", lost, "merged", kept], null, references, { status }),
    type: "contact.merged",
    data: { surviving_id: kept, merged_id: lost, merge_source: "shopify" },
    state: { kind: "contact", id: lost, fields: null },
  };
});

/**
 * A consent has a clock of its own, behind the customer's `updated_at`: in the last-known state it would be dropped as older. So it
 * tells its change itself, without the old value.
 */
function consentChanged(field: string, idKey: string, addressKey: string): Rule {
  const read = rule(consenting, ({ customer, consent, address }, call) => {
    const { state } = consent;
    if (!state) return ignored("consent_without_state");
    const at = firstTime(consent.consent_updated_at, consent.updated_at);
    return {
      ...drafted(call, ["customer", customer, field, state], at, [reference("customer", customer)], { status: state }),
      type: "contact.updated",
      data: { contact_id: customer, changes: { [field]: { old: null, new: state } } },
      searchable: [address],
    };
  });
  return (body, call) => {
    const { [idKey]: customer, [field]: consent, [addressKey]: address } = body as Record<string, unknown>;
    return read({ customer, consent, address }, call);
  };
}

/** Bodies of added and of removed tags are alike, only the header tells which: that tags changed is all that is vouched for. */
const tagsChanged = rule(tagging, ({ customerId, occurredAt }, call) => {
  const id = numberOf(customerId);
  return {
    ...drafted(call, ["customer", id, "tags"], isoTime(occurredAt), [reference("customer", id)]),
    type: "contact.updated",
    data: { contact_id: id, changes: { tags_changed_at: { old: null, new: occurredAt } } },
  };
});

/** By topic, lower-case, with `_` for `/` and `.` as Shopify's SDK spells them. */
const rules = new Map<string, Rule>([
  ["fulfillment_events_create", rule(fulfillmentEvent, readParcel)],
  ["fulfillment_events_delete", rule(fulfillmentEvent, () => ignored("event_withdrawn"))],
  ["fulfillments_create", rule(fulfillment, readParcel)],
  ["fulfillments_update", rule(fulfillment, readParcel)],
  ["orders_create", orderCreated],
  ["orders_cancelled", orderCancelled],
  ["orders_fulfilled", orderFulfilled],
  ["customers_create", contactCreated],
  ["customers_update", contactUpdated],
  ["customers_enable", contactUpdated],
  ["customers_disable", contactUpdated],
  ["customers_delete", contactDeleted],
  ["customers_merge", contactMerged],
  ["customers_redact", contactRedacted],
  ["customers_data_request", rule(dataRequest, () => ignored("customer_data_request"))],
  ["customers_marketing_consent_update", consentChanged("sms_marketing_consent", "id", "phone")],
  ["customers_email_marketing_consent_update", consentChanged("email_marketing_consent", "customer_id", "email_address")],
  ["customers_whats_app_marketing_consent_update", consentChanged("whats_app_marketing_consent", "customer_id", "phone_number")],
  ["customer_tags_added", tagsChanged],
  ["customer_tags_removed", tagsChanged],
  ["shop_redact", rule(shopRedaction, () => ignored("shop_redact"))],
  ["app_uninstalled", () => ignored("app_uninstalled")],
  ["app_scopes_update", () => ignored("app_scopes_changed")],
]);

const classic = hmac({ header: "x-shopify-hmac-sha256", algorithm: "sha256", encoding: "base64" });
const preview = hmac({ header: "shopify-hmac-sha256", algorithm: "sha256", encoding: "base64" });

export default defineProvider({
  title: "Shopify",
  docs: "https://shopify.dev/docs/api/webhooks",
  retries: "It calls again up to 8 times within 4 hours; after lasting failure it removes subscriptions made through its API.",
  kinds: ["fulfillment", "order", "customer", "shop"],
  verify: {
    ...classic,
    scheme: `${classic.scheme} (of its "Events" preview: shopify-hmac-sha256)`,
    hides: [...classic.hides, ...preview.hides],
    verify(key, request, now) {
      // An HMAC of nothing is valid, and vouches for nothing: all that such a call tells is in its headers.
      if (request.body.length === 0) return "signature_missing";
      const signing = request.headers["x-shopify-hmac-sha256"] === undefined ? preview : classic;
      return signing.verify(key, request, now);
    },
  },
  payload: z.custom<object>((body) => typeof body === "object" && body !== null && !Array.isArray(body)),
  events(body, { headers }) {
    const topic = headers["x-shopify-topic"];
    if (!topic) return [headers["shopify-topic"] ? ignored("events_preview") : failed("topic_missing")];
    const name = topic.trim().toLowerCase().replace(/[/.]/g, "_");
    const read = rules.get(name);
    const known = read ?? notTold.some((topics) => `${name}_`.startsWith(`${topics}_`));
    if (!read) return [known ? ignored("topic_not_told") : unknownWord(topic)];
    if (name.startsWith("orders_") && sampleOrder.safeParse(body).success) return [ignored("sample_order")];
    return [read(body, { topic, headers })];
  },
});
