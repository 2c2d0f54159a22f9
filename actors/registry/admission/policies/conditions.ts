/** Match conditions: expressions that decide whether a webhook or a policy is asked at all. Source: apiserver's plugin/webhook/matchconditions/matcher.go. */
import { CelBudget, CelFailure } from "../../../kinds/cel/cel.ts";
import { forbidden } from "../../../kinds/errors.ts";
import type { MatchCondition } from "../../../kinds/generated/types.ts";
import type { Kind } from "../../../kinds/kind.ts";
import { type AdmissionRequest, refusedName } from "../admission.ts";
import { type Expressions, evaluated, type Seen, seenBy } from "./expressions.ts";

/** What the conditions of one webhook or policy may cost together. Source: RuntimeCELCostBudgetMatchConditions in apiserver's pkg/apis/cel/config.go. */
const CONDITIONS_COST_MAX = 2_500_000;

export interface Conditions {
  readonly conditions: readonly MatchCondition[];
  readonly ignoresFailures: boolean;
}

export function conditionsOf(conditions: readonly MatchCondition[] | undefined, failurePolicy: string | undefined): Conditions {
  return { conditions: conditions ?? [], ignoresFailures: failurePolicy === "Ignore" };
}

/** `true`, `false`, or the words of those that could not be evaluated while none was false. */
export async function outcomeOf(
  { conditions }: Conditions,
  expressions: Expressions,
  seen: Seen,
  more: Readonly<Record<string, unknown>>,
): Promise<boolean | string> {
  const budget = new CelBudget(CONDITIONS_COST_MAX);
  const failures: string[] = [];
  for (const { expression } of conditions) {
    try {
      if ((await evaluated(expression, expressions, seen, more, budget)) === false) return false;
    } catch (error) {
      if (!(error instanceof CelFailure)) throw error;
      failures.push(error.message);
    }
  }
  if (failures.length === 0) return true;
  return failures.length === 1 ? (failures[0] ?? "") : `[${failures.join(", ")}]`;
}

/** For webhooks: a condition that could not be evaluated refuses the request, or passes the webhook by, as its policy says. */
export async function holdsAll(conditions: Conditions, request: AdmissionRequest, kind: Kind, expressions: Expressions): Promise<boolean> {
  if (conditions.conditions.length === 0) return true;
  const outcome = await outcomeOf(conditions, expressions, seenBy(request, kind, undefined, expressions), {});
  if (typeof outcome === "boolean") return outcome;
  if (conditions.ignoresFailures) return false;
  throw forbidden(request.requested, refusedName(request), outcome);
}
