/**
 * `x-kubernetes-validations`: rules in CEL that values must obey, by themselves (`self`) or beside what they replace (`oldSelf`). Source: the concept page
 * "Validation rules", and apiextensions-apiserver's pkg/apiserver/schema/cel/validation.go.
 */
import { isDeepStrictEqual } from "node:util";
import { BudgetSpent, CelBudget, CelFailure, type CelProgram, CORRELATING, CostExceeded, celOptional, celProgram } from "../cel/cel.ts";
import { CelChecker, type Checked } from "../cel/check.ts";
import { duplicate, forbidden, invalid, required } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import { missingField } from "./cel-fields.ts";
import { celType } from "./cel-types.ts";
import { celValue } from "./cel-values.ts";
import { findField } from "./field-paths.ts";
import type { StructuralSchema, ValidationRule } from "./structural-schema.ts";
import { fieldPath, isMembers, memberSchema } from "./structural-schema.ts";
import { type Before, itemsBefore, memberBefore } from "./value-validation.ts";

const MESSAGE_BYTES_MAX = 5_120;

interface Rule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | string;
  readonly message: CelProgram | undefined;
  readonly usesOldSelf: boolean;
}

/** Rules that are compiled, by schema: a schema does not change. */
const compiled = new WeakMap<readonly ValidationRule[], readonly Rule[]>();

function programOf(expression: string, optionalOldSelf: boolean): CelProgram | string {
  try {
    return optionalOldSelf ? celProgram(expression, CORRELATING) : celProgram(expression);
  } catch (error) {
    if (error instanceof CelFailure) return error.message;
    throw error;
  }
}

function rulesOf(schema: StructuralSchema): readonly Rule[] {
  const rules = schema["x-kubernetes-validations"];
  if (rules === undefined) return [];
  let ready = compiled.get(rules);
  if (ready === undefined) {
    ready = rules.map((rule) => {
      const optional = rule.optionalOldSelf === true;
      const message = rule.messageExpression ? programOf(rule.messageExpression, optional) : undefined;
      const program = programOf(rule.rule, optional);
      return {
        rule,
        program,
        message: typeof message === "string" ? undefined : message,
        usesOldSelf: typeof program !== "string" && program.mentions("oldSelf"),
      };
    });
    compiled.set(rules, ready);
  }
  return ready;
}

const checkers = new WeakMap<StructuralSchema, Map<string, CelChecker>>();

/** Checkers are made once for all rules of a schema. */
function checkerOf(schema: StructuralSchema, whole: boolean, optionalOldSelf: boolean): CelChecker {
  const known = checkers.get(schema) ?? new Map<string, CelChecker>();
  checkers.set(schema, known);
  const key = `${whole} ${optionalOldSelf}`;
  let checker = known.get(key);
  if (checker === undefined) {
    const self = celType(schema, whole);
    checker = new CelChecker({ self, oldSelf: optionalOldSelf ? { optional: self } : self });
    known.set(key, checker);
  }
  return checker;
}

/** Where a rule stands, and what is to come of it. */
export interface RulePlace {
  /** It is the schema of a whole object. */
  readonly whole: boolean;
  readonly optionalOldSelf: boolean;
}

/** What is wrong with an expression as a rule of this schema, as a compiler says it: its problem, or the type that it has. */
export function checkedRule(
  expression: string,
  schema: StructuralSchema,
  { whole, optionalOldSelf }: RulePlace,
): { readonly problem: string } | Checked {
  const program = programOf(expression, optionalOldSelf);
  const missing = typeof program === "string" ? undefined : missingField(expression, program.tree, schema, whole);
  return missing === undefined ? checkerOf(schema, whole, optionalOldSelf).check(expression) : { problem: missing };
}

/** What of the rules the object breaks. `before` is the object that it replaces. */
export function brokenRules(schema: StructuralSchema, object: unknown, before: Before | undefined): FieldError[] {
  return new RuleWalk().walk(schema, object, "", before, true, true);
}

class RuleWalk {
  readonly #budget = new CelBudget();
  /** No more rules are looked at. */
  #ended = false;

  /** `spares`: what is as it was before need not obey. Inside allOf nothing is spared. */
  walk(
    schema: StructuralSchema | undefined,
    value: unknown,
    path: string,
    before: Before | undefined,
    whole: boolean,
    spares: boolean,
  ): FieldError[] {
    if (schema === undefined || value === null || value === undefined || this.#ended) return [];
    const errors = this.#here(schema, value, path, before, whole, spares);
    for (const part of schema.allOf ?? []) errors.push(...this.walk(part, value, path, before, false, false));
    if (Array.isArray(value)) {
      const known = itemsBefore(schema, before);
      for (const [index, item] of value.entries())
        errors.push(...this.walk(schema.items, item, `${path}[${index}]`, known?.(item), false, spares));
    } else if (isMembers(value)) {
      const atomic = schema["x-kubernetes-map-type"] === "atomic";
      for (const [name, member] of Object.entries(value)) {
        const named = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
        const was = atomic ? undefined : memberBefore(before, name);
        errors.push(
          ...this.walk(memberSchema(schema, name), member, named ? fieldPath(path, name) : `${path}[${name}]`, was, false, spares),
        );
      }
    }
    return errors;
  }

  #here(schema: StructuralSchema, value: unknown, path: string, before: Before | undefined, whole: boolean, spares: boolean): FieldError[] {
    const rules = rulesOf(schema);
    if (rules.length === 0) return [];
    const errors: FieldError[] = [];
    const place = path === "" ? "<nil>" : path;
    const type = schema.type ?? "";
    const self = celValue(schema, value, whole);
    const oldSelf = before === undefined ? undefined : celValue(schema, before.value, whole);
    const unchanged = spares && before !== undefined && isDeepStrictEqual(before.value, value);
    if (this.#budget.left <= 0) {
      this.#ended = true;
      return [invalid(place, type, new BudgetSpent().message)];
    }
    for (const { rule, program, message, usesOldSelf } of rules) {
      if (typeof program === "string") {
        errors.push(invalid(place, type, `rule compile error: ${program}`));
        continue;
      }
      const optional = rule.optionalOldSelf === true;
      // A transition needs something that it comes from.
      if (usesOldSelf && before === undefined && !optional) continue;
      if (unchanged && !usesOldSelf) continue;
      const variables = { self, oldSelf: optional ? celOptional(oldSelf) : oldSelf };
      const broken = refusal(rule, program, message, variables, this.#budget);
      if (broken === undefined) continue;
      if (broken.last) {
        this.#ended = true;
        errors.push(invalid(place, type, broken.words));
        return errors;
      }
      const where = rule.fieldPath ? childPath(path, rule.fieldPath, schema) : place;
      errors.push(broken.failed ? invalid(place, type, broken.words) : errorFor(rule.reason, where, type, broken.words));
    }
    return errors;
  }
}

interface Refusal {
  readonly words: string;
  /** The rule could not be evaluated. */
  readonly failed: boolean;
  /** It cost too much: there are to be no more rules. */
  readonly last: boolean;
}

function refusal(
  rule: ValidationRule,
  program: CelProgram,
  message: CelProgram | undefined,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): Refusal | undefined {
  try {
    if (program.evaluate(variables, budget) === true) return undefined;
  } catch (error) {
    if (!(error instanceof CelFailure)) throw error;
    if (error instanceof BudgetSpent) return { words: error.message, failed: true, last: true };
    const said = (rule.message || rule.rule).trim();
    if (error instanceof CostExceeded) {
      return {
        words: `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${said}`,
        failed: true,
        last: true,
      };
    }
    const words = error.message.startsWith("no such overload")
      ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${said}`
      : `${error.message} evaluating rule: ${said}`;
    return { words, failed: true, last: false };
  }
  return {
    words: spokenMessage(message, variables, budget) ?? (rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`),
    failed: false,
    last: false,
  };
}

/** What the rule's own expression says; undefined when it has none, or says nothing that could be shown. */
function spokenMessage(
  message: CelProgram | undefined,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): string | undefined {
  if (message === undefined) return undefined;
  try {
    const said = message.evaluate(variables, budget);
    if (typeof said !== "string") return undefined;
    const text = said.trim();
    return text === "" || text.includes("\n") || Buffer.byteLength(text) > MESSAGE_BYTES_MAX ? undefined : text;
  } catch (error) {
    if (error instanceof CelFailure) return undefined;
    throw error;
  }
}

/** What is at `.spec.a` or `['b']` below a path. */
function childPath(path: string, below: string, schema: StructuralSchema): string {
  const found = findField(below, schema, true);
  return "wrong" in found ? path : fieldPath(path, found.path);
}

function errorFor(reason: string | undefined, field: string, type: string, words: string): FieldError {
  switch (reason) {
    case "FieldValueRequired":
      return required(field, words);
    case "FieldValueForbidden":
      return forbidden(field, words);
    case "FieldValueDuplicate":
      return duplicate(field, type);
    default:
      return invalid(field, type, words);
  }
}
