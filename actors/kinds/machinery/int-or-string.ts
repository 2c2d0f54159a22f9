import { invalid } from "../field-error.ts";
import { percent } from "../names.ts";
import type { FieldError } from "../status.ts";

/** A count, or a share such as `25%`. */
export type IntOrString = number | string;

/**
 * The count that `value` means of a `total`: itself, or the share, rounded up or down. Undefined when it is a string but no percentage.
 * Source: intstr.GetScaledValueFromIntOrPercent.
 */
export function scaledValue(value: IntOrString, total: number, round: "up" | "down"): number | undefined {
  if (typeof value === "number") return value;
  if (!/^[+-]?\d+%$/.test(value)) return undefined;
  const share = (Number(value.slice(0, -1)) * total) / 100;
  return round === "up" ? Math.ceil(share) : Math.floor(share);
}

/** The number that stands there, of things or of percents; 0 for what is neither. Source: getIntOrPercentValue of the apps group. */
export function plainValue(value: IntOrString): number {
  if (typeof value === "number") return value;
  return /^([+-]?\d+|\d+%)$/.test(value) ? Number.parseInt(value, 10) : 0;
}

/** A count or a percentage that is not negative. Source: ValidatePositiveIntOrPercent of the apps group. */
export function validateCountOrPercent(value: IntOrString, field: string): FieldError[] {
  if (typeof value === "string") return percent(value).map((message) => invalid(field, value, message));
  return value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];
}

/** No more than `100%`. */
export function validateAtMostHundred(value: IntOrString, field: string): FieldError[] {
  if (typeof value !== "string" || percent(value).length > 0) return [];
  return Number(value.slice(0, -1)) > 100 ? [invalid(field, value, "must not be greater than 100%")] : [];
}
