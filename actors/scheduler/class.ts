import type { ClassHandle, Inventory, Needs, Peer, Usage, VolumeFacts } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { disksOf, hostPortsOf, pinOf, readPod } from "./facts.ts";
import { peerKeyOf, readPeer } from "./peer-facts.ts";
import { podNonzeroRequests, podRequests } from "./resource-needs.ts";

/** What the scheduler made of a pod that waits for a node. */
export interface ClassedPod {
  readonly handle: ClassHandle;
  readonly peer: Peer;
  /** The only node that it may run on; undefined: any. */
  readonly pin: string | undefined;
}

/** Finds the class of a pod. Pods of one template always fall into one class, since only what a plugin reads is in the key. */
export function classify(inventory: Inventory, pod: Pod, volumes?: VolumeFacts): ClassedPod {
  const { spec } = pod;
  // Spreading counts only the nodes that required affinity lets it have, so there the pin must stay what it is: affinity.
  const pin = spec.topologySpreadConstraints === undefined ? pinOf(pod) : undefined;
  const images = spec.containers.map(({ image }) => image);
  const startImages = spec.initContainers?.map(({ image }) => image);
  const nodeAffinity = spec.affinity?.nodeAffinity;
  const required = pin === undefined ? nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution : "pinned";
  const preferred = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  const staticKey = JSON.stringify([spec.nodeSelector, required, preferred, spec.tolerations, images, startImages, volumes]);
  const needs = needsOf(pod);
  const handle = inventory.classOf({
    staticKey,
    facts: () => readPod(pod, pin !== undefined, volumes),
    usageKey: JSON.stringify(needs),
    needs: () => needs,
    priority: spec.priority ?? 0,
  });
  return { handle, peer: peerOfPod(inventory, pod), pin };
}

/** What a pod that is on a node takes from it. */
export function usageOfPod(inventory: Inventory, pod: Pod): Usage {
  const needs = needsOf(pod);
  return inventory.usageOf(JSON.stringify(needs), () => needs);
}

/** A pod as its peers see it. */
export function peerOfPod(inventory: Inventory, pod: Pod): Peer {
  return inventory.peerOf(peerKeyOf(pod), () => readPeer(pod));
}

function needsOf(pod: Pod): Needs {
  return { requests: podRequests(pod), nonzero: podNonzeroRequests(pod), ports: hostPortsOf(pod), disks: disksOf(pod) };
}
