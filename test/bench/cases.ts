import { randomBytes } from "node:crypto";
import { type Fixture, fixtures, type Signer, signersOf } from "../support/fixtures.ts";

/** One kind of callback that is sent at full speed. */
export type Case = {
  name: string;
  /** For the reader, who wants to know what was sent. */
  title: string;
  adapter: string;
  /** What each callback must become in the log. */
  eventsEach: number;
  /** Whether the plain servers are measured, too. */
  compared: boolean;
  /** Callbacks made beforehand, for each second that is measured. */
  perSecond: number;
  /** The body of callback `i`; `run` makes its ids new. */
  body(run: string, i: number): string;
};

/** A customer of a provider comes back every month: his bindings are mostly known. What is of one payment or mail is new each time. */
const CUSTOMERS = 2000;
const WORKSPACES = 20;
const BATCH = 100;

/** The workspaces that the callbacks name; the gateway has to know them. */
export const workspaces = Array.from(
  { length: WORKSPACES },
  (_, index) => `5e0c1e2a-7b54-4d1e-9c7a-${index.toString(16).padStart(12, "0")}`,
);
const workspaceOf = (i: number) => workspaces[i % WORKSPACES] as string;
const seconds = () => Math.floor(Date.now() / 1000);

function fixture(adapter: string, name: string): Fixture {
  const found = fixtures(adapter).find((one) => one.name === name);
  if (!found) throw new Error(`providers/${adapter}/fixtures/${name}.http is missing`);
  return found;
}

const invoice = fixture("stripe", "invoice-paid").body.toString();

function invoicePaid(run: string, i: number): string {
  const customer = i % CUSTOMERS;
  return invoice
    .replaceAll("1Qws0001InvoicePaid", `1${run}${i}`)
    .replaceAll("1QwsAcme0007", `1${run}i${i}`)
    .replaceAll("ACME-0007", `ACME-${run}-${i}`)
    .replaceAll("QwsAcme01", `Bench${customer}`)
    .replaceAll("1QwsAcme0001", `1Bench${customer}`)
    .replaceAll("billing@acme.example", `billing@customer${customer}.example`)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, workspaceOf(customer))
    .replaceAll("1795345198", String(seconds()));
}

function mailReport(run: string, i: number): string {
  const report = {
    id: `r_${run}_${i}`,
    message_id: `mail_${run}_${i}`,
    status: "delivered",
    at: new Date().toISOString(),
    to: `asha${i % CUSTOMERS}@example.com`,
    meta: { homing_workspace_id: workspaceOf(i), message_id: `m_${run}_${i}`, campaign_id: "spring" },
  };
  return JSON.stringify({ reports: [report] });
}

const delivered = JSON.parse(fixture("sendgrid", "processed-delivered").body.toString())[1];

function mailBatch(run: string, i: number): string {
  const items = Array.from({ length: BATCH }, (_, item) => {
    const id = `${run}${i}x${item}`;
    return {
      ...delivered,
      email: `asha${(i * BATCH + item) % CUSTOMERS}@example.com`,
      sg_event_id: randomBytes(24).toString("base64url"),
      sg_message_id: `${id}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0`,
      "smtp-id": `<${id}@geopod-ismtpd-5>`,
      timestamp: seconds(),
      homing_workspace_id: workspaceOf(item),
      message_id: `m_${id}`,
    };
  });
  return JSON.stringify(items);
}

export const cases: Case[] = [
  {
    name: "invoice",
    title: `stripe invoice.paid, ${(invoice.length / 1000).toFixed(1)} KB, ${CUSTOMERS} customers in ${WORKSPACES} workspaces`,
    adapter: "stripe",
    eventsEach: 1,
    compared: true,
    perSecond: 32_000,
    body: invoicePaid,
  },
  {
    name: "small",
    title: "example, one report of 0.2 KB, each teaches a new message",
    adapter: "example",
    eventsEach: 1,
    compared: true,
    perSecond: 45_000,
    body: mailReport,
  },
  {
    name: "batch",
    title: `sendgrid, batches of ${BATCH} deliveries, each teaches a new message`,
    adapter: "sendgrid",
    eventsEach: BATCH,
    compared: false,
    perSecond: 1000,
    body: mailBatch,
  },
];

/** The throw-away secrets that sign the cases. */
export async function signers(): Promise<Map<string, Signer>> {
  return new Map(
    await Promise.all(cases.map(async ({ adapter }) => [adapter, (await signersOf(adapter)).fixtureSigner] as const)),
  );
}

/** Whole HTTP requests as bytes, each another callback, signed now. */
export async function requests(of: Case, base: URL, count: number): Promise<Buffer[]> {
  const signer = (await signersOf(of.adapter)).fixtureSigner;
  const run = randomBytes(5).toString("hex");
  const path = `/callbacks/${of.adapter}`;
  return Array.from({ length: count }, (_, i) => {
    const body = Buffer.from(of.body(run, i));
    const headers = {
      host: base.host,
      "user-agent": "bench/1.0",
      accept: "*/*",
      "content-type": "application/json; charset=utf-8",
      "content-length": body.byteLength,
      ...signer.sign({ body, url: base.origin + path, now: new Date() }),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
  });
}
