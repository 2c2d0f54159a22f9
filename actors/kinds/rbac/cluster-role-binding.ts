import { defineKind } from "../define-kind.ts";
import type { ClusterRoleBinding } from "../generated/types.ts";
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

export const ClusterRoleBindingKind: Kind<ClusterRoleBinding> = defineKind<ClusterRoleBinding>({
  group: RBAC_GROUP,
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  createsOnUpdate: true,
  applyDefaults: defaultBinding,
  validate: ({ metadata, roleRef, subjects = [] }) => [
    ...validateObjectMeta(metadata, false, pathSegment),
    ...validateRoleRef(roleRef, ["ClusterRole"]),
    ...subjects.flatMap((subject, index) => validateSubject(subject, false, `subjects[${index}]`)),
  ],
  validateUpdate: validateRoleRefUpdate,
  columns: BINDING_COLUMNS,
  cells: bindingCells,
});
