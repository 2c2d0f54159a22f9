/** What optional values can beside what the library knows of them. Source: cel-go's cel/library.go, OptionalTypes. */
import { type Environment, Optional } from "@marcbachmann/cel-js";
import { celEqual } from "./lists.ts";

type Maybe = InstanceType<typeof Optional>;

/** The first moment that Go knows, which is what no time is. */
const NO_TIME_MS: number = Date.parse("0001-01-01T00:00:00Z");

function isZero(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "" || value === 0 || value === 0n) return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Date) return value.getTime() === NO_TIME_MS;
  if (value instanceof Map) return value.size === 0;
  if (value.constructor === Object) return Object.keys(value).length === 0;
  return Number(value.valueOf()) === 0;
}

export function addOptionals(env: Environment): void {
  env.registerOperator("optional<dyn> == optional<dyn>", (a: Maybe, b: Maybe) => {
    if (!a.hasValue() || !b.hasValue()) return a.hasValue() === b.hasValue();
    return celEqual(a.value(), b.value());
  });
  env.registerFunction("OptionalNamespace.ofNonZeroValue(A): optional<A>", (_optional: unknown, value: unknown) =>
    isZero(value) ? Optional.none() : Optional.of(value),
  );
}
