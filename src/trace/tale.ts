import { readAudit } from "../api/audit.ts";
import { readEndpoints as readEndpointRows } from "../api/endpoints.ts";
import { attention } from "../attention/attention.ts";
import { providerRows } from "../attention/minutes.ts";
import type { Event } from "../events/build.ts";
import { catalogueTypes } from "../events/catalogue.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import { referenceKey } from "../inbound/resolve.ts";
import { askingFilter } from "../outbound/fan-out.ts";
import type { Adapter } from "../registry.ts";
import { attentionWords } from "./attention.ts";
import { type EndpointStory, readEndpoints } from "./endpoints.ts";
import { explainWay } from "./explain.ts";
import { adapterFares, type Endpoint, endpointFares, endpointName } from "./fares.ts";
import { about, answer, detail, type Message, sayMessage, shapeOf, statusOf, statusWord } from "./message.ts";
import { happened, kindWord, providerName } from "./names.ts";
import { at, id, many, plain, type Sentence, tell, words } from "./sentence.ts";
import { busOnly, dispatched, noEndpoint, type Offer, type Shape, type State } from "./states.ts";
import { type Item, readStory, type Story, workspaceNames } from "./story.ts";
import { sayOf, understoodSentence, verdictOf, verifiedSentence } from "./verdict.ts";
import { clock, exact, lasting, UTC, type Zone, zoneOf } from "./zone.ts";

/** One whole story as plain text, for the command line: the answer, then the proof, then what can be done. */
export type Tale = {
  kind: "callback" | "message" | "event" | "endpoint" | "adapter" | "workspace";
  id: string;
  shape: Shape;
  /** The status as one word. */
  word: string;
  headline: string;
  explanation: string;
  /** What may be said to the customer. */
  say: string | null;
  steps: { name: string; at: string | null; lines: string[] }[];
  /** What can be done about it: a command, or a text to copy. */
  offers: { label: string; text: string }[];
};

/** Sentences as text: in the console's time zone, which is named in the answer. */
export type Teller = { gateway: Gateway; zone: Zone; now: number; text(sentence: Sentence): string };

export function tellerOf(gateway: Gateway): Teller {
  const zone = zoneOf(gateway.config.CONSOLE_TIME_ZONE) ?? UTC;
  const now = gateway.databaseClock.now();
  return { gateway, zone, now, text: (sentence) => plain(sentence, zone, now) };
}

const EVERY_ITEM = 20;

/** @param index the item to open at, where the callback has several. */
export async function taleOfCallback(teller: Teller, uuid: string, index: number | null): Promise<Tale | null> {
  const { gateway } = teller;
  const story = await readStory(gateway, uuid, index);
  if (!story) return null;
  const { trace } = story;
  const state = verdictOf(story, gateway.registry);
  const offers = state.offers.flatMap((offer) => commandOf(teller, offer, story));
  if (trace.status === "rejected")
    offers.push({ label: "Try it again, with today's secrets", text: `homing replay ${trace.id} --dry-run` });
  return {
    ...{ kind: "callback", id: trace.id, shape: state.shape, word: state.word },
    ...{ headline: teller.text(state.headline), explanation: teller.text(state.explanation) },
    say: teller.text(sayOf(story, gateway.registry, teller.zone)),
    steps: stepsOf(teller, story, await homecoming(teller, story)),
    offers,
  };
}

/** When and how a waiting item came home; who said so, where a person did. */
async function homecoming({ gateway, zone, now }: Teller, { item, adapter }: Story): Promise<string[]> {
  if (!item?.healed) return [];
  const { at: moment, cause } = item.healed;
  const by = "by" in item.healed && typeof item.healed.by === "string" ? personOf(item.healed.by) : null;
  const when = clock(moment, zone, now);
  if (cause === "dismissed") return [`It waited, and was put aside at ${when}${by ? ` by ${by}` : ""}.`];
  const bound = cause === "binding" ? await boundBy(gateway, adapter ?? "", item) : null;
  const why = bound
    ? ` when ${personOf(bound.token)} bound ${kindWord(bound.kind)} ${bound.value}`
    : (CAUSES[cause] ?? "") + (by && cause !== "resend" ? ` (${by})` : "");
  return [`It waited, and came home at ${when}${why}.`];
}

const CAUSES: Readonly<Record<string, string>> = {
  binding: " when its reference was bound",
  workspace: " when its workspace was registered or opened",
  resend: " when it was sent again, and told more",
  assigned: " when a person assigned it",
  replay: " when it was replayed",
};

const personOf = (token: string) => (token === "API_TOKEN" ? "Operator" : token);

/** Who told the binding that an item was placed by; null where nobody did, or it is gone. */
async function boundBy({ database }: Gateway, adapter: string, { ways }: Item) {
  const references = ways.flatMap((way) =>
    way.way === "lookup" ? way.looked_at.map((one) => referenceKey(adapter, one.where, one.value ?? "")) : [],
  );
  const [binding] = await database.query<{ id: string; kind: string; value: string }>(
    `select id, kind, value from bindings where reference = any(array(select json_array_elements_text($1::text::json))) and origin = 'told'
     order by id desc limit 1`,
    [JSON.stringify(references)],
  );
  if (!binding) return null;
  const [told] = (await readAudit(database.query, { object: showId("binding", binding.id), limit: 1 })).data;
  return told ? { ...binding, token: told.token } : null;
}

/** A recipient's reference is a digest, which tells nobody anything. */
const readable = (way: Item["ways"][number]) => ({ ...way, looked_at: way.looked_at.filter((one) => one.where !== "recipient") });

function stepsOf(teller: Teller, story: Story, home: string[]): Tale["steps"] {
  const { gateway, zone, text } = teller;
  const { trace, item, told, first, waits, acts } = story;
  const isRefused = trace.status === "rejected";
  const provider = providerName(gateway.registry, story.adapter);
  const isRead = !isRefused && item !== null && item.verdict !== "failed";
  const ms = trace.steps_ms as Record<string, number | undefined>;
  const step = (name: string, lines: string[], after?: string) => ({
    ...{ name, at: after !== undefined && ms[after] !== undefined ? `+${lasting(ms[after])}` : null },
    lines: lines.filter(Boolean),
  });
  const named = (explanation: string) =>
    [...story.names].reduce((said, [workspace, name]) => said.replaceAll(workspace, name), explanation);
  const batch =
    trace.items.length > 1 && item ? ` It brought ${many(trace.items.length, "item")}; this is item ${item.index}.` : "";
  const steps: Tale["steps"] = [
    {
      name: "Arrived",
      at: trace.received_at && exact(trace.received_at, zone),
      lines: [
        `${isRefused ? "Somebody" : provider} called ${trace.request.path ?? ""} with ${many(trace.size, "byte")}.${batch}`,
      ],
    },
    step(
      "Verified",
      [text(verifiedSentence(story, gateway.registry, zone)), isRefused ? trace.verification.explanation : ""],
      "verified",
    ),
  ];
  if (!isRefused) steps.push(step("Understood", [text(understoodSentence(story))], "understood"));
  if (isRead && item) {
    steps.push(step("Whose is it?", [...item.ways.map((way) => named(explainWay(readable(way)))), ...home], "placed"));
    steps.push(step("Event", [text(eventSentence(item, told, first, waits))]));
    if (item.verdict === "event" && told)
      steps.push(
        step(
          "Webhooks",
          webhookLines(
            teller,
            item.endpoints,
            told.type,
            story.names.get(item.workspace_id ?? "") ?? "Its workspace",
            trace.received_at ?? "",
          ),
        ),
      );
  }
  if (trace.learned.length > 0)
    steps.push(
      step(
        "Learned",
        trace.learned.map((one) => named(`${one.kind} ${one.value} is ${one.workspace_id}'s (${one.id}).`)),
      ),
    );
  if (trace.items.length > 1)
    steps.push(
      step("All items", [
        ...trace.items
          .slice(0, EVERY_ITEM)
          .map((one) => named(`${one.index}: ${one.explanation}${one.event_id ? ` ${one.event_id}` : ""}`)),
        trace.items.length > EVERY_ITEM ? `and ${trace.items.length - EVERY_ITEM} more` : "",
      ]),
    );
  const reason = item?.reason ?? trace.reason;
  if (reason) steps.push(step("Reason", [reason]));
  if (acts.length > 0)
    steps.push(
      step(
        "Who did what",
        acts.map((act) => `${clock(act.at ?? "", zone, teller.now)} ${personOf(act.token)}: ${act.action}`),
      ),
    );
  return steps;
}

function eventSentence(
  item: NonNullable<Story["item"]>,
  told: Story["told"],
  first: Story["first"],
  waits: Story["waits"],
): Sentence {
  switch (item.verdict) {
    case "event":
      return tell`${id(told?.type ?? told?.variant ?? "It")} was emitted once${told && told.type === null ? ", on the bus alone" : ""}: ${id(item.event_id ?? "")}.`;
    case "waiting":
      return waits && waits.count > 1
        ? tell`Stored and waiting, not emitted. ${many(waits.count - 1, "other waits", "others wait")} for the same ${kindWord(waits.kind)}.`
        : tell`Stored and waiting, not emitted.`;
    case "duplicate":
      return first ? tell`None: the first one, ${id(first.id)}, made it.` : tell`None: it was made before.`;
    default:
      return tell`None.`;
  }
}

/** What became of an event at each endpoint that its workspace had. */
function webhookLines(
  teller: Teller,
  endpoints: readonly EndpointStory[],
  type: string | null,
  workspace: string,
  since: string,
): string[] {
  const { text } = teller;
  const line = ({ headline, explanation }: State) =>
    [text(headline), text(explanation)]
      .filter(Boolean)
      .map((one) => (/[.?!]$/.test(one) ? one : `${one}.`))
      .join(" ");
  if (type === null) return [line(busOnly)];
  if (endpoints.length === 0) return [line(noEndpoint(workspace))];
  const told = endpoints.filter((one) => one.state === "succeeded").length;
  return [
    `${told} of ${endpoints.length} told.`,
    ...endpoints.map((one) => {
      const state = dispatched({
        ...{ endpoint: one.name, state: one.state, reason: one.reason, type, filters: one.filters, subscribedAt: since },
        ...{
          attempts: one.attempts,
          nextAt: one.next_at,
          heldSince: null,
          heldCount: 1,
          keptUntil: null,
          cancelledBecause: null,
        },
      });
      const attempt =
        one.state === "retrying" || one.state === "succeeded" || one.attempts.length === 0
          ? []
          : tell` At last: ${at(one.attempts.at(-1)?.at ?? "")} ${answeredAt(one)}.`;
      return `${one.name}: ${line(state)}${text(attempt)}`.replace(`${one.name}: ${one.name} `, `${one.name} `);
    }),
  ];
}

const answeredAt = ({ attempts }: EndpointStory) => {
  const last = attempts.at(-1);
  return last?.status == null ? "no answer" : `answered ${last.status}`;
};

/** What a state offers, as what to type. */
function commandOf({ text }: Teller, offer: Offer, story: Story): Tale["offers"] {
  const { trace, item, waits, first, lastGood, event, adapter } = story;
  const command = (line: string) => [{ label: offer.label.replace(/…$/, ""), text: line }];
  switch (offer.to) {
    case "copy":
      return command(text(offer.text));
    case "assign_all":
      return waits ? command(`homing assign ${adapter} ${waits.kind}:${waits.value} --workspace <name or id>`) : [];
    case "assign_one":
      return command(`homing assign --callback ${trace.id} --index ${item?.index ?? 0} --workspace <name or id>`);
    case "first":
      return first ? command(`homing trace ${first.id}`) : [];
    case "last_good":
      return lastGood ? command(`homing trace ${lastGood.id}`) : [];
    case "replay":
      return command(`homing replay ${trace.id} --dry-run`);
    case "message":
      return typeof event?.data.message_id === "string" ? command(`homing trace ${event.data.message_id}`) : [];
    case "binding": {
      const [binding] = trace.learned;
      return binding ? command(`homing bind --list ${adapter} ${binding.kind}:${binding.value}`) : [];
    }
    case "endpoint":
      return item?.endpoints[0] ? command(`homing trace ${item.endpoints[0].endpoint_id}`) : [];
  }
}

/** Was it delivered? */
export async function taleOfMessage(teller: Teller, message: Message): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const adapter = [message.provider, message.dialect].filter(Boolean).join("/") || null;
  const provider = providerName(gateway.registry, adapter);
  const workspace = message.workspace_id ?? "";
  const name = (await workspaceNames(query, [workspace])).get(workspace) ?? workspace;
  const endpoints = await readEndpoints(
    gateway,
    message.events.flatMap((event) => readId("event", event.id) ?? []),
  );
  const steps = message.events.map((event): Tale["steps"][number] => {
    const late = Date.parse(event.received_at) - Date.parse(event.occurred_at);
    const reached = `It reached us ${late < 1000 ? "at once" : `${lasting(late)} later`}${event.callback_id ? `, in ${event.callback_id}` : ""}.`;
    const told = webhookLines(teller, endpoints.get(readId("event", event.id) ?? "") ?? [], event.type, name, event.received_at);
    return {
      name: statusWord(statusOf(event)),
      at: clock(event.occurred_at, zone, now),
      lines: [text(detail(event, provider)), reached, ...told].filter(Boolean),
    };
  });
  const ids = [
    ["Our id", message.message_id],
    [`${provider}’s id`, message.provider_message_id],
    ["Contact", message.contact_id],
  ] as const;
  return {
    ...{ kind: "message", id: message.message_id ?? message.provider_message_id ?? "", shape: shapeOf(message.state) },
    ...{
      word: message.state ? statusWord(message.state) : "Nothing yet",
      headline: text(answer(message)),
      explanation: text(about(message, name)),
    },
    say: text(sayMessage(message, zone)),
    steps: [...steps, { name: "Ids", at: null, lines: ids.flatMap(([label, value]) => (value ? [`${label}: ${value}`] : [])) }],
    offers: [],
  };
}

/** An event that no callback told: the platform's own. */
export async function taleOfEvent(teller: Teller, uuid: string): Promise<Tale | null> {
  const { gateway } = teller;
  const { query } = gateway.database;
  const [row] = await query<{ body: string }>("select body from events where id = $1", [uuid]);
  if (!row) return null;
  const event = JSON.parse(row.body) as Event;
  const name = (await workspaceNames(query, [event.workspace_id])).get(event.workspace_id) ?? event.workspace_id;
  const endpoints = (await readEndpoints(gateway, [uuid])).get(uuid) ?? [];
  const headline = teller.text(tell`${happened(event)} at ${at(event.occurred_at)}, for ${words(name)}`);
  return {
    ...{
      kind: "event",
      id: event.id,
      shape: "accepted",
      word: "Accepted",
      headline,
      explanation: "The platform told it itself; it was emitted once.",
    },
    say: null,
    steps: [
      {
        name: "Event",
        at: clock(event.received_at, teller.zone, teller.now),
        lines: [event.variant ?? event.type ?? event.name],
      },
      { name: "Webhooks", at: null, lines: webhookLines(teller, endpoints, event.type, name, event.received_at) },
    ],
    offers:
      typeof event.data.message_id === "string"
        ? [{ label: "See the whole message", text: `homing trace ${event.data.message_id}` }]
        : [],
  };
}

/** How an endpoint fares: health, what waits, what was given up, its last failures. */
export async function taleOfEndpoint(teller: Teller, endpoint: Endpoint): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const state = endpointFares(endpoint);
  const { health } = endpoint;
  const name = (await workspaceNames(gateway.database.query, [endpoint.workspace_id])).get(endpoint.workspace_id);
  const deaf = catalogueTypes.filter((type) => askingFilter(endpoint.events, type) === null);
  const failures = health.last_failures.map(
    (one) =>
      `${clock(one.at, zone, now)} ${one.status === null ? (one.error ?? "no answer") : `answered ${one.status}`} (${one.dispatch_id})`,
  );
  return {
    ...{ kind: "endpoint", id: endpoint.id, shape: state.shape, word: state.word },
    ...{ headline: text(state.headline), explanation: text(state.explanation), say: null },
    steps: [
      { name: "Whose", at: null, lines: [name ?? endpoint.workspace_id] },
      { name: "Address", at: null, lines: [endpoint.url] },
      { name: "Asks for", at: null, lines: [endpoint.events.join(", ")] },
      { name: "Is not told", at: null, lines: [deaf.length === 0 ? "Nothing: it asks for all." : deaf.join(", ")] },
      { name: "Waiting", at: null, lines: [String(health.waiting)] },
      { name: "Given up", at: null, lines: [String(health.dead)] },
      { name: "Last failures", at: null, lines: failures.length > 0 ? failures : ["None."] },
    ],
    offers: [
      ...(health.dead > 0
        ? [
            { label: "What was given up", text: `homing endpoints dead ${endpoint.id}` },
            { label: "Try it all again", text: `homing endpoints retry ${endpoint.id}` },
          ]
        : []),
      ...(endpoint.state === "disabled" ? [{ label: "Switch it on", text: `homing endpoints enable ${endpoint.id}` }] : []),
      { label: "Send it a test", text: `homing endpoints test ${endpoint.id}` },
    ],
  };
}

/** The last hour of an adapter: its secrets' ages, the last good one, what was refused, what waits. */
export async function taleOfAdapter(teller: Teller, { name, provider }: Adapter): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const title = providerName(gateway.registry, name);
  const row = (await providerRows(query)).find((one) => one.adapter === name);
  const fares = row ?? {
    outcomes: { accepted: 0, unmatched: 0, duplicate: 0, ignored: 0, failed: 0, refused: 0 },
    waiting: 0,
    lastGoodAt: null,
    lastHour: 0,
  };
  const needs = { secret: provider.verify.signs && !gateway.credentials.isConfigured(name), adapter: name };
  // What the overview warns of is the answer, whatever else came in the hour.
  const warning = (await attention(query)).find(
    (one) => one.adapter === name && (one.kind === "all_refused" || one.kind === "quiet"),
  );
  const warned = warning && attentionWords(warning, gateway.registry, new Map());
  const state =
    warned && !needs.secret && fares.lastHour > fares.outcomes.refused
      ? { ...warned, word: warning.kind === "quiet" ? "Quiet" : "Refused", explanation: warned.cause }
      : adapterFares(title, fares, needs);
  const [codes, newest, stored] = await Promise.all([
    query<{ code: string; count: number }>(
      `select substr(outcome, 10) as code, sum(count)::int as count from minutes
       where adapter = $1 and outcome like 'rejected:%' and minute > now() - interval '60 minutes' group by 1 order by 2 desc`,
      [name],
    ),
    query<{ good: string | null; refused: string | null }>(
      `select (select id from callbacks where adapter = $1 order by id desc limit 1) as good,
         (select id from rejections where adapter = $1 and code <> 'probe' order by id desc limit 1) as refused`,
      [name],
    ),
    query<{ workspace_id: string | null; created_at: Date }>(
      "select workspace_id, created_at from secrets where adapter = $1 order by workspace_id nulls first, position",
      [name],
    ),
  ]);
  const environment = gateway.config.secrets.get(name)?.length ?? 0;
  const owned = Map.groupBy(stored, (one) => one.workspace_id);
  const owners = await workspaceNames(
    query,
    [...owned.keys()].filter((one) => one !== null),
  );
  const secrets = [
    environment > 0 ? `${many(environment, "secret")} in the settings.` : "",
    ...[...owned].map(
      ([owner, list]) =>
        `${many(list.length, "secret")} of ${owner === null ? "the platform" : (owners.get(owner) ?? owner)}; the newest is ${lasting(now - (list[0]?.created_at.getTime() ?? now))} old.`,
    ),
    !provider.verify.signs ? "It signs nothing: the token in its URL, or a static token, proves it." : "",
  ].filter(Boolean);
  const [ids] = newest;
  const good = ids?.good ? showId("callback", ids.good) : null;
  const refused = ids?.refused ? showId("callback", ids.refused) : null;
  return {
    ...{ kind: "adapter", id: name, shape: state.shape, word: state.word },
    ...{ headline: text(state.headline), explanation: text(state.explanation), say: null },
    steps: [
      { name: "Secrets", at: null, lines: secrets.length > 0 ? secrets : ["None."] },
      {
        name: "Last good one",
        at: fares.lastGoodAt && clock(fares.lastGoodAt.toISOString(), zone, now),
        lines: [good ?? "None is kept."],
      },
      {
        name: "Refused",
        at: null,
        lines:
          codes.length > 0 ? codes.map(({ code, count }) => `${count} × ${code} in the last hour`) : ["None in the last hour."],
      },
      { name: "Waiting", at: null, lines: [many(fares.waiting, "event")] },
    ],
    offers: [
      ...(refused && codes.length > 0 ? [{ label: "See the last refused one", text: `homing trace ${refused}` }] : []),
      ...(good ? [{ label: "See the last good one", text: `homing trace ${good}` }] : []),
      ...(fares.waiting > 0 ? [{ label: "See what waits", text: `homing unmatched --provider ${name}` }] : []),
    ],
  };
}

/** A workspace: whether it is open, what it is told on, what waits for it. */
export async function taleOfWorkspace(teller: Teller, workspace: string): Promise<Tale | null> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const [[row], [waits], endpoints] = await Promise.all([
    query<{ name: string; closed_at: Date | null }>("select name, closed_at from workspaces where id = $1", [workspace]),
    query<{ count: number }>("select count(*)::int as count from waiting where refs @> array[$1::text]", [
      `workspace:${workspace}`,
    ]),
    readEndpointRows(query, { workspace, limit: 50 }),
  ]);
  const waiting = waits?.count ?? 0;
  if (!row && waiting === 0) return null;
  const state = !row
    ? tell`Workspace ${id(workspace)} is not registered here`
    : row.closed_at
      ? tell`${words(row.name)} is closed here`
      : tell`${words(row.name)} is open`;
  const out = !row ? "registered" : "opened again";
  const explanation =
    waiting > 0
      ? `${many(waiting, "event names it and waits", "events name it and wait")}. Once ${out}, ${waiting === 1 ? "it goes" : "all go"} out.`
      : row?.closed_at
        ? `Closed at ${clock(row.closed_at.toISOString(), zone, now)}. Its events wait.`
        : "Nothing waits for it.";
  return {
    ...{
      kind: "workspace",
      id: workspace,
      shape: !row || row.closed_at ? "unmatched" : "accepted",
      word: !row ? "Unknown" : row.closed_at ? "Closed" : "Open",
    },
    ...{ headline: text(state), explanation, say: null },
    steps: [
      { name: "Id", at: null, lines: [workspace] },
      {
        name: "Endpoints",
        at: null,
        lines:
          endpoints.length > 0
            ? endpoints.map((one) => `${endpointName(one)}: ${text(endpointFares(one).headline)} (${one.id})`)
            : ["None."],
      },
    ],
    offers:
      row && !row.closed_at
        ? [{ label: "See what is bound to it", text: `homing bind --list --workspace ${workspace}` }]
        : [{ label: "For an operator", text: `PUT /v1/workspaces/${workspace} {"name": "…"}` }],
  };
}
