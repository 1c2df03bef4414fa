import { describe, expect, it } from "vitest";
import { buildEvent } from "../../src/events/build.ts";
import { catalogue, catalogueTypes, DELIVERY_NAME, deliveryType, eventSchema } from "../../src/events/catalogue.ts";
import { classifications, classify } from "../../src/events/classifier.ts";
import { channels, type Draft, statuses } from "../../src/provider/draft.ts";

const placed = {
  eventId: "01a2038a-acd9-7086-9181-8fe2bf89a707",
  callbackId: null,
  workspace: "__org__",
  source: "path" as const,
  context: {},
  provider: "example",
  dialect: null,
  receivedAt: Date.UTC(2026, 10, 22),
};
const drafted = (draft: object) => buildEvent({ key: "k", occurredAt: null, ...draft } as Draft, placed);

/** Every name that the code can emit: all channels and statuses through the builder, and the catalogue. */
const emitted = new Set<string>();
for (const channel of channels) {
  for (const status of statuses) {
    const event = drafted({ channel, status, data: { message_id: "m" } });
    emitted.add(event.name);
    emitted.add(event.variant as string);
    if (event.type) emitted.add(event.type);
  }
}
for (const type of catalogueTypes) emitted.add(type);

describe("the classifier", () => {
  it("its passive names are exactly what the code can emit", () => {
    const passive = [...classifications].filter(([, classification]) => classification === "PASSIVE").map(([name]) => name);
    expect(passive.sort()).toEqual([...emitted].sort());
  });

  it("says ACTIVE of what a person does, and nothing of what nobody knows", () => {
    for (const name of ["page_view", "order_placed", "purchase"]) expect(classify(name)).toBe("ACTIVE");
    for (const name of ["", "delivery", "email", "email.teleported", "constructor", "delivery.complained"])
      expect(classify(name)).toBeNull();
  });
});

describe("the catalogue", () => {
  it("has an outbound type for every status but the two that stay on the bus", () => {
    expect(statuses.filter((status) => deliveryType(status) === null)).toEqual(["complained", "unsubscribed"]);
    for (const status of statuses) {
      const type = deliveryType(status);
      if (type) expect(Object.keys(catalogue)).toContain(type);
    }
  });

  it("fits what is built, with every key present", () => {
    for (const status of statuses) {
      const event = drafted({ channel: "email", status, data: { message_id: "m" } });
      expect(eventSchema.safeParse(event).error?.issues ?? []).toEqual([]);
      expect([event.name, event.classification]).toEqual([DELIVERY_NAME, "PASSIVE"]);
    }
    expect(eventSchema.safeParse(drafted({ channel: "sms", status: "bounced", data: { message_id: "m" } })).success).toBe(false);
  });

  it("takes the provider's time, unless it tells none or one in the future", () => {
    const at = (occurredAt: Date | null) => drafted({ occurredAt, channel: "email", status: "sent", data: { message_id: "m" } });
    expect(at(new Date(placed.receivedAt - 1)).provider_data.clock).toBeUndefined();
    expect(at(new Date(placed.receivedAt + 5 * 60_000)).occurred_at).toBe("2026-11-22T00:05:00.000Z");
    expect(at(new Date(placed.receivedAt + 5 * 60_000 + 1))).toMatchObject({
      occurred_at: "2026-11-22T00:00:00.000Z",
      provider_data: { clock: "received" },
    });
    expect(at(null).provider_data.clock).toBe("received");
  });
});
