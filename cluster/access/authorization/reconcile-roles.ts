/**
 * Defaults are made again at every start: what is missing of them comes back, and what an administrator added stays. Whoever wants less of a default says so
 * by its annotation. Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation and component-helpers' rbac/reconciliation.
 */
import type { AggregationRule, PolicyRule, RbacSubject, RoleRef } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import { semanticEqual } from "../../../actors/kinds/machinery/equal.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { ClusterRoleKind } from "../../../actors/kinds/rbac/cluster-role.ts";
import { ClusterRoleBindingKind } from "../../../actors/kinds/rbac/cluster-role-binding.ts";
import { RoleKind } from "../../../actors/kinds/rbac/role.ts";
import { RoleBindingKind } from "../../../actors/kinds/rbac/role-binding.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import type { View } from "../../../actors/store/view.ts";
import { AUTO_UPDATE, defaultRoles } from "./default-roles.ts";
import { notCovered } from "./escalation.ts";

/** Who owns the fields of defaults, as in Kubernetes. */
const MANAGER = { fieldManager: "kube-apiserver" };

type Roleish = KubeObject & { rules?: PolicyRule[]; aggregationRule?: AggregationRule };
type Bindingish = KubeObject & { roleRef: RoleRef; subjects?: RbacSubject[] };

/** What a role that is there has to become; undefined: it may stay as it is. */
export function reconciledRole<T extends Roleish>(current: T, wanted: T): T | undefined {
  if (isTheirs(current)) return undefined;
  const next = withMetadata(current, wanted);
  const missing = notCovered(current.rules ?? [], wanted.rules ?? []);
  if (missing.length > 0) next.rules = [...(current.rules ?? []), ...missing];
  const selectors = current.aggregationRule?.clusterRoleSelectors ?? [];
  const more = (wanted.aggregationRule?.clusterRoleSelectors ?? []).filter((one) => !selectors.some((held) => semanticEqual(held, one)));
  if (more.length > 0) next.aggregationRule = { clusterRoleSelectors: [...selectors, ...more] };
  return semanticEqual(next, current) ? undefined : next;
}

/** The same for a binding; `replace` when it binds to another role, which cannot be changed. */
export function reconciledBinding<T extends Bindingish>(current: T, wanted: T): T | "replace" | undefined {
  if (isTheirs(current)) return undefined;
  if (!semanticEqual(current.roleRef, wanted.roleRef)) return "replace";
  const next = withMetadata(current, wanted);
  const held = current.subjects ?? [];
  const more = (wanted.subjects ?? []).filter((one) => !held.some((subject) => semanticEqual(subject, one)));
  if (more.length > 0) next.subjects = [...held, ...more];
  return semanticEqual(next, current) ? undefined : next;
}

function isTheirs({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[AUTO_UPDATE] === "false";
}

function withMetadata<T extends KubeObject>(current: T, { metadata }: T): T {
  return {
    ...current,
    metadata: {
      ...current.metadata,
      labels: { ...metadata.labels, ...current.metadata.labels },
      annotations: { ...metadata.annotations, ...current.metadata.annotations },
    },
  };
}

/** Makes sure of all defaults. Namespaces they are in must exist. */
export async function ensureDefaultRoles(registry: Registry, view: View): Promise<void> {
  const { clusterRoles, roles, clusterRoleBindings, roleBindings } = defaultRoles();
  const ensure = async <T extends KubeObject>(
    kind: Kind<T>,
    wanted: T,
    decide: (current: T, wanted: T) => T | "replace" | undefined,
  ): Promise<void> => {
    const { namespace, name } = wanted.metadata;
    const current = view.get<T>(keyFor(kind as unknown as Kind, namespace, name));
    const next = current === undefined ? wanted : decide(current, wanted);
    if (next === undefined) return;
    if (current === undefined) await registry.create(kind, structuredClone(wanted), MANAGER).catch(unlessThere);
    else if (next !== "replace") await registry.update(kind, next, MANAGER);
    else {
      await registry.delete(kind as unknown as Kind, namespace, name, { preconditions: { uid: current.metadata.uid } });
      await registry.create(kind, structuredClone(wanted), MANAGER).catch(unlessThere);
    }
  };
  await Promise.all([
    ...clusterRoles.map((role) => ensure(ClusterRoleKind, role, reconciledRole)),
    ...roles.map((role) => ensure(RoleKind, role, reconciledRole)),
    ...clusterRoleBindings.map((binding) => ensure(ClusterRoleBindingKind, binding, reconciledBinding)),
    ...roleBindings.map((binding) => ensure(RoleBindingKind, binding, reconciledBinding)),
  ]);
}

function unlessThere(error: unknown): void {
  if (!(error instanceof StatusError) || error.status.reason !== "AlreadyExists") throw error;
}
