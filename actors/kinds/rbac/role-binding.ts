import { defineKind } from "../define-kind.ts";
import type { RoleBinding } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { pathSegment } from "../names.ts";
import {
  BINDING_COLUMNS,
  bindingCells,
  defaultBinding,
  RBAC_GROUP,
  validateRoleRef,
  validateRoleRefUpdate,
  validateSubject,
} from "./bindings.ts";

export const RoleBindingKind: Kind<RoleBinding> = defineKind<RoleBinding>({
  group: RBAC_GROUP,
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true,
  createsOnUpdate: true,
  applyDefaults: defaultBinding,
  validate: ({ metadata, roleRef, subjects = [] }) => [
    ...validateObjectMeta(metadata, true, pathSegment),
    ...validateRoleRef(roleRef, ["Role", "ClusterRole"]),
    ...subjects.flatMap((subject, index) => validateSubject(subject, true, `subjects[${index}]`)),
  ],
  validateUpdate: validateRoleRefUpdate,
  columns: BINDING_COLUMNS,
  cells: bindingCells,
});
