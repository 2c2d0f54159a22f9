import pino, { type LevelWithSilent } from "pino";
import type { Logger } from "./actor.ts";

export type LogLevel = LevelWithSilent;

export interface LogOptions {
  /** The least severe level that is written; `silent` writes nothing. */
  readonly level: LogLevel;
  /** On every line, for example `{ process: "worker" }`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Where the lines go; default is standard error, which leaves standard output to what the user asked for. */
  readonly destination?: { write(line: string): void };
}

/** A logger that writes one JSON object a line (pino). Written synchronously, so that the last words of a dying process are not lost. */
export function pinoLogger(options: LogOptions): Logger {
  return pino(
    { level: options.level, base: options.fields ?? {}, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** A logger that adds these fields to every line; fields of the line itself win. */
export function withFields(log: Logger, fields: object): Logger {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
