import type { IconName } from "../icons.ts";

/** Kinds that are looked at together; the navigation has one line for them. */
export interface Section {
  readonly title: string;
  readonly icon: IconName;
  /** After `g`. */
  readonly key: string;
  /** The first is the one that the navigation leads to. */
  readonly kinds: readonly { readonly id: string; readonly title: string }[];
}

export const SECTIONS: readonly Section[] = [
  {
    title: "Workloads",
    icon: "workloads",
    key: "w",
    kinds: [
      { id: "deployments.apps", title: "Deployments" },
      { id: "statefulsets.apps", title: "StatefulSets" },
      { id: "daemonsets.apps", title: "DaemonSets" },
      { id: "jobs.batch", title: "Jobs" },
      { id: "cronjobs.batch", title: "CronJobs" },
      { id: "replicasets.apps", title: "ReplicaSets" },
    ],
  },
  { title: "Pods", icon: "pods", key: "o", kinds: [{ id: "pods", title: "Pods" }] },
  {
    title: "Network",
    icon: "network",
    key: "s",
    kinds: [
      { id: "services", title: "Services" },
      { id: "ingresses.networking.k8s.io", title: "Ingresses" },
      { id: "endpointslices.discovery.k8s.io", title: "EndpointSlices" },
      { id: "networkpolicies.networking.k8s.io", title: "NetworkPolicies" },
    ],
  },
  {
    title: "Configuration",
    icon: "config",
    key: "c",
    kinds: [
      { id: "configmaps", title: "ConfigMaps" },
      { id: "secrets", title: "Secrets" },
      { id: "serviceaccounts", title: "ServiceAccounts" },
    ],
  },
  {
    title: "Storage",
    icon: "storage",
    key: "v",
    kinds: [
      { id: "persistentvolumeclaims", title: "Claims" },
      { id: "persistentvolumes", title: "Volumes" },
      { id: "storageclasses.storage.k8s.io", title: "Classes" },
    ],
  },
  {
    title: "Namespaces",
    icon: "namespaces",
    key: "b",
    kinds: [
      { id: "namespaces", title: "Namespaces" },
      { id: "resourcequotas", title: "Quotas" },
      { id: "limitranges", title: "Limits" },
    ],
  },
];

/** Several of a kind, as a title; undefined for kinds of no section. */
export function titleOf(id: string): string | undefined {
  return sectionOf(id)?.kinds.find((kind) => kind.id === id)?.title;
}

/** The section of a kind; undefined for those that only the list of all kinds has. */
export function sectionOf(id: string): Section | undefined {
  return SECTIONS.find(({ kinds }) => kinds.some((kind) => kind.id === id));
}
