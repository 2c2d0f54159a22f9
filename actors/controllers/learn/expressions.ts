import { CelBudget, CelFailure, type CelProgram, celProgram } from "../../kinds/cel/cel.ts";
import { celValue } from "../../kinds/custom/cel-values.ts";
import { type Kind, resourceOf } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { managedFieldsOf } from "../../kinds/text.ts";
import type { Entry, View } from "../../store/view.ts";
import { ATTEMPT_LABEL, type Attempt, type AttemptStatus, type Check, type CheckStatus } from "./learn-objects.ts";

/** What expressions of a challenge are told: the objects of the attempt's namespace by the plural of their kind, and those outside that are labelled as the attempt's. */
export interface World {
  readonly view: View;
  readonly kinds: readonly Kind[];
  readonly attempt: Attempt;
  readonly status: AttemptStatus;
}

/** What came of an expression. */
export interface Outcome {
  readonly holds: boolean;
  /** Why nobody can say. */
  readonly message?: string;
}

/** Expressions that were read; there are as many as challenges have. */
const programs = new Map<string, CelProgram | string>();

/** Whether an expression holds now. One that cannot be evaluated, for lack of a field, does not hold. */
export function holds(expression: string, world: World): Outcome {
  const program = programOf(expression);
  if (typeof program === "string") return { holds: false, message: program };
  try {
    const value = program.evaluate(variablesOf(program, expression, world), new CelBudget());
    return typeof value === "boolean" ? { holds: value } : { holds: false, message: "the expression is not true or false" };
  } catch (error) {
    if (!(error instanceof CelFailure)) throw error;
    return { holds: false, message: error.message };
  }
}

function programOf(expression: string): CelProgram | string {
  const known = programs.get(expression);
  if (known !== undefined) return known;
  let program: CelProgram | string;
  try {
    program = celProgram(expression);
  } catch (error) {
    if (!(error instanceof CelFailure)) throw error;
    program = `the expression cannot be read: ${error.message}`;
  }
  programs.set(expression, program);
  return program;
}

/** Of all that there is, what the expression mentions. */
function variablesOf({ mentions }: CelProgram, expression: string, { view, kinds, attempt, status }: World): Record<string, unknown> {
  const variables: Record<string, unknown> = {
    // `namespace` is a reserved word of CEL.
    ns: status.namespace,
    user: attempt.spec.user,
    setup: status.setup ?? {},
    recorded: status.recorded ?? {},
  };
  for (const kind of kinds) {
    if (variables[kind.plural] !== undefined || !mentions(kind.plural)) continue;
    const entries = entriesOf(view, kind, status.namespace, attempt.metadata.name);
    const decode = expression.includes("managedFields") ? withManagers : (entry: Entry) => view.decode(entry);
    variables[kind.plural] = entries.map((entry) => decode(entry, view));
  }
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, celValue(undefined, value)]));
}

/** The objects of a kind that are an attempt's. */
export function entriesOf(view: View, kind: Kind, namespace: string, attempt: string): readonly Entry[] {
  if (kind.namespaced) return view.list(resourceOf(kind), namespace);
  return view.list(resourceOf(kind)).filter((entry) => view.decode(entry).metadata.labels?.[ATTEMPT_LABEL] === attempt);
}

/** An object with who wrote its fields, and when: what the house itself has no use for. */
function withManagers(entry: Entry, view: View): KubeObject & object {
  const object = view.decode(entry);
  const managedFields = JSON.parse(managedFieldsOf(entry) ?? "[]") as object[];
  return { ...object, metadata: { ...object.metadata, managedFields } as KubeObject["metadata"] };
}

/** How the checks stand now, given how they stood. */
export function evaluated(checks: readonly Check[], world: World, now: string): readonly CheckStatus[] {
  const before = new Map(world.status.checks?.map((check) => [check.name, check]));
  const held = new Set(world.status.checks?.filter(({ heldAt }) => heldAt !== undefined).map(({ name }) => name));
  return checks.map(({ name, says, expression, once = false, after = [] }): CheckStatus => {
    const last = before.get(name);
    if (once && last?.heldAt !== undefined) return last;
    if (!after.every((other) => held.has(other))) return { name, says, holds: false, message: `not before ${after.join(", ")}` };
    const { holds: good, message } = holds(expression, world);
    return { name, says, holds: good, ...(good && once ? { heldAt: now } : {}), ...(message === undefined ? {} : { message }) };
  });
}
