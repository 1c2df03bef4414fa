/**
 * `with recursive` of every adapter that the minutes know, by as many looks into their index as there are adapters: what is asked of each adapter
 * by itself (its last minute, its last hour) reads no more than that. A month of minutes has millions of rows.
 */
export const ADAPTERS = `known(adapter) as (
    select (select min(adapter) from minutes)
    union all select (select min(m.adapter) from minutes m where m.adapter > k.adapter) from known k where k.adapter is not null
  ),
  adapters as materialized (select adapter from known where adapter <> '')`;

/** The minutes of each of them that fit, read by the index: `offset 0` keeps the planner from reading all of them at once. */
export const minutesOfEach = (where: string) =>
  `adapters cross join lateral (select minute, outcome, count from minutes m where m.adapter = adapters.adapter and ${where} offset 0) of`;

/** Callbacks that were authentic, whatever became of them. */
export const TAKEN = "outcome = any('{accepted,unmatched,duplicate,ignored,failed}')";
