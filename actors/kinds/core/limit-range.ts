import { defineKind } from "../define-kind.ts";
import { duplicate, forbidden, invalid, required } from "../field-error.ts";
import type { LimitRange, LimitRangeItem } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { compareQuantities, parseQuantity, quantityMilliValue } from "../machinery/quantity.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";
import { mayOvercommit, validateContainerResourceName, validateResourceName } from "./resource-validation.ts";

/** A container's limit is its maximum if nobody says, and a request what is known of limit or minimum. Source: SetDefaults_LimitRangeItem. */
function applyDefaults(range: LimitRange): void {
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== "Container") continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

const TYPES: readonly string[] = ["Pod", "Container", "PersistentVolumeClaim"];
const BOUNDS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

/** Source: ValidateLimitRange. */
function validate({ spec }: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  for (const [index, item] of (spec?.limits ?? []).entries()) {
    const field = `spec.limits[${index}]`;
    const { type } = item;
    errors.push(...validateType(type, `${field}.type`));
    if (types.has(type)) errors.push(duplicate(`${field}.type`, type));
    types.add(type);
    errors.push(...validateNames(item, field));
    // What is refused of a pod's limits is not looked into.
    const { default: _limits, defaultRequest: _requests, ...rest } = item;
    const looked: LimitRangeItem = type === "Pod" ? rest : item;
    const names = new Set(BOUNDS.flatMap((bound) => Object.keys(looked[bound] ?? {})));
    for (const name of [...names].sort()) errors.push(...validateBounds(looked, name, field));
  }
  return errors;
}

function validateType(type: string | undefined, field: string): FieldError[] {
  const errors = qualifiedName(type ?? "").map((message) => invalid(field, type ?? "", message));
  if (errors.length > 0 || type === undefined || type.includes("/") || TYPES.includes(type)) return errors;
  return [invalid(field, type, "must be a standard limit type or fully qualified")];
}

function validateNames(item: LimitRangeItem, field: string): FieldError[] {
  const rule = item.type === "Pod" || item.type === "Container" ? validateContainerResourceName : validateResourceName;
  const names = (bound: (typeof BOUNDS)[number]): FieldError[] =>
    Object.keys(item[bound] ?? {}).flatMap((name) => rule(name, `${field}.${bound}[${name}]`));
  const errors = [...names("max"), ...names("min")];
  if (item.type === "Pod") {
    for (const bound of ["default", "defaultRequest"] as const) {
      if (Object.keys(item[bound] ?? {}).length > 0)
        errors.push(forbidden(`${field}.${bound}`, "may not be specified when `type` is 'Pod'"));
    }
  } else errors.push(...names("default"), ...names("defaultRequest"));
  if (item.type === "PersistentVolumeClaim" && item.min?.storage === undefined && item.max?.storage === undefined) {
    errors.push(required(`${field}.limits`, "either minimum or maximum storage value is required, but neither was provided"));
  }
  return [...errors, ...names("maxLimitRequestRatio")];
}

/** What one resource's bounds must be to one another. */
function validateBounds(item: LimitRangeItem, name: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const of = (bound: (typeof BOUNDS)[number]): string | undefined => item[bound]?.[name];
  const [max, min, limit, request, ratio] = BOUNDS.map(of);
  const above = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;
  const refuse = (bound: (typeof BOUNDS)[number], value: string | undefined, words: string): void => {
    errors.push(invalid(`${field}.${bound}[${name}]`, value, words));
  };
  if (above(min, max)) refuse("min", min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) refuse("defaultRequest", request, `min value ${min} is greater than default request value ${request}`);
  if (above(request, max)) refuse("defaultRequest", request, `default request value ${request} is greater than max value ${max}`);
  if (above(request, limit)) {
    refuse("defaultRequest", request, `default request value ${request} is greater than default limit value ${limit}`);
  }
  if (above(min, limit)) refuse("default", min, `min value ${min} is greater than default value ${limit}`);
  if (above(limit, max)) refuse("default", max, `default value ${limit} is greater than max value ${max}`);
  if (above("1", ratio)) refuse("maxLimitRequestRatio", ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const widest = quantityMilliValue(parseQuantity(max)) / quantityMilliValue(parseQuantity(min));
    if (quantityMilliValue(parseQuantity(ratio)) / 1_000 > widest) {
      refuse("maxLimitRequestRatio", ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`);
    }
  }
  if (!mayOvercommit(name) && (above(limit, request) || above(request, limit))) {
    refuse("defaultRequest", request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`);
  }
  return errors;
}

export const LimitRangeKind: Kind<LimitRange> = defineKind<LimitRange>({
  group: "",
  kind: "LimitRange",
  plural: "limitranges",
  shortNames: ["limits"],
  namespaced: true,
  createsOnUpdate: true,
  applyDefaults,
  // One that nobody has named. Source: limitrangeStrategy.PrepareForCreate.
  prepareForCreate: (range) => {
    if (!range.metadata.name) Object.assign(range, { metadata: { ...range.metadata, name: range.metadata.uid } });
  },
  updateChecks: ["whole"],
  nameRule: dnsSubdomain,
  validate,
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
