import { defineKind } from "../define-kind.ts";
import type { Role } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { pathSegment } from "../names.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";
import { validateRule } from "./rules.ts";

export const RoleKind: Kind<Role> = defineKind<Role>({
  group: "rbac.authorization.k8s.io",
  kind: "Role",
  plural: "roles",
  namespaced: true,
  createsOnUpdate: true,
  updateChecks: ["whole", "whole", "metadata"],
  nameRule: pathSegment,
  validate: ({ rules = [] }) => rules.flatMap((rule, index) => validateRule(rule, true, `rules[${index}]`)),
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
