import * as source from "../attention/attention.ts";
import { providerRows, totals } from "../attention/minutes.ts";
import { kept } from "./kept.ts";

/** What needs attention, worst first. */
export const attention = kept(({ database }) => source.attention(database.query));

/** The last hour of every provider, busiest first. */
export const providers = kept(({ database }) => providerRows(database.query));

/** The six totals of the last hour. */
export const sums = kept(async (gateway) => totals(gateway.database.query, await providers(gateway)));
