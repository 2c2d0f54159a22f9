/** Values that a stage asks an object for: a jq query, or a CEL expression on `self`. Source: kwok's pkg/utils/lifecycle, pkg/utils/cel. */
import { CelFailure, type CelProgram, celEnvironment, celProgram } from "../kinds/cel/cel.ts";
import { celValue } from "../kinds/custom/cel-values.ts";
import { durationMs } from "../kinds/machinery/duration.ts";
import { parseQuantity } from "../kinds/machinery/quantity.ts";
import type { Fields } from "./fields.ts";
import { type Json, query } from "./query/query.ts";

/** What the world says that an expression may ask for beside the object. */
export interface ExpressionWorld {
  now_ms(): number;
  /** A number in [0, 1). */
  chance(): number;
}

/** The first value of an expression for an object; undefined when there is none. */
export type Ask = (object: object) => unknown;

const MS_PER_S = 1_000;
const NANO = 1e9;

/** Reads CEL as kwok has it. */
export type CelReader = (expression: string) => CelProgram;

export function celReader({ now_ms, chance }: ExpressionWorld): CelReader {
  const environment = celEnvironment(false);
  environment.registerFunction("Now(): google.protobuf.Timestamp", () => new Date(now_ms()));
  environment.registerFunction("Rand(): double", () => chance());
  const unixSecond = (at: Date): number => at.getTime() / MS_PER_S;
  const sinceSecond = (object: unknown): number => {
    const created = (object as { metadata?: { creationTimestamp?: string } }).metadata?.creationTimestamp;
    return created === undefined ? 0 : (now_ms() - Date.parse(created)) / MS_PER_S;
  };
  environment.registerFunction("UnixSecond(google.protobuf.Timestamp): double", unixSecond);
  environment.registerFunction("google.protobuf.Timestamp.UnixSecond(): double", unixSecond);
  environment.registerFunction("SinceSecond(dyn): double", sinceSecond);
  environment.registerFunction("map.SinceSecond(): double", sinceSecond);
  // Quantities are numbers here, so that one can reckon with them as in kwok.
  environment.registerFunction("Quantity(string): double", (text: string) => Number(parseQuantity(text).nano) / NANO);
  return (expression) => celProgram(expression, environment);
}

/** Whether an expression holds for an object. What cannot be evaluated for it, a field that it lacks, does not. */
export function celHolds(program: CelProgram): (object: object) => boolean {
  const value = celAsk(program);
  return (object) => value(object) === true;
}

function celAsk(program: CelProgram): Ask {
  return (object) => {
    try {
      return program.evaluate({ self: celValue(undefined, object) });
    } catch (error) {
      if (error instanceof CelFailure) return undefined;
      throw error;
    }
  };
}

/** `expressionFrom`, `jq.expression` or `cel.expression` of an object such as `durationFrom`. */
export function askOf(fields: Fields | undefined, cel: CelReader): Ask | undefined {
  if (fields === undefined) return undefined;
  fields.only("expressionFrom", "jq", "cel");
  const program = fields.object("cel")?.only("expression");
  if (program !== undefined) {
    const read = program.understood("expression", () => cel(program.required("expression")));
    return read === undefined ? undefined : celAsk(read);
  }
  const jq = fields.object("jq")?.only("expression");
  const [holder, name] = jq === undefined ? [fields, "expressionFrom"] : [jq, "expression"];
  const ask = holder.understood(name, () => query(holder.required(name)));
  return ask === undefined ? undefined : (object) => ask(object)?.[0];
}

/** Milliseconds of what was asked for: a point in time is from now on, a text a duration. `otherwise` where nothing is there; undefined where it is empty. */
export function spanAsked(value: unknown, now_ms: number, otherwise: number | undefined): number | undefined {
  if (value === "") return undefined;
  if (value instanceof Date) return value.getTime() - now_ms;
  if (typeof value === "object" && value !== null && "seconds" in value) return celSpan(value);
  if (typeof value !== "string") return otherwise;
  const at = /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? (durationMs(value) ?? otherwise) : at - now_ms;
}

function celSpan(duration: object): number {
  const { seconds, nanos = 0 } = duration as { readonly seconds: bigint | number; readonly nanos?: number };
  return Number(seconds) * MS_PER_S + Number(nanos) / 1e6;
}

/** The whole number that was asked for; undefined where it is a text that is none. */
export function countAsked(value: unknown, otherwise: number): number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return Math.trunc(Number(value));
  if (typeof value !== "string") return otherwise;
  return /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
}

/** Whether one of the values is, as text, one of these. */
export function anyOf(values: readonly Json[], texts: readonly string[]): boolean {
  return values.some((value) => typeof value !== "object" && texts.includes(String(value)));
}
