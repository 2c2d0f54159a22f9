/** What a pod has beside itself. Source: the discovery documents of Kubernetes 1.34. */
import type { Subresource } from "../kind.ts";
import { proxyOf, STATUS } from "../verbs.ts";

const PART = ["get", "patch", "update"] as const;

function connection(name: string, kind: string): Subresource {
  return { name, verbs: ["create", "get"], gvk: { group: "", version: "v1", kind }, connects: true };
}

export const POD_SUBRESOURCES: readonly Subresource[] = [
  connection("attach", "PodAttachOptions"),
  { name: "binding", verbs: ["create"], gvk: { group: "", version: "v1", kind: "Binding" } },
  { name: "ephemeralcontainers", verbs: PART },
  { name: "eviction", verbs: ["create"], gvk: { group: "policy", version: "v1", kind: "Eviction" } },
  connection("exec", "PodExecOptions"),
  { name: "log", verbs: ["get"], connects: true },
  connection("portforward", "PodPortForwardOptions"),
  proxyOf("PodProxyOptions"),
  { name: "resize", verbs: PART },
  STATUS,
];
