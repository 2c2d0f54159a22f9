/** Label selectors: the text of `?labelSelector=` and the objects in specs. Source: k8s.io/apimachinery/pkg/labels. */
import { forbidden, invalid, required } from "../field-error.ts";
import type { LabelSelector } from "../generated/types.ts";
import { labelValue, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import type { Requirement, SelectorOperator } from "./label-selector-parser.ts";
import { parseSelectorText, SelectorSyntax } from "./label-selector-parser.ts";

export type Labels = Readonly<Record<string, string>> | undefined;

/** All requirements must hold; none at all select everything. Sorted by key. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  /** Set when nothing can match: the selector of an absent LabelSelector. */
  readonly nothing: boolean;
}

/** The text is not a selector; the message is what the API answers with 400. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

const NOTHING: Selector = { requirements: [], nothing: true };

/** Go's `ParseInt(s, 10, 64)`. */
function wholeNumber(text: string): bigint | undefined {
  return /^[+-]?\d+$/.test(text) ? BigInt(text) : undefined;
}

function holds(requirement: Requirement, labels: Labels): boolean {
  const has = labels !== undefined && Object.hasOwn(labels, requirement.key);
  const value = has ? (labels[requirement.key] ?? "") : "";
  switch (requirement.operator) {
    case "=":
    case "==":
    case "in":
      return has && requirement.values.includes(value);
    case "!=":
    case "notin":
      return !(has && requirement.values.includes(value));
    case "exists":
      return has;
    case "!":
      return !has;
    case ">":
    case "<": {
      const left = has ? wholeNumber(value) : undefined;
      const right = wholeNumber(requirement.values[0] ?? "");
      if (left === undefined || right === undefined) return false;
      return requirement.operator === ">" ? left > right : left < right;
    }
  }
}

export function matchesLabels(selector: Selector, labels: Labels): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) if (!holds(requirement, labels)) return false;
  return true;
}

/** Throws SelectorError in Kubernetes' words. Empty text selects everything. */
export function parseLabelSelector(text: string): Selector {
  try {
    return { requirements: byKey(parseSelectorText(text)), nothing: false };
  } catch (error) {
    throw error instanceof SelectorSyntax ? new SelectorError(error.message) : error;
  }
}

function byKey(requirements: readonly Requirement[]): readonly Requirement[] {
  return [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const OPERATORS: Readonly<Record<string, SelectorOperator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

/** The selector of a LabelSelector object that is valid. Absent selects nothing, empty everything. */
export function selectorOf(selector: LabelSelector | undefined | null): Selector {
  if (selector === undefined || selector === null) return NOTHING;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) requirements.push({ key, operator: "=", values: [value] });
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator: OPERATORS[operator] ?? "in", values: [...new Set(values)].sort() });
  }
  return { requirements: byKey(requirements), nothing: false };
}

/** A selector as text: `app=web,tier in (a,b),!old`. */
export function printSelector(selector: Selector): string {
  return selector.requirements.map(printRequirement).join(",");
}

function printRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.join(",")})`;
    default:
      return `${key}${operator}${values.join(",")}`;
  }
}

/** A LabelSelector object as tables print it. Source: metav1.FormatLabelSelector. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  return printSelector(selectorOf(selector)) || "<none>";
}

export interface SelectorRules {
  /** Pods' own selectors may hold values that are no valid labels. */
  readonly anyValue?: boolean;
}

/** What is wrong with a LabelSelector object. Source: ValidateLabelSelector of apimachinery. */
export function validateLabelSelector(selector: LabelSelector | undefined, field: string, rules: SelectorRules = {}): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const path = `${field}.matchLabels`;
    for (const message of qualifiedName(key)) errors.push(invalid(path, key, message));
    for (const message of labelValue(value)) errors.push(invalid(path, value, message));
  }
  for (const [index, { key, operator, values }] of (selector?.matchExpressions ?? []).entries()) {
    const path = `${field}.matchExpressions[${index}]`;
    const count = values?.length ?? 0;
    if (operator === "In" || operator === "NotIn") {
      if (count === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (count > 0) errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else errors.push(invalid(`${path}.operator`, operator ?? "", "not a valid selector operator"));
    for (const message of qualifiedName(key ?? "")) errors.push(invalid(`${path}.key`, key ?? "", message));
    if (rules.anyValue === true) continue;
    for (const [at, value] of (values ?? []).entries()) {
      for (const message of labelValue(value)) errors.push(invalid(`${path}.values[${at}]`, value, message));
    }
  }
  return errors;
}

/** A selector as the String method prints it that is generated for its Go type; some messages of Kubernetes have it so. */
export function selectorAsGoPrints(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "nil";
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join("")}},}`;
}
