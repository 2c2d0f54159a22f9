/** The APIServices of what is built in. Source: kube-apiserver's apiVersionPriorities. */
import type { APIService } from "../../actors/mod.ts";

const ON_START = { "kube-aggregator.kubernetes.io/automanaged": "onstart" };

/** Group, version, and how it is ranked among groups and versions: what kubectl takes when a name is in several of them. */
const SERVED: readonly (readonly [group: string, version: string, groupPriority: number, versionPriority: number])[] = [
  ["", "v1", 18_000, 1],
  ["apps", "v1", 17_800, 15],
  ["events.k8s.io", "v1", 17_750, 15],
  ["authentication.k8s.io", "v1", 17_700, 15],
  ["authorization.k8s.io", "v1", 17_600, 15],
  ["autoscaling", "v1", 17_500, 15],
  ["autoscaling", "v2", 17_500, 30],
  ["batch", "v1", 17_400, 15],
  ["certificates.k8s.io", "v1", 17_300, 15],
  ["networking.k8s.io", "v1", 17_200, 15],
  ["policy", "v1", 17_100, 15],
  ["rbac.authorization.k8s.io", "v1", 17_000, 15],
  ["storage.k8s.io", "v1", 16_800, 15],
  ["apiextensions.k8s.io", "v1", 16_700, 15],
  ["admissionregistration.k8s.io", "v1", 16_700, 15],
  ["scheduling.k8s.io", "v1", 16_600, 15],
  ["coordination.k8s.io", "v1", 16_500, 15],
  ["node.k8s.io", "v1", 16_300, 15],
  ["discovery.k8s.io", "v1", 16_200, 15],
  ["flowcontrol.apiserver.k8s.io", "v1", 16_100, 21],
];

export const LOCAL_API_SERVICES: readonly APIService[] = SERVED.map(([group, version, groupPriorityMinimum, versionPriority]) => ({
  metadata: { name: `${version}.${group}`, labels: ON_START, uid: "", creationTimestamp: "" },
  spec: { ...(group === "" ? {} : { group }), version, groupPriorityMinimum, versionPriority },
}));
