import { z } from "zod";
import { type ignored, type Json, type JsonObject, optionalText, type Reference, type Status } from "#provider";

/** What a word means: the status of a message, or nothing that we tell. */
export type Meaning = Status | ReturnType<typeof ignored>;

export const text = optionalText();

/** Members that are all optional texts. */
export const texts = <Name extends string>(...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, text])) as Record<Name, typeof text>;

/** `undefined` where the body says nothing of it, `null` where it is empty. */
export const given = z
  .unknown()
  .optional()
  .transform((value) => (value === undefined ? undefined : text.parse(value)));

/** Only what was told. */
export const present = (fields: { [field: string]: Json | undefined }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] != null));

/** None is learned: see the README, "How the workspace is found". */
export const reference = (kind: string, value: string | null): Reference[] => (value ? [{ kind, value }] : []);
