import { firstIdOf } from "../../../src/ids.ts";
import { ACME, BETA, signersOf } from "../../support/fixtures.ts";
import { startGateway, type TestGateway } from "../../support/gateway.ts";
import { type Receiver, startReceiver } from "../../support/receiver.ts";
import { until } from "../../support/until.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Nobody has registered it. */
export const UNKNOWN = "c41e90d7-66a2-4f0b-9d3e-2b7a90c1d5ee";
const LOTUS = "5f1d7c3e-0b94-4c9a-8f21-6a3e9d0c7b12";
const TIDEWATER = "91c2be04-7d3f-4a66-b1f5-0d8c4e7a2f39";

/** One day at a support desk: all ten things that CONSOLE §8 tells of have happened. */
export type Day = {
  homing: TestGateway;
  /** The token of the person who tells the stories. */
  token: string;
  /** Kaveri Kitchens' endpoint; down until it is mended. */
  erp: Receiver & { mend(): void };
  /** When things happened, by what they are. */
  at: Record<
    "sent" | "delivered" | "opened" | "early" | "home" | "order" | "lastParcel" | "lastGoodPayment" | "down" | "nextTry",
    number
  >;
  callbacks: Record<"early" | "conflict" | "unknown" | "junk" | "delivered" | "repeat" | "refused" | "waiting" | "word", string>;
  close(): Promise<void>;
};

export async function haveDay(): Promise<Day> {
  const homing = await startGateway("postgres", { ALLOW_PRIVATE_ENDPOINTS: "true", CONSOLE_TIME_ZONE: "Asia/Kolkata" });
  const { query } = homing.gateway.database;
  const now = homing.gateway.databaseClock.now();
  const at = {
    ...{ sent: now - 31 * MINUTE, delivered: now - 29 * MINUTE, opened: now - 26 * MINUTE, early: now - 20 * MINUTE, home: now },
    ...{
      lastParcel: now - 46 * MINUTE,
      lastGoodPayment: now - 38 * MINUTE,
      down: now - 2 * HOUR,
      order: now - HOUR,
      nextTry: now + 36 * MINUTE,
    },
  };
  const seconds = (ms: number) => Math.floor(ms / 1000);

  const workspaces = {
    [ACME]: "Blue Harbour Books",
    [BETA]: "Kaveri Kitchens",
    [LOTUS]: "Lotus & Loom",
    [TIDEWATER]: "Tidewater Toys",
  };
  for (const [id, name] of Object.entries(workspaces)) await homing.api("PUT", `/v1/workspaces/${id}`, { name });
  const { body: support } = await homing.api("POST", "/v1/tokens", { name: "Support desk 2", role: "support" });
  const { body: setUp } = await homing.api("POST", "/v1/tokens", { name: "Meera", role: "operator" });

  const good = await startReceiver();
  let mended = false;
  const down = await startReceiver((_, response) => void response.writeHead(mended ? 200 : 503).end());
  const endpoint = async (workspace_id: string, description: string, url: string, events: string[]) =>
    (await homing.api("POST", "/v1/endpoints", { workspace_id, url, events, description })).body.id as string;
  await endpoint(ACME, "Order desk", good.url, ["delivery.*"]);
  const analytics = await endpoint(ACME, "Analytics", good.url, ["*"]);
  await endpoint(ACME, "CRM sync", good.url, ["delivery.bounced", "contact.*"]);
  const erp = await endpoint(BETA, "ERP", down.url, ["delivery.*"]);

  const callbacks: Record<string, string> = {};
  const send = async (name: string, adapter: string, body: unknown, options?: Parameters<TestGateway["callback"]>[2]) => {
    const answer = await homing.callback(adapter, body, options);
    callbacks[name] = answer.body.callback_id;
  };

  // Delivered and filtered out: an e-mail on its way, to three endpoints of whom one asks for none of it.
  const mail = (id: string, event: string, when: number, workspace = ACME, more: object = {}) => ({
    ...{ event, timestamp: seconds(when), email: `asha.${id}@example.com`, sg_message_id: `LRzXl_${id}.recvd-1` },
    ...{
      sg_event_id: `${id}-${event}`,
      homing_workspace_id: workspace,
      message_id: `m_${id}`,
      campaign_id: "winter_catalogue",
      ...more,
    },
  });
  await send("sent", "sendgrid", [mail("81f04c", "processed", at.sent)]);
  const arrived = mail("81f04c", "delivered", at.delivered, ACME, { response: "250 2.0.0 OK" });
  await send("delivered", "sendgrid", [arrived]);
  await send("opened", "sendgrid", [mail("81f04c", "open", at.opened, ACME, { useragent: "Mozilla/5.0", ip: "203.0.113.9" })]);
  // A storm: the same again and again.
  for (let again = 0; again < 12; again += 1) await send("repeat", "sendgrid", [arrived]);

  // An endpoint that is down.
  for (const id of ["77aa01", "77aa02", "77aa03"]) await send(id, "sendgrid", [mail(id, "delivered", at.delivered, BETA)]);

  // A secret that was changed at Razorpay only.
  const payment = (id: string) => ({
    ...{
      entity: "event",
      account_id: "acc_platform",
      event: "payment.captured",
      contains: ["payment"],
      created_at: seconds(now),
    },
    payload: {
      payment: {
        entity: {
          id,
          entity: "payment",
          amount: 49900,
          currency: "INR",
          notes: { workspace_id: ACME },
          created_at: seconds(now),
        },
      },
    },
  });
  await send("goodPayment", "razorpay", payment("pay_good"));
  const other = (await signersOf("razorpay")).newSigner();
  for (let more = 0; more < 7; more += 1) await homing.callback("razorpay", payment(`pay_${more}`), { signer: other });

  // A workspace that nobody has registered, named by the URL.
  const parcel = (awb: string, when = now) => ({
    Shipment: {
      ...{ AWB: awb, ReferenceNo: "28", NSLCode: "X-PPOM", Sortcode: "IXC/MDP", PickUpDate: "2026-11-01 13:52:29.543" },
      Status: {
        ...{ Status: "In Transit", StatusType: "UD", StatusLocation: "Chandigarh", Instructions: "Shipment picked up" },
        StatusDateTime: inIndia(when),
      },
    },
  });
  for (const awb of ["44800710000701", "44800710000702", "44800710000703"])
    await send("unknown", "shipping/shiprocket", scan(awb, now), {
      path: aliased(homing.path("shipping/shiprocket", UNKNOWN)),
      signer: null,
    });
  // A carrier that has gone quiet.
  for (const awb of ["44800710000663", "44800710000664"])
    await send("parcel", "shipping/delhivery", parcel(awb, at.lastParcel), {
      path: homing.path("shipping/delhivery", TIDEWATER),
      signer: null,
    });

  // Before its binding: it waited until somebody said whose it is.
  const invoice = (id: string, type: string, customer: string, when = now) => ({
    ...{ id: `evt_${id}`, object: "event", created: seconds(when), livemode: true, type },
    data: { object: { id: `in_${id}`, object: "invoice", customer, metadata: {}, amount_due: 1_499_000, currency: "inr" } },
  });
  await send("early", "stripe", invoice("1QwsEarly", "invoice.paid", "cus_QwsEarly", at.early));
  await homing.settled();
  await fetch(`${homing.url}/v1/bindings`, {
    method: "PUT",
    headers: { authorization: `Bearer ${setUp.token}`, "content-type": "application/json" },
    body: JSON.stringify({ provider: "stripe", kind: "customer", value: "cus_QwsEarly", workspace_id: TIDEWATER }),
  });
  // A customer whom nobody has bound.
  for (let more = 1; more <= 9; more += 1)
    await send(
      "waiting",
      "stripe",
      invoice(`1QwsBeta${more}`, more % 3 ? "invoice.paid" : "invoice.payment_failed", "cus_QwsBeta0003"),
    );

  // A shop that is one workspace's, sent to another one's URL.
  const shop = { "x-shopify-topic": "fulfillment_events/create", "x-shopify-shop-domain": "lotus-and-loom.myshopify.com" };
  const order = (id: number) => ({
    ...{ id, fulfillment_id: 5_023_478_841 + id, status: "delivered", order_id: 820_982 + id },
    ...{ happened_at: new Date(at.order).toISOString(), updated_at: new Date(at.order).toISOString() },
  });
  await send("taught", "shopify", order(1), { path: homing.path("shopify", LOTUS), headers: shop });
  for (const id of [2, 3]) await send("conflict", "shopify", order(id), { path: homing.path("shopify", ACME), headers: shop });

  // Since a change at Cashfree we cannot read it.
  for (const id of [1, 2, 3]) await send("junk", "cashfree", `<xml version="2"><payment id="${id}"/></xml>`);
  // A word that no rule knows.
  await send("word", "shipping/shiprocket", scan("44800710000777", now, "REACHED BACK AT SELLER CITY"), {
    ...{ path: aliased(homing.path("shipping/shiprocket", TIDEWATER)), signer: null },
  });
  await homing.settled();
  await homing.gateway.rejections.flush();

  const [home] = await query<{ at: Date }>("select at from healed");
  at.home = home?.at.getTime() ?? now;
  const { body: refused } = await homing.api("GET", "/v1/callbacks?status=rejected");
  callbacks.refused = refused.data[0].id;
  // Told, where there is somebody to tell; and tried, where there is nobody.
  await until(
    () =>
      query<{ count: number }>(
        "select count(*)::int as count from dispatches where state in ('pending', 'retrying') and attempts = 0",
      ),
    ([row]) => row?.count === 0,
  );
  await until(
    () =>
      query<{ count: number }>(
        "select sum(count)::int as count from minutes where outcome not like 'ms:%' and outcome !~ '^(item|field|word):'",
      ),
    ([row]) => (row?.count ?? 0) >= 3 + 12 + 3 + 1 + 7 + 3 + 2 + 1 + 9 + 3 + 3 + 1,
  );
  await makeOld(homing, { at, erp, analytics });
  return {
    ...{ homing, token: support.token, at, callbacks: callbacks as Day["callbacks"] },
    erp: { ...down, mend: () => (mended = true) },
    async close() {
      await homing.close();
      await good.close();
      await down.close();
    },
  };
}

/** As carriers in India write it. */
const inIndia = (ms: number) => new Date(ms + 5.5 * HOUR).toISOString().slice(0, -1);
/** Shiprocket refuses a URL that contains its name. */
const aliased = (path: string) => path.replace("shiprocket", "carrier-s");
const scan = (awb: string, when: number, label = "IN TRANSIT") => ({
  ...{
    awb,
    courier_name: "Blue Dart",
    current_status: label,
    shipment_status: label,
    shipment_status_id: label === "IN TRANSIT" ? 18 : 999,
  },
  ...{
    current_timestamp: inIndia(when).replace(/^(\d+)-(\d+)-(\d+)T([\d:]+).*/, "$3 $2 $1 $4"),
    order_id: `1373900_${awb}`,
    scans: [{ date: inIndia(when).slice(0, 19).replace("T", " "), activity: label }],
    is_return: 0,
  },
});

/** What must be old is moved back in the database; beside it the hour that a busy gateway has behind it. */
async function makeOld(
  { gateway: { database } }: TestGateway,
  { at, erp, analytics }: { at: Day["at"]; erp: string; analytics: string },
): Promise<void> {
  const { query } = database;
  const uuid = (shown: string) => shown.replace(/^[a-z]+_/, "");
  const age = async (adapter: string, moment: number) => {
    const rows = await query<{ id: string }>("select id from callbacks where adapter = $1 order by id", [adapter]);
    for (const [index, { id }] of rows.entries()) {
      const older = `${firstIdOf(moment - (rows.length - 1 - index) * 1000).slice(0, 13)}${id.slice(13)}`;
      const received = new Date(moment - (rows.length - 1 - index) * 1000).toISOString();
      await query("update callbacks set id = $2, received_at = $3::text::timestamptz where id = $1", [id, older, received]);
      await query("update events set callback_id = $2 where callback_id = $1", [id, older]);
    }
    await query("delete from minutes where adapter = $1 and outcome not like 'rejected:%'", [adapter]);
    await query(
      "insert into minutes (adapter, minute, outcome, count) values ($1, date_trunc('minute', $2::text::timestamptz), 'accepted', $3)",
      [adapter, new Date(moment).toISOString(), rows.length],
    );
  };
  await age("shipping/delhivery", at.lastParcel);
  await age("razorpay", at.lastGoodPayment);

  await query("update endpoints set created_at = created_at - interval '11 days'");
  await query("update endpoint_filters set since = since - interval '11 days'");
  await query("update attempts set at = $2::text::timestamptz where endpoint_id = $1::text::uuid", [
    uuid(erp),
    new Date(at.down).toISOString(),
  ]);
  await query(
    "update dispatches set attempts = 3, next_at = $2::text::timestamptz, created_at = created_at - interval '2 hours' where endpoint_id = $1::text::uuid",
    [uuid(erp), new Date(at.nextTry).toISOString()],
  );
  await query("update endpoint_hours set hour = hour - interval '2 hours' where endpoint_id = $1::text::uuid", [uuid(erp)]);
  await query("update endpoint_hours set accepted = accepted + 17760, failed = failed + 130 where endpoint_id = $1::text::uuid", [
    uuid(analytics),
  ]);

  const pace = {
    sendgrid: 214,
    "msg91/whatsapp": 61,
    "msg91/sms": 38,
    shopify: 18,
    stripe: 70,
    "shipping/shiprocket": 6,
    cashfree: 3,
    clerk: 1.4,
  };
  for (const [adapter, mean] of Object.entries(pace)) await busy(query, adapter, mean, "0 minutes", 240);
  await busy(query, "shipping/delhivery", 31, "47 minutes", 120);
  await busy(query, "razorpay", 9, "40 minutes", 120);
  await query(
    `insert into minutes select 'razorpay', date_trunc('minute', $1::text::timestamptz) + m * interval '1 minute', 'rejected:signature_mismatch', 8 + (m * 7) % 6
     from generate_series(1, 37) m on conflict do nothing`,
    [new Date(at.lastGoodPayment).toISOString()],
  );
}

async function busy(
  query: TestGateway["gateway"]["database"]["query"],
  adapter: string,
  mean: number,
  since: string,
  minutes: number,
): Promise<void> {
  const wave = "greatest(0, round($2::float8 * (1 + 0.25 * sin(m / 7.0) + 0.2 * sin(m * 12.9898))))::int";
  const write = (outcome: string, count: string) =>
    query(
      `insert into minutes as old (adapter, minute, outcome, count)
       select $1::text, date_trunc('minute', now() - $3::text::interval) - m * interval '1 minute', '${outcome}', ${count} from generate_series(1, $4::int) m where ${count} > 0 and $2::float8 > 0
       on conflict (adapter, minute, outcome) do update set count = old.count + excluded.count`,
      [adapter, mean, since, minutes],
    );
  await write("accepted", wave);
  await write("ms:10", wave);
  await write("ms:20", `${wave} / 20`);
  await write("duplicate", `(${wave} * 3 / 50)`);
}
