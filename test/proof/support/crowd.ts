import type { Sql } from "postgres";
import { type Partitioned, partitionsOf } from "../../../src/db/partitions.ts";
import { firstIdOf } from "../../../src/ids.ts";

const DAY_MS = 86_400_000;

/** Rows of a real gateway that the many are made after, by their ids (uuid). */
export type Pattern = { accepted: string; repeat: string; waiting: string; failed: string; endpoint: string };

/** Multiplies what a gateway stored: so many callbacks over the last seven days, with all that hangs on them; and 36 days of minutes. */
export async function crowd(
  sql: Sql,
  pattern: Pattern,
  size: { callbacks: number; waiting: number; days: number },
): Promise<void> {
  const now = Math.floor(Date.now());
  await sql.unsafe("set synchronous_commit = off");
  await sql.unsafe(functions(now, (6.5 * DAY_MS) / size.callbacks));
  for (const table of ["callbacks", "events", "attempts"] as const) await addDays(sql, table, now);
  const many = `generate_series(1, ${size.callbacks}) g`;
  // Of the many, every so often one is no event: the rest is.
  const kind = `case when g % ${Math.floor(size.callbacks / size.waiting)} = 0 then 'waiting' when g % 3001 = 7 then 'failed' when g % 20 = 3 then 'repeat' else 'accepted' end`;
  await sql.unsafe(
    `create table crowd as select g, at_of(g) as ms, id_of('c', g) as id, id_of('e', g) as event, ${kind} as kind from ${many}`,
  );
  await sql.unsafe("create index on crowd (kind, g)");
  await sql.unsafe("analyze crowd");
  const columns =
    "method, path, ip, headers, body, body_encrypted, size, verification, steps, first_status, reason, events, taught, unmatched, duplicates, ignored, failed";
  for (const kind of ["accepted", "repeat", "waiting", "failed"] as const) {
    const [row] = await sql.unsafe("select items, terms[1] as term from callbacks where id = $1", [pattern[kind]]);
    const known = (JSON.parse(row?.items ?? "[]") as { eventId?: string }[])[0]?.eventId ?? "none";
    await sql.unsafe(
      `insert into callbacks (id, adapter, received_at, ${columns}, items, terms)
       select c.id, t.adapter, to_timestamp(c.ms / 1000.0), ${columns}, replace(t.items, $2, c.event::text),
         array_append(t.terms[1:1], hashtextextended(c.g::text, 7))
       from crowd c cross join (select * from callbacks where id = $1) t where c.kind = '${kind}'`,
      [pattern[kind], known],
    );
  }
  const [event] = await sql.unsafe("select id, message_id from events where callback_id = $1", [pattern.accepted]);
  const shown = (uuid: string) => uuid.replaceAll("-", "");
  await sql.unsafe(
    `insert into events (id, epoch, workspace_id, adapter, name, variant, type, message_id, provider_message_id, callback_id, occurred_at, body)
     select c.event, t.epoch, t.workspace_id, t.adapter, t.name, t.variant, t.type, 'm_' || c.g, null, c.id, to_timestamp(c.ms / 1000.0),
       replace(replace(replace(t.body, $2, replace(c.event::text, '-', '')), $3, replace(c.id::text, '-', '')), '"' || t.message_id || '"', '"m_' || c.g || '"')
     from crowd c cross join (select * from events where id = $1) t where c.kind = 'accepted'`,
    [event?.id, shown(event?.id), shown(pattern.accepted)],
  );
  // One in a thousand was given up, some wait for their endpoint; the rest was accepted at once.
  await sql.unsafe(
    `insert into dispatches (id, endpoint_id, event_id, workspace_id, type, state, attempts, next_at, last_status, created_at, give_up_at, settled_at)
     select id_of('d', g), t.endpoint_id, event, t.workspace_id, t.type, s.state, 1, case when s.state = 'retrying' then now() + interval '6 hours' end,
       case when s.state = 'succeeded' then 200 else 503 end, to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0) + interval '7 days', case when s.state <> 'retrying' then to_timestamp(ms / 1000.0) end
     from crowd c cross join (select * from dispatches where endpoint_id = $1 limit 1) t
       cross join lateral (select case when g % 1000 = 1 then 'dead' when g % 1000 = 2 then 'retrying' else 'succeeded' end as state) s
     where c.kind = 'accepted'`,
    [pattern.endpoint],
  );
  await sql.unsafe(
    `insert into attempts (id, dispatch_id, endpoint_id, at, ok, status, ms)
     select id_of('a', g), id_of('d', g), $1::text::uuid, to_timestamp(ms / 1000.0), g % 1000 not in (1, 2), case when g % 1000 in (1, 2) then 503 else 200 end, 40 from crowd where kind = 'accepted'`,
    [pattern.endpoint],
  );
  await sql.unsafe(
    `insert into waiting (id, natural_key, owner, adapter, callback_id, item, occurred_at, received_at, reason, refs, draft)
     select id_of('w', g), gen_random_uuid(), t.owner, t.adapter, c.id, 0, to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0), t.reason,
       array['stripe customer:cus_' || (g / ${Math.floor(size.callbacks / size.waiting)}) % 400], t.draft
     from crowd c cross join (select * from waiting where callback_id = $1) t where c.kind = 'waiting'`,
    [pattern.waiting],
  );
  await sql.unsafe(
    `insert into bindings (id, reference, adapter, kind, value, workspace_id, origin, callback_id, expires_at)
     select id_of('b', g), 'sendgrid message:LRzXl_' || g, 'sendgrid', 'message', 'LRzXl_' || g, t.workspace_id, 'learned', c.id, now() + interval '30 days'
     from crowd c cross join (select workspace_id from events where id = $1) t where g % 10 = 0`,
    [event?.id],
  );
  await sql.unsafe(
    `insert into audit (id, created_at, token, action, object) select id_of('u', g), to_timestamp(ms / 1000.0), 'Desk', 'callback.body_read', 'cb_' || replace(id::text, '-', '') from crowd where g % 100 = 0`,
  );
  await sql.unsafe(
    `insert into minutes (adapter, minute, outcome, count)
     select adapter, date_trunc('minute', now()) - m * interval '1 minute', outcome, 1 + m % 40
     from unnest('{sendgrid,msg91/whatsapp,msg91/sms,stripe,razorpay,shopify,cashfree,clerk,shipping/delhivery,shipping/shiprocket}'::text[]) adapter,
       unnest('{accepted,duplicate,ms:10,ms:20}'::text[]) outcome, generate_series(1, ${size.days} * 1440) m on conflict do nothing`,
  );
  await sql.unsafe("drop table crowd");
  await sql.unsafe("vacuum (analyze)");
}

/** When the one of that number came, and the ids of what hangs on it. */
const functions = (now: number, apart: number) => `
  create function at_of(g int) returns bigint immutable language sql as $$ select (${now} - g * ${apart}::float8)::bigint $$;
  create function id_of(what text, g int) returns uuid immutable language sql as $$
    select (lpad(to_hex(at_of(g)), 12, '0') || '7' || substr(md5(what || g), 1, 3) || '8' || substr(md5(what || g), 4, 15))::uuid $$;`;

/** The gateway keeps yesterday and what is to come; a week that is over has its days, too. */
async function addDays(sql: Sql, table: Partitioned, now: number): Promise<void> {
  const query = (text: string, parameters: unknown[] = []) => sql.unsafe(text, parameters as never[]) as never;
  const known = new Set(await partitionsOf(query, table));
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  for (let day = today - 7 * DAY_MS; day <= today; day += DAY_MS) {
    const name = `${table}_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;
    if (known.has(name)) continue;
    await sql.unsafe(`create table ${name} (like ${table} including all excluding identity)`);
    await sql.unsafe(
      `alter table ${table} attach partition ${name} for values from ('${firstIdOf(day)}') to ('${firstIdOf(day + DAY_MS)}')`,
    );
  }
}
