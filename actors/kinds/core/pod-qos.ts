import type { Pod } from "../generated/types.ts";

const COUNTED = ["cpu", "memory"] as const;

function isZero(quantity: string | undefined): boolean {
  return quantity === undefined || /^[+-]?0*(\.0*)?[a-zA-Z]*$/.test(quantity);
}

/**
 * The quality of service class of a pod: `Guaranteed` when every container limits cpu and memory and requests just that, `BestEffort` when
 * none asks for anything. Source: qos.ComputePodQOS; https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClassOf(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const own = pod.spec.resources;
  const all =
    own === undefined
      ? [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].map((container) => container.resources ?? {})
      : [own];
  let guaranteed = true;
  let any = false;
  for (const { requests, limits } of all) {
    for (const name of COUNTED) {
      const request = requests?.[name];
      const limit = limits?.[name];
      if (!isZero(request) || !isZero(limit)) any = true;
      // Both are canonical, so equal quantities are equal texts.
      if (isZero(limit) || (request !== undefined && request !== limit)) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
