import { type Logger as PinoLogger, pino, stdSerializers } from "pino";
import { sqlState } from "./db/client.ts";

export type Logger = Pick<PinoLogger, "info" | "warn" | "error" | "debug">;

/** JSON lines on standard output. Nothing that a provider sent is logged: it stands in the trace. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } };
  return destination ? pino(options, destination) : pino(options);
}

/** A database's message and detail quote the row that it refused, so that only its state and place are logged. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const state = sqlState(error);
  if (!state) return stdSerializers.err(error);
  const { constraint, constraint_name, table, table_name, routine } = error as unknown as Record<string, unknown>;
  const frames = error.stack?.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return {
    type: "DatabaseError",
    sqlstate: state,
    constraint: constraint ?? constraint_name,
    table: table ?? table_name,
    routine,
    stack: frames?.join("\n"),
  };
}

/** For tests and one-off commands. */
export const silent: Logger = pino({ level: "silent" });
