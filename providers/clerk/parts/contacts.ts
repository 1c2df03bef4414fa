import { type Call, drafted, metadataOf, rule } from "./drafting.ts";
import { deletedUser, type User, user } from "./payload.ts";

/** The address that is the primary one, which need not be the first. `undefined` where the body does not tell. */
function primary(id: string | null | undefined, addresses: User["email_addresses"], key: "email_address" | "phone_number") {
  return id ? (addresses?.find((one) => one.id === id)?.[key] ?? undefined) : id;
}

function contactTold(told: User, call: Call) {
  const { id, first_name, last_name, username, external_id } = told;
  const email = primary(told.primary_email_address_id, told.email_addresses, "email_address");
  const phone = primary(told.primary_phone_number_id, told.phone_numbers, "phone_number");
  const fields = Object.entries({ email, phone, first_name, last_name, username, external_id });
  // What the body leaves out did not become empty.
  const carried = fields.filter((field): field is [string, string | null] => field[1] !== undefined);
  return {
    ...drafted(call, [told.updated_at], [["user", id, "forever"]], [email, phone, external_id]),
    metadata: metadataOf("data", told),
    provider_data: { status: call.type, external_id: external_id ?? null },
    data: { contact_id: id, email: email ?? null, phone: phone ?? null, source: "webhook" },
    state: { kind: "contact" as const, id, fields: Object.fromEntries(carried) },
  };
}

export const contactCreated = rule(user, (told, call) => ({ ...contactTold(told, call), type: "contact.created" }));
export const contactUpdated = rule(user, (told, call) => ({
  ...contactTold(told, call),
  type: "contact.updated",
  data: { contact_id: told.id },
}));
export const contactDeleted = rule(deletedUser, ({ id, external_id }, call) => ({
  ...drafted(call, [], [["user", id, "forever"]], [external_id]),
  type: "contact.deleted",
  provider_data: { status: call.type, external_id },
  data: { contact_id: id, deletion_reason: "deleted" },
  state: { kind: "contact", id, fields: null },
}));
