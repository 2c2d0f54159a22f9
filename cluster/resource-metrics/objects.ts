/** What a cluster has in its API for `metrics.k8s.io`. Source: metrics-server's manifests, but for its own deployment. */
import type { APIService, ClusterRole } from "../../actors/kinds/generated/types.ts";
import { METRICS_GROUP, METRICS_VERSION } from "./kinds.ts";

/** Filled in by the registry. */
const NEW = { uid: "", creationTimestamp: "" };
const AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-";

/** Without a service: whoever installs a metrics-server names one here, and serves the group from then on. */
export const METRICS_API_SERVICE: APIService = {
  metadata: {
    name: `${METRICS_VERSION}.${METRICS_GROUP}`,
    labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" },
    ...NEW,
  },
  spec: { group: METRICS_GROUP, version: METRICS_VERSION, groupPriorityMinimum: 100, versionPriority: 100 },
};

/** Who may view, edit or administrate may see what is used. */
export const METRICS_READER: ClusterRole = {
  metadata: {
    name: "system:aggregated-metrics-reader",
    labels: { [`${AGGREGATE}admin`]: "true", [`${AGGREGATE}edit`]: "true", [`${AGGREGATE}view`]: "true" },
    ...NEW,
  },
  rules: [{ apiGroups: [METRICS_GROUP], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }],
};
