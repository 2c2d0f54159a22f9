import { NamespaceKind } from "../../kinds/core/namespace.ts";
import type { Kind } from "../../kinds/kind.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { ClusterRoleKind } from "../../kinds/rbac/cluster-role.ts";
import { ClusterRoleBindingKind } from "../../kinds/rbac/cluster-role-binding.ts";
import { RoleBindingKind } from "../../kinds/rbac/role-binding.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, newMeta } from "../actions.ts";
import type { Write } from "../controller.ts";
import { ATTEMPT_LABEL, type Attempt } from "./learn-objects.ts";
import { ownerOf, type Planned, refuseOthers } from "./setup.ts";

const RBAC = "rbac.authorization.k8s.io";
const VERBS = ["get", "list", "watch", "update", "patch", "delete"];

/** The namespace of an attempt, in which the learner is its admin. All of it goes with the attempt. */
export function namespaceWrites(view: View, attempt: Attempt, namespace: string): readonly Write[] {
  const { user } = attempt.spec;
  const labels = { [ATTEMPT_LABEL]: attempt.metadata.name };
  return [
    ...missing(view, attempt, anyKind(NamespaceKind), {
      metadata: newMeta({ name: namespace, labels, ownerReferences: [ownerOf(attempt)] }),
    }),
    ...missing(view, attempt, anyKind(RoleBindingKind), {
      metadata: newMeta({ name: "learner", namespace, labels }),
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "admin" },
      subjects: [subjectOf(user)],
    }),
  ];
}

/** That the learner may do with what setup made outside of the namespace as he likes, and with nothing else there. */
export function outsideWrites(view: View, attempt: Attempt, namespace: string, plan: readonly Planned[]): readonly Write[] {
  const outside = Map.groupBy(
    plan.filter(({ kind }) => !kind.namespaced),
    ({ kind }) => kind,
  );
  if (outside.size === 0) return [];
  const metadata = newMeta({ name: namespace, labels: { [ATTEMPT_LABEL]: attempt.metadata.name }, ownerReferences: [ownerOf(attempt)] });
  const rules = [...outside].map(([{ group, plural }, objects]) => ({
    apiGroups: [group],
    resources: [plural],
    resourceNames: [...new Set(objects.map(({ object }) => object.metadata.name))],
    verbs: VERBS,
  }));
  return [
    ...missing(view, attempt, anyKind(ClusterRoleKind), { metadata, rules }),
    ...missing(view, attempt, anyKind(ClusterRoleBindingKind), {
      metadata,
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: namespace },
      subjects: [subjectOf(attempt.spec.user)],
    }),
  ];
}

function subjectOf(user: string): object {
  return { apiGroup: RBAC, kind: "User", name: user };
}

/** What is not there yet. Whoever chooses the name of an attempt chooses these names, too: what has one of them and is not the attempt's is left alone, and given to nobody. */
function missing(view: View, attempt: Attempt, kind: Kind, object: KubeObject & Record<string, unknown>): readonly Write[] {
  const { namespace, name } = object.metadata;
  const there = view.get(keyFor(kind, namespace, name));
  if (there === undefined) return [create(kind, structuredClone(object))];
  if (!kind.namespaced) refuseOthers(attempt, kind, there);
  return [];
}
