import type { ClusterRole, PolicyRule } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { matchesLabels, selectorOf } from "../../kinds/machinery/label-selector.ts";
import { ClusterRoleKind } from "../../kinds/rbac/cluster-role.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, modify } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";

const CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io";

/**
 * Cluster roles that are made of others hold the rules of all whose labels they select. Source: pkg/controller/clusterroleaggregation and
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
 */
export const clusterRoleAggregationController: Controller = {
  name: "cluster-role-aggregation",
  component: "clusterrole-aggregation-controller",
  fieldManager: "clusterrole-aggregation-controller",
  kind: anyKind(ClusterRoleKind),
  watches: [{ resource: CLUSTER_ROLES, keys: aggregated }],
  reconcile,
};

/** Any role may be part of any that is made of others, of which there are few. */
function aggregated(_change: Change, view: View): readonly string[] {
  return view
    .list(CLUSTER_ROLES)
    .filter((entry) => view.decode<ClusterRole>(entry).aggregationRule !== undefined)
    .map(({ key }) => key);
}

function reconcile(view: View, key: string): readonly Action[] {
  const role = view.get<ClusterRole>(key);
  const selectors = role?.aggregationRule?.clusterRoleSelectors?.map((selector) => selectorOf(selector));
  if (role === undefined || selectors === undefined) return NOTHING;
  const others = view
    .list(CLUSTER_ROLES)
    .filter((entry) => entry.key !== key)
    .map((entry) => view.decode<ClusterRole>(entry));
  const rules: PolicyRule[] = [];
  for (const selector of selectors) {
    for (const { metadata, rules: more } of others) {
      if (!matchesLabels(selector, metadata.labels)) continue;
      for (const rule of more ?? []) if (!rules.some((known) => semanticEqual(known, rule))) rules.push(rule);
    }
  }
  if (semanticEqual(role.rules, rules)) return NOTHING;
  return [modify(ClusterRoleKind, role, (current) => ({ ...current, rules }))];
}
