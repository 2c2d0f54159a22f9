/** The roles and bindings that every cluster starts with. Source: what Kubernetes 1.34 makes, by way of `write-default-roles.ts`. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacSubject, Role, RoleBinding } from "../../../actors/kinds/generated/types.ts";
import type { ObjectMeta } from "../../../actors/kinds/object.ts";
import facts from "./default-roles.json" with { type: "json" };

const RBAC = "rbac.authorization.k8s.io";

interface RoleFacts {
  readonly name: string;
  readonly namespace?: string;
  /** The aggregated roles that it is part of. */
  readonly into?: readonly string[];
  /** The label of those that it is made of. */
  readonly from?: readonly string[];
  readonly rules?: readonly PolicyRule[];
}

interface BindingFacts {
  readonly name: string;
  readonly namespace?: string;
  readonly role: readonly string[];
  readonly subjects: readonly RbacSubject[];
}

/** Source: rbac's AutoUpdateAnnotationKey; `false` says that a role is the administrator's own from then on. */
export const AUTO_UPDATE: string = "rbac.authorization.kubernetes.io/autoupdate";

/** New objects at each call: the registry takes over what it is given. */
export interface DefaultRoles {
  readonly clusterRoles: readonly ClusterRole[];
  readonly roles: readonly Role[];
  readonly clusterRoleBindings: readonly ClusterRoleBinding[];
  readonly roleBindings: readonly RoleBinding[];
}

export function defaultRoles(): DefaultRoles {
  const { clusterRoles, roles, clusterRoleBindings, roleBindings } = structuredClone(facts) as unknown as {
    readonly clusterRoles: readonly RoleFacts[];
    readonly roles: readonly RoleFacts[];
    readonly clusterRoleBindings: readonly BindingFacts[];
    readonly roleBindings: readonly BindingFacts[];
  };
  return {
    clusterRoles: clusterRoles.map(clusterRole),
    roles: roles.map((role) => ({ metadata: metadataOf(role), rules: [...(role.rules ?? [])] })),
    clusterRoleBindings: clusterRoleBindings.map(binding),
    roleBindings: roleBindings.map(binding),
  };
}

/** The rules of a default role, for who decides by them without looking them up. */
export function rulesOfDefault(name: string): readonly PolicyRule[] {
  const role = (facts.clusterRoles as unknown as readonly RoleFacts[]).find((one) => one.name === name);
  if (role?.rules === undefined) throw new Error(`there is no default role ${name} with rules`);
  return role.rules;
}

function clusterRole(role: RoleFacts): ClusterRole {
  const { from } = role;
  const metadata = metadataOf(role);
  if (from === undefined) return { metadata, rules: [...(role.rules ?? [])] };
  const clusterRoleSelectors = from.map((name) => ({ matchLabels: { [aggregateTo(name)]: "true" } }));
  return { metadata, aggregationRule: { clusterRoleSelectors } };
}

function binding({ role: [kind = "", name = ""], subjects, ...facts }: BindingFacts): ClusterRoleBinding & RoleBinding {
  const named = subjects.map((subject) => (subject.kind === "ServiceAccount" ? subject : { ...subject, apiGroup: RBAC }));
  return { metadata: metadataOf(facts), roleRef: { apiGroup: RBAC, kind, name }, subjects: named };
}

function metadataOf({ name, namespace, into = [] }: Pick<RoleFacts, "name" | "namespace" | "into">): ObjectMeta {
  const labels: Record<string, string> = { "kubernetes.io/bootstrapping": "rbac-defaults" };
  for (const role of into) labels[aggregateTo(role)] = "true";
  const placed = namespace === undefined ? { name } : { name, namespace };
  return { ...placed, labels, annotations: { [AUTO_UPDATE]: "true" } } as unknown as ObjectMeta;
}

function aggregateTo(role: string): string {
  return `${RBAC}/aggregate-to-${role}`;
}
