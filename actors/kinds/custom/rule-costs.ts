/**
 * Rules that could keep the server busy are refused when they are defined: by what each can cost at most, and how often what it is about can occur. Source:
 * apiextensions-apiserver's pkg/apis/apiextensions/validation, validation.go and cel_validation.go.
 */
import { forbidden } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import { type Extent, occurrencesOf } from "./extents.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
/** Rules that are named when all are too much together. */
const NAMED_MAX = 4;
/** Cheaper ones are not. */
const NAMED_COST_MIN: number = SCHEMA_COST_MAX / 100;

const FACTOR_SHOWN_MAX = 100;
/** As `1.0x` it would look as if it were within. */
const FACTOR_ROUNDED_MIN = 1.5;

/** What the rules of one schema can cost together. */
export class RuleCosts {
  #total = 0;
  #dearest: { readonly field: string; readonly cost: number }[] = [];

  /** Counts an expression that can cost so much for each time that it runs, `times` times. */
  observe(field: string, cost: number, times: number, what: "rule" | "messageExpression"): FieldError[] {
    const all = cost * times;
    this.#total += all;
    if (all >= NAMED_COST_MIN) {
      this.#dearest.push({ field, cost: all });
      this.#dearest.sort((a, b) => b.cost - a.cost);
      this.#dearest = this.#dearest.slice(0, NAMED_MAX);
    }
    return all > RULE_COST_MAX ? [forbidden(field, words(`estimated ${what} cost`, all / RULE_COST_MAX))] : [];
  }

  /** What is wrong with all of them; `path` is the schema's. */
  together(path: string): FieldError[] {
    if (this.#total <= SCHEMA_COST_MAX) return [];
    const part = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    const whole = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    return [...this.#dearest.map(({ field }) => forbidden(field, part)), forbidden(path, words(whole, this.#total / SCHEMA_COST_MAX))];
  }
}

function words(what: string, factor: number): string {
  const times = factor > FACTOR_SHOWN_MAX ? "more than 100x" : `${factor.toFixed(factor < FACTOR_ROUNDED_MIN ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How often values of the schemas below one can occur in an object; undefined: as often as a request has room. */
export type Cardinality = number | undefined;

export function cardinalityBelow(cardinality: Cardinality, schema: StructuralSchema): Cardinality {
  const most = elementsMax(schema);
  return cardinality === undefined || most === undefined ? undefined : cardinality * most;
}

function elementsMax({ type, additionalProperties, maxItems, maxProperties }: StructuralSchema): Cardinality {
  const limit = type === "array" ? maxItems : type === "object" && additionalProperties !== undefined ? maxProperties : 1;
  return limit === undefined ? undefined : Math.max(0, limit);
}

export function timesOf(cardinality: Cardinality, extent: Extent): number {
  return cardinality ?? occurrencesOf(extent);
}
