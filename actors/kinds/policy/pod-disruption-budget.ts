import { validateConditions } from "../conditions.ts";
import { invalid } from "../field-error.ts";
import { nonNegative, oneOf } from "../field-rules.ts";
import type { PodDisruptionBudget } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { validateAtMostHundred, validateCountOrPercent } from "../machinery/int-or-string.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS, STATUS } from "../verbs.ts";

const POLICIES: readonly string[] = ["AlwaysAllow", "IfHealthyBudget"];
const NOT_APPLICABLE = "N/A";

/** Source: ValidatePodDisruptionBudgetSpec. */
function validate(budget: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = budget.spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = internalForm("PodDisruptionBudgetSpec", budget.spec);
    errors.push(invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const name of ["minAvailable", "maxUnavailable"] as const) {
    const value = budget.spec[name];
    if (value === undefined) continue;
    errors.push(...validateCountOrPercent(value, `spec.${name}`), ...validateAtMostHundred(value, `spec.${name}`));
  }
  return [...errors, ...validateLabelSelector(selector, "spec.selector"), ...oneOf(policy, POLICIES, "spec.unhealthyPodEvictionPolicy")];
}

const COUNTS = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;

export const PodDisruptionBudgetKind: Kind<PodDisruptionBudget> = {
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  singular: "poddisruptionbudget",
  shortNames: ["pdb"],
  categories: [],
  namespaced: true,
  updatesNameRevision: true,
  verbs: ALL_VERBS,
  subresources: [STATUS],
  schema: "io.k8s.api.policy.v1.PodDisruptionBudget",
  tracksGeneration: true,
  prepareForCreate: (budget) => {
    budget.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  prepareForUpdate: (next, current) => {
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  },
  validate,
  updateChecks: ["content"],
  validateStatus: ({ status }) => [
    ...validateConditions(status?.conditions, "status.conditions"),
    ...COUNTS.flatMap((name) => nonNegative(status?.[name], `status.${name}`)),
  ],
  columns: [
    NAME_COLUMN,
    column("Min Available", "How many pods must stay"),
    column("Max Unavailable", "How many pods may go"),
    column("Allowed Disruptions", "How many pods may go now", "integer"),
    AGE_COLUMN,
  ],
  cells: (budget, now_ms) => [
    budget.metadata.name,
    String(budget.spec.minAvailable ?? NOT_APPLICABLE),
    String(budget.spec.maxUnavailable ?? NOT_APPLICABLE),
    budget.status?.disruptionsAllowed ?? 0,
    ageOf(budget, now_ms),
  ],
  selectableFields: {},
};
