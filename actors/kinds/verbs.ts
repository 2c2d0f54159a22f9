/** The verbs and subresources that many kinds share. Source: the discovery documents of Kubernetes 1.34. */
import type { Subresource, Verb } from "./kind.ts";

export const ALL_VERBS: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export const STATUS: Subresource = { name: "status", verbs: ["get", "patch", "update"] };

/** What leads to the ports of pods, services and nodes. `kind` describes its options. */
export function proxyOf(kind: string): Subresource {
  return { name: "proxy", verbs: ["create", "delete", "get", "patch", "update"], gvk: { group: "", version: "v1", kind }, connects: true };
}

export const SCALE: Subresource = {
  name: "scale",
  verbs: ["get", "patch", "update"],
  gvk: { group: "autoscaling", version: "v1", kind: "Scale" },
};
