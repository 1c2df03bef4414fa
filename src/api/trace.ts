import { z } from "zod";
import { findTale } from "../trace/find.ts";
import { text } from "./fields.ts";
import { api, readQuery } from "./http.ts";

export const traceQuery = z.object({ q: text(300) });

/** Whatever somebody looks for, told as a whole story: what `homing trace` prints. */
export const traces = api().get("/", async (c) => c.json(await findTale(c.var.gateway, readQuery(c, traceQuery).q)));
