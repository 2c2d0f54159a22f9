import type { PolicyRule, RbacSubject, RoleRef } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { Change, Subscription, View } from "../../../actors/store/view.ts";
import { RoleIndex } from "./role-index.ts";

const GROUP = ".rbac.authorization.k8s.io";

/** An index of the roles and bindings that a view shows, kept up to date until it is cancelled. */
export function followRoles(view: View): RoleIndex & Subscription {
  const index = new RoleIndex();
  const role = ({ now, before }: Change): void => {
    const key = (now ?? before)?.key;
    if (key === undefined) return;
    const rules = now === undefined ? undefined : (view.decode<KubeObject & { rules?: PolicyRule[] }>(now).rules ?? []);
    index.setRole(key.replace(GROUP, ""), rules);
  };
  const binding = ({ now, before }: Change): void => {
    if (now === undefined) {
      if (before !== undefined) index.removeBinding(before.key);
      return;
    }
    const { metadata, roleRef, subjects = [] } = view.decode<KubeObject & { roleRef: RoleRef; subjects?: RbacSubject[] }>(now);
    index.setBinding(now.key, metadata.name, metadata.namespace ?? "", roleRef, subjects);
  };
  const watches = [
    watched(view, `clusterroles${GROUP}`, role),
    watched(view, `roles${GROUP}`, role),
    watched(view, `clusterrolebindings${GROUP}`, binding),
    watched(view, `rolebindings${GROUP}`, binding),
  ];
  return Object.assign(index, {
    cancel: (): void => {
      for (const watch of watches) watch.cancel();
    },
  });
}

/** What there is, then what comes. No change falls between: reads of a view are synchronous. */
function watched(view: View, resource: string, apply: (change: Change) => void): Subscription {
  for (const now of view.list(resource)) apply({ resource, revision: now.revision, now, before: undefined });
  return view.watch(resource, view.revision, apply);
}
