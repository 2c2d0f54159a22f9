/** What strategic merge patch knows of single values: their kinds, their keys, and its words for what does not fit. */
import { goText } from "./go-json.ts";

/** The patch cannot be applied. Kubernetes answers 400 or 422 in the cases it knows, and 500 without a reason in the others. */
export class StrategicPatchError extends Error {
  override readonly name = "StrategicPatchError";
  readonly code: 400 | 422 | 500;
  constructor(code: 400 | 422 | 500, message: string) {
    super(message);
    this.code = code;
  }
}

export type Json = Record<string, unknown>;

export function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How Go names the type of a decoded value. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "object") return "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : "string";
}

export function badType(expected: string, value: unknown): StrategicPatchError {
  return new StrategicPatchError(500, `expected a ${expected}, but received a ${goType(value)}`);
}

/** The value by which an item of a merged list is known. */
export function mergeValue(item: unknown, mergeKey: string): unknown {
  if (!isMap(item)) throw badType("map[string]interface {}", item);
  if (!Object.hasOwn(item, mergeKey)) {
    throw new StrategicPatchError(500, `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return item[mergeKey];
}
