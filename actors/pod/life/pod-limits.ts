import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { Resources } from "../../node/container-runtime.ts";
import { amountsOf } from "../../scheduler/resource-needs.ts";
import { initContainersOf, isSidecar } from "./pod-containers.ts";

/**
 * What the pod as a whole may take: what its containers may that run at the same time, where each of them is limited, or what is said of the pod itself. Pure.
 * Source: kubelet's ResourceConfigForPod and component-helpers' PodLimits.
 */
export function podLimits(pod: Pod): Resources {
  const cpu = limitOf(pod, "cpu");
  const memory = limitOf(pod, "memory");
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

function limitOf(pod: Pod, resource: "cpu" | "memory"): number | undefined {
  const overhead = amountsOf(pod.spec.overhead)[resource] ?? 0;
  const ofPod = amountsOf(pod.spec.resources?.limits)[resource];
  if (ofPod !== undefined) return ofPod + overhead;
  const of = ({ resources }: Container): number => amountsOf(resources?.limits)[resource] ?? 0;
  const inits = initContainersOf(pod);
  if ([...pod.spec.containers, ...inits].some((container) => of(container) === 0)) return undefined;
  let sidecars = 0;
  let starting = 0;
  for (const container of inits) {
    starting = Math.max(starting, sidecars + of(container));
    if (isSidecar(container)) sidecars += of(container);
  }
  const main = pod.spec.containers.reduce((sum, container) => sum + of(container), 0);
  return Math.max(starting, sidecars + main) + overhead;
}
