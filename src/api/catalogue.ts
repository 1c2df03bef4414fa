import { z } from "zod";
import { BUS_ONLY, DELIVERY_NAME, catalogue as types } from "../events/catalogue.ts";
import { classifications } from "../events/classifier.ts";
import { channels, statuses } from "../provider/draft.ts";
import { api } from "./http.ts";

/** What we can tell: every event with its data, every name with its class, every adapter. */
export const catalogue = api().get("/", (c) =>
  c.json({
    events: Object.entries(types).map(([type, schema]) => ({
      type,
      name: type.startsWith("delivery.") ? DELIVERY_NAME : type,
      classification: "PASSIVE",
      data: z.toJSONSchema(schema, { io: "output", unrepresentable: "any" }),
    })),
    channels,
    statuses: statuses.map((status) => ({ status, type: BUS_ONLY.has(status) ? null : `delivery.${status}` })),
    classes: [...classifications].map(([name, classification]) => ({ name, classification })),
    adapters: [...c.var.gateway.registry.values()].map(({ name, providerName, dialect, provider }) => ({
      ...{ adapter: name, provider: providerName, dialect, title: provider.title, docs: provider.docs },
      ...{ signs: provider.verify.signs, verified_by: provider.verify.scheme, kinds: provider.kinds, retries: provider.retries },
    })),
  }),
);
