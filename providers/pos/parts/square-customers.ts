import { z } from "zod";
import { eachItem, failed, id, isoTime, type State } from "#provider";
import { given, reference, text, texts } from "./reading.ts";
import { drafted, type Rule } from "./square-call.ts";

const profile = z.object({
  ...{ email_address: given, phone_number: given, given_name: given, family_name: given, company_name: given },
  ...texts("created_at", "updated_at"),
});
const merge = z.object({ to_customer_id: text, from_customer_ids: z.array(id()).nullish().catch(null) });
const removal = z.object({
  customer: profile.nullish().catch(null),
  event_context: z.object({ merge: merge.nullish() }).nullish(),
});

/** Square leaves out what is empty: what a whole profile (one that tells when it was made) lacks is empty; what a part lacks is not told. */
function stateOf(id: string, customer: z.infer<typeof profile>): State {
  const { email_address: email, phone_number: phone, given_name, family_name, company_name } = customer;
  const fields = Object.entries({ email, phone, first_name: given_name, last_name: family_name, company_name })
    .map(([field, value]) => [field, value === undefined && customer.created_at ? null : value] as const)
    .filter((field): field is readonly [string, string | null] => field[1] !== undefined);
  return { kind: "contact", id, fields: Object.fromEntries(fields) };
}

export const known =
  (type: "contact.created" | "contact.updated"): Rule =>
  ({ customer }, call) => {
    const { subject } = call;
    if (!subject) return [failed("no_customer_id")];
    return eachItem([customer], profile, (one) => {
      const { email_address: email = null, phone_number: phone = null } = one;
      const created = type === "contact.created";
      return {
        ...drafted(call, `${call.event}:0`, isoTime(created ? one.created_at : one.updated_at), reference("customer", subject)),
        type,
        data: { contact_id: subject, ...(created && { email, phone, source: "webhook" }) },
        state: stateOf(subject, one),
        searchable: [email, phone],
      };
    });
  };

export const gone: Rule = (object, call) => {
  const { subject, at } = call;
  if (!subject) return [failed("no_customer_id")];
  return eachItem([object], removal, ({ customer, event_context }) => {
    // The customer's clock may run ahead of the event's, and nothing that is known is newer than the deletion.
    const changed = isoTime(customer?.updated_at);
    const time = changed && at && changed > at ? changed : at;
    const searchable = [customer?.email_address, customer?.phone_number];
    const left = (id: string): State => ({ kind: "contact", id, fields: null });
    const merged = event_context?.merge;
    const kept = merged?.to_customer_id;
    if (!kept) {
      return {
        ...drafted(call, `${call.event}:0`, time, reference("customer", subject)),
        type: "contact.deleted",
        data: { contact_id: subject, deletion_reason: merged ? "merged" : "deleted" },
        state: left(subject),
        searchable,
      };
    }
    // Each of the merged has a callback of its own, and each of these names them all: the event is what was merged into what.
    const lost = [...new Set([subject, ...(merged.from_customer_ids ?? [])])].filter((id) => id !== kept);
    if (lost.length === 0) return failed("merged_into_itself");
    return lost.map((id) => ({
      ...drafted(call, `merged:${id}:${kept}`, time, [...reference("customer", kept), ...reference("customer", id)]),
      type: "contact.merged",
      data: { surviving_id: kept, merged_id: id, merge_source: "square" },
      state: left(id),
      ...(id === subject && { searchable }),
    }));
  });
};
