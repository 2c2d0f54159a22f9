/**
 * Why a node rejected a pod, as a small number: it is stored per node in bytes and counted in the worker. Words are put
 * to it only when somebody reads it. Source of the words: the ErrReason constants of kube-scheduler 1.34's plugins.
 */
export type Reason = number;

export const NO_REASON: Reason = 0;
export const UNSCHEDULABLE_NODE: Reason = 1;
export const WRONG_NODE_NAME: Reason = 2;
export const UNTOLERATED_TAINT: Reason = 3;
export const NODE_AFFINITY: Reason = 4;
export const PORTS_TAKEN: Reason = 5;
export const TOO_MANY_PODS: Reason = 6;
/** The pod may run on one named node only, and it is not this one: never stored per node. */
export const NOT_THE_PINNED_NODE: Reason = 7;
export const AFFINITY_RULES: Reason = 8;
export const ANTI_AFFINITY_RULES: Reason = 9;
export const EXISTING_ANTI_AFFINITY_RULES: Reason = 10;
export const SPREAD: Reason = 11;
export const SPREAD_LABEL_MISSING: Reason = 12;
export const DISK_CONFLICT: Reason = 13;
export const VOLUME_NODE_CONFLICT: Reason = 14;
export const VOLUMES_TO_BIND: Reason = 15;
export const VOLUME_ZONE: Reason = 16;
export const NOT_ENOUGH_STORAGE: Reason = 17;
export const TOO_MANY_VOLUMES: Reason = 18;
export const READ_WRITE_ONCE_POD: Reason = 19;
export const ENFORCED_AFFINITY: Reason = 20;
/** Several reasons of VolumeBinding at once. */
export const VOLUME_CONFLICT_AND_TO_BIND: Reason = 21;
export const VOLUME_CONFLICT_AND_NO_STORAGE: Reason = 22;
/** No node of that name or number exists. */
export const ABSENT: Reason = 63;
/** The resource with column c is insufficient: INSUFFICIENT + c. */
export const INSUFFICIENT: Reason = 64;

const WORDS: Readonly<Record<number, string>> = {
  [UNSCHEDULABLE_NODE]: "node(s) were unschedulable",
  [WRONG_NODE_NAME]: "node(s) didn't match the requested node name",
  [UNTOLERATED_TAINT]: "node(s) had untolerated taint(s)",
  [NODE_AFFINITY]: "node(s) didn't match Pod's node affinity/selector",
  [PORTS_TAKEN]: "node(s) didn't have free ports for the requested pod ports",
  [TOO_MANY_PODS]: "Too many pods",
  [NOT_THE_PINNED_NODE]: "node(s) didn't satisfy plugin(s) [NodeAffinity]",
  [AFFINITY_RULES]: "node(s) didn't match pod affinity rules",
  [ANTI_AFFINITY_RULES]: "node(s) didn't match pod anti-affinity rules",
  [EXISTING_ANTI_AFFINITY_RULES]: "node(s) didn't satisfy existing pods anti-affinity rules",
  [SPREAD]: "node(s) didn't match pod topology spread constraints",
  [DISK_CONFLICT]: "node(s) had no available disk",
  [VOLUME_NODE_CONFLICT]: "node(s) didn't match PersistentVolume's node affinity",
  [VOLUMES_TO_BIND]: "node(s) didn't find available persistent volumes to bind",
  [VOLUME_ZONE]: "node(s) had no available volume zone",
  [NOT_ENOUGH_STORAGE]: "node(s) did not have enough free storage",
  [TOO_MANY_VOLUMES]: "node(s) exceed max volume count",
  [READ_WRITE_ONCE_POD]: "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
  [ENFORCED_AFFINITY]: "node(s) didn't match scheduler-enforced node affinity",
  [SPREAD_LABEL_MISSING]: "node(s) didn't match pod topology spread constraints (missing required label)",
};

/** Reasons of peers that removing pods from the node cannot take away. Source: the plugins' UnschedulableAndUnresolvable. */
export function isResolvable(reason: Reason): boolean {
  return reason !== AFFINITY_RULES && reason !== SPREAD_LABEL_MISSING;
}

const REASONS: Readonly<Record<string, readonly Reason[]>> = {
  NodeUnschedulable: [UNSCHEDULABLE_NODE],
  NodeName: [WRONG_NODE_NAME],
  TaintToleration: [UNTOLERATED_TAINT],
  NodeAffinity: [NODE_AFFINITY, ENFORCED_AFFINITY, NOT_THE_PINNED_NODE],
  NodePorts: [PORTS_TAKEN],
  NodeResourcesFit: [TOO_MANY_PODS],
  VolumeRestrictions: [DISK_CONFLICT, READ_WRITE_ONCE_POD],
  NodeVolumeLimits: [TOO_MANY_VOLUMES],
  VolumeBinding: [VOLUME_NODE_CONFLICT, VOLUMES_TO_BIND, NOT_ENOUGH_STORAGE, VOLUME_CONFLICT_AND_TO_BIND, VOLUME_CONFLICT_AND_NO_STORAGE],
  VolumeZone: [VOLUME_ZONE],
  PodTopologySpread: [SPREAD, SPREAD_LABEL_MISSING],
  InterPodAffinity: [AFFINITY_RULES, ANTI_AFFINITY_RULES, EXISTING_ANTI_AFFINITY_RULES],
};
const PLUGIN_OF = new Map(Object.entries(REASONS).flatMap(([name, reasons]) => reasons.map((reason) => [reason, name] as const)));

/** The plugin that gives a reason; undefined: none does, there is no such node. */
export function pluginOf(reason: Reason): string | undefined {
  return reason >= INSUFFICIENT ? "NodeResourcesFit" : PLUGIN_OF.get(reason);
}

const TOGETHER: Readonly<Record<Reason, readonly Reason[]>> = {
  [VOLUME_CONFLICT_AND_TO_BIND]: [VOLUME_NODE_CONFLICT, VOLUMES_TO_BIND],
  [VOLUME_CONFLICT_AND_NO_STORAGE]: [VOLUME_NODE_CONFLICT, NOT_ENOUGH_STORAGE],
};

/** The reasons that a stored one stands for. */
export function reasonsOf(reason: Reason): readonly Reason[] {
  return TOGETHER[reason] ?? [reason];
}

/** The words of a reason; `columns` are the resource names by column. */
export function wordsOf(reason: Reason, columns: readonly string[]): string {
  if (reason >= INSUFFICIENT) return `Insufficient ${columns[reason - INSUFFICIENT] ?? "resource"}`;
  return WORDS[reason] ?? "node(s) unavailable";
}
