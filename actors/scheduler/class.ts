import type { ClassHandle, Inventory, Needs, Usage } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { hostPortsOf, pinOf, readPod } from "./facts.ts";
import { podNonzeroRequests, podRequests } from "./resource-needs.ts";

/** What the scheduler made of a pod that waits for a node. */
export interface ClassedPod {
  readonly handle: ClassHandle;
  /** The only node that it may run on; undefined: any. */
  readonly pin: string | undefined;
}

/** Finds the class of a pod. Pods of one template always fall into one class, since only what a plugin reads is in the key. */
export function classify(inventory: Inventory, pod: Pod): ClassedPod {
  const { spec } = pod;
  const pin = pinOf(pod);
  const images = spec.containers.map(({ image }) => image);
  const startImages = spec.initContainers?.map(({ image }) => image);
  const nodeAffinity = spec.affinity?.nodeAffinity;
  const required = pin === undefined ? nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution : "pinned";
  const preferred = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  const staticKey = JSON.stringify([spec.nodeSelector, required, preferred, spec.tolerations, images, startImages]);
  const needs = needsOf(pod);
  const handle = inventory.classOf({
    staticKey,
    facts: () => readPod(pod, pin !== undefined),
    usageKey: JSON.stringify(needs),
    needs: () => needs,
    priority: spec.priority ?? 0,
  });
  return { handle, pin };
}

/** What a pod that is on a node takes from it. */
export function usageOfPod(inventory: Inventory, pod: Pod): Usage {
  const needs = needsOf(pod);
  return inventory.usageOf(JSON.stringify(needs), () => needs);
}

function needsOf(pod: Pod): Needs {
  return { requests: podRequests(pod), nonzero: podNonzeroRequests(pod), ports: hostPortsOf(pod) };
}
