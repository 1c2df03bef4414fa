import { type Outcome, unknownWord } from "#provider";
import { keyOf, payment, present } from "./money.ts";
import type { Said } from "./payload.ts";
import { metadataOf, placed, referencesOf, subscriptionOf } from "./placing.ts";
import { authorisations } from "./words.ts";

/** No event, but it tells whose the subscription is. Before version 2026-01-01 its payments do not. */
export const teaching = ({ data }: Said): Outcome => ({
  teaches: { metadata: metadataOf(data), references: referencesOf(data) },
});

export function authorisation(said: Said): Outcome {
  const status = said.data.payment_status;
  const rule = authorisations.get(status ?? "");
  if (rule) return payment(rule, said);
  return !status || /^(INITIALIZED|PENDING)$/.test(status) ? teaching(said) : unknownWord(`${said.type} ${status}`);
}

/** Nothing tells that a plan changed: each change of status tells the present plan, and the core sees what is new. */
function plan(said: Said): Outcome[] {
  const subscription = subscriptionOf(said.data);
  const id = subscription.cf_subscription_id ?? subscription.subscription_id;
  const planId = said.data.plan_details?.plan_id ?? said.data.payment_gateway_details?.gateway_plan_id;
  if (!id || !planId) return [];
  return [
    {
      type: "billing.plan_changed",
      key: keyOf("plan", id, planId, said.at?.toISOString()),
      ...placed(said),
      data: { effective_at: (said.at ?? said.receivedAt).toISOString() },
      state: { kind: "plan", id, fields: { plan: planId } },
      provider_data: present({
        event: said.type,
        status: said.data.subscription_details?.subscription_status,
        ...subscription,
      }),
    },
  ];
}

export const statusChange = (said: Said): Outcome[] => [teaching(said), ...plan(said)];
