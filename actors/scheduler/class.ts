import type { ClassHandle, Inventory, Needs, Peer, SpreadConstraint, Usage, VolumeUse } from "../../scheduler-core/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { disksOf, hostPortsOf, pinOf, readPod } from "./facts.ts";
import { borrowed, isOffline } from "./overcommit.ts";
import { type PeerContext, peerKeyOf, readPeer } from "./peer-facts.ts";
import type { Profile } from "./profile.ts";
import { podNonzeroRequests, podRequests } from "./resource-needs.ts";
import { uncheckedOf } from "./unchecked.ts";
import type { VolumeReading } from "./volumes.ts";

/** What the scheduler made of a pod that waits for a node. */
export interface ClassedPod {
  readonly handle: ClassHandle;
  readonly peer: Peer;
  /** The only node that it may run on; undefined: any. */
  readonly pin: string | undefined;
}

/** What is to be known of a pod beyond itself. */
export interface Surroundings {
  /** Undefined: it has no persistent volumes. */
  readonly volumes?: VolumeReading | undefined;
  /** Volumes that count against the limits of nodes. */
  readonly attached?: readonly VolumeUse[];
  /** The cluster's spread constraints for a pod without its own. */
  readonly defaultSpread?: readonly SpreadConstraint[];
  /** Default: the default profile. */
  readonly profile?: Profile;
}

/** Finds the class of a pod. Pods of one template always fall into one class, since only what a plugin reads is in the key. */
export function classify(inventory: Inventory, pod: Pod, surroundings: Surroundings = {}): ClassedPod {
  const { spec } = pod;
  const { volumes, attached = [], defaultSpread = [], profile } = surroundings;
  // Spreading counts only the nodes that required affinity lets it have, so there the pin must stay what it is: affinity.
  const isSpread = spec.topologySpreadConstraints !== undefined || defaultSpread.some(({ isHard }) => isHard);
  const pin = isSpread ? undefined : pinOf(pod);
  const images = spec.containers.map(({ image }) => image);
  const initImages = spec.initContainers?.map(({ image }) => image);
  const nodeAffinity = spec.affinity?.nodeAffinity;
  const required = pin === undefined ? nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution : "pinned";
  const preferred = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  const facts = volumes?.refusal === undefined ? volumes?.facts : undefined;
  const staticKey = JSON.stringify([spec.nodeSelector, required, preferred, spec.tolerations, images, initImages, facts]);
  const needs = needsOf(pod, attached, profile);
  const handle = inventory.classOf({
    staticKey,
    facts: () => readPod(pod, pin !== undefined, facts, profile?.addedAffinity),
    usageKey: JSON.stringify(needs),
    needs: () => needs,
    priority: spec.priority ?? 0,
    ...(profile === undefined ? {} : { profile: profile.plugins }),
  });
  const context: PeerContext = {
    defaults: defaultSpread,
    ...(profile?.defaultsNeedAllKeys === true ? { defaultsNeedAllKeys: true } : {}),
    ...(volumes?.refusal === undefined ? { claims: volumes?.claims, exclusive: volumes?.exclusive } : {}),
    ...(profile === undefined ? {} : { affinity: profile.podAffinity }),
  };
  return { handle, peer: peerOfPod(inventory, pod, context), pin };
}

/** What a pod that is on a node takes from it. */
export function usageOfPod(inventory: Inventory, pod: Pod, { attached = [] }: Surroundings = {}): Usage {
  const needs = needsOf(pod, attached);
  return inventory.usageOf(JSON.stringify(needs), () => needs);
}

/** A pod as its peers see it. */
export function peerOfPod(inventory: Inventory, pod: Pod, context?: PeerContext): Peer {
  return inventory.peerOf(peerKeyOf(pod, context), () => readPeer(pod, context));
}

function needsOf(pod: Pod, attached: readonly VolumeUse[], profile?: Profile): Needs {
  const borrows = isOffline(pod);
  const requests = borrows ? borrowed(podRequests(pod)) : podRequests(pod);
  const unchecked = profile?.unchecked === undefined ? [] : uncheckedOf(requests, profile.unchecked);
  const nonzero = borrows ? { cpu_milli: 0, memory_bytes: 0 } : podNonzeroRequests(pod);
  const needs = { requests, ...(unchecked.length === 0 ? {} : { unchecked }), nonzero, ports: hostPortsOf(pod), disks: disksOf(pod) };
  return attached.length === 0 ? needs : { ...needs, volumes: attached };
}
