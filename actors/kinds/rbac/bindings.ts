/** What bindings of both scopes share: whom they bind, to what. Source: pkg/apis/rbac/validation, pkg/apis/rbac/v1/defaults.go. */
import { defineKind } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { namedBy, requiredName } from "../field-rules.ts";
import type { RbacSubject, RoleRef } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Cell, Column, Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain, pathSegment } from "../names.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

export interface Binding extends KubeObject {
  roleRef: RoleRef;
  subjects?: RbacSubject[];
}

function defaultBinding(binding: Binding): void {
  if (binding.roleRef !== undefined) binding.roleRef.apiGroup ||= RBAC_GROUP;
  for (const subject of binding.subjects ?? []) {
    if (!subject.apiGroup && (subject.kind === "User" || subject.kind === "Group")) subject.apiGroup = RBAC_GROUP;
  }
}

function validateRoleRef({ apiGroup, kind, name }: RoleRef, kinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== RBAC_GROUP) errors.push(notSupported("roleRef.apiGroup", apiGroup ?? "", [RBAC_GROUP]));
  if (!kinds.includes(kind)) errors.push(notSupported("roleRef.kind", kind ?? "", kinds));
  return [...errors, ...requiredName(pathSegment, name, "roleRef.name")];
}

function validateSubject(subject: RbacSubject, namespaced: boolean, field: string): FieldError[] {
  const { name, kind, namespace, apiGroup = "" } = subject;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(`${field}.name`));
  switch (kind) {
    case "ServiceAccount":
      errors.push(...namedBy(dnsSubdomain, name, `${field}.name`));
      if (apiGroup !== "") errors.push(notSupported(`${field}.apiGroup`, apiGroup, [""]));
      if (!namespaced && !namespace) errors.push(required(`${field}.namespace`));
      return errors;
    case "User":
    case "Group":
      if (apiGroup !== RBAC_GROUP) errors.push(notSupported(`${field}.apiGroup`, apiGroup, [RBAC_GROUP]));
      return errors;
    default:
      return [...errors, notSupported(`${field}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"])];
  }
}

function validateRoleRefUpdate(next: Binding, current: Binding): FieldError[] {
  if (semanticEqual(next.roleRef, current.roleRef)) return [];
  return [invalid("roleRef", internalForm("RoleRef", next.roleRef), "cannot change roleRef")];
}

const BINDING_COLUMNS: readonly Column[] = [
  NAME_COLUMN,
  column("Role", "What those who are bound may do"),
  AGE_COLUMN,
  wideColumn("Users", "The users that are bound"),
  wideColumn("Groups", "The groups that are bound"),
  wideColumn("ServiceAccounts", "The service accounts that are bound"),
];

function bindingCells(binding: Binding, now_ms: number): readonly Cell[] {
  const named = (kind: string): string =>
    (binding.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace ?? ""}/${name}` : name))
      .join(", ");
  const role = `${binding.roleRef?.kind ?? ""}/${binding.roleRef?.name ?? ""}`;
  return [binding.metadata.name, role, ageOf(binding, now_ms), named("User"), named("Group"), named("ServiceAccount")];
}

/** The facts of bindings of one scope, to roles of these kinds. */
export function bindingKind<T extends Binding>(kind: string, plural: string, namespaced: boolean, roles: readonly string[]): Kind<T> {
  return defineKind<T>({
    group: RBAC_GROUP,
    kind,
    plural,
    namespaced,
    createsOnUpdate: true,
    applyDefaults: defaultBinding,
    updateChecks: ["whole", "whole", "metadata", "changes"],
    nameRule: pathSegment,
    validate: ({ roleRef, subjects = [] }) => [
      ...validateRoleRef(roleRef, roles),
      ...subjects.flatMap((subject, index) => validateSubject(subject, namespaced, `subjects[${index}]`)),
    ],
    validateUpdate: validateRoleRefUpdate,
    columns: BINDING_COLUMNS,
    cells: bindingCells,
  });
}
