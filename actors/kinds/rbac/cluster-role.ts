import { defineKind } from "../define-kind.ts";
import { required } from "../field-error.ts";
import type { AggregationRule, ClusterRole } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";
import { validateRule } from "./rules.ts";

function validateAggregation(rule: AggregationRule | undefined): FieldError[] {
  if (rule === undefined) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return [required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return selectors.flatMap((selector, index) => validateLabelSelector(selector, `${field}[${index}]`));
}

export const ClusterRoleKind: Kind<ClusterRole> = defineKind<ClusterRole>({
  group: "rbac.authorization.k8s.io",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  createsOnUpdate: true,
  updateChecks: ["whole", "whole", "metadata"],
  nameRule: pathSegment,
  validate: ({ rules, aggregationRule }) => [
    ...(rules ?? []).flatMap((rule, index) => validateRule(rule, false, `rules[${index}]`)),
    ...validateAggregation(aggregationRule),
  ],
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
