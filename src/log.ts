import { type Logger as PinoLogger, pino } from "pino";

export type Logger = Pick<PinoLogger, "info" | "warn" | "error" | "debug">;

/** JSON lines on standard output. Nothing that a provider sent is logged: it stands in the trace. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

/** For tests and one-off commands. */
export const silent: Logger = pino({ level: "silent" });
