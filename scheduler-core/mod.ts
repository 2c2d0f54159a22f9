/** The arithmetic of placement: nodes and pods as flat arrays, plugins, and the decision which node takes a pod. Pure. */

export type { NodeVolumes, VolumeUse } from "./attached-volumes.ts";
export { ANYWHERE, type Batch, joinPlacements, NO_SUCH_NODE, type Placements, placeBatch, splitBatch, UNPLACED } from "./batch.ts";
export type { ClassDescription, ClassHandle, Needs } from "./class-description.ts";
export { Cluster, NO_PRIORITY } from "./cluster.ts";
export { type Diagnosis, diagnose, rejectorsOf } from "./diagnosis.ts";
export { Draw } from "./draw.ts";
export { type Explanation, explain } from "./explain.ts";
export type {
  NodeFacts,
  NodeSelectorTerm,
  PodFacts,
  PreferredTerm,
  Requirement,
  SelectorOperator,
  Taint,
  TaintEffect,
  Toleration,
  UnboundClaim,
  VolumeFacts,
  ZoneLabel,
} from "./facts.ts";
export { type GroupPreemption, type MemberRequest, type MemberStep, preemptTogether } from "./group-preemption.ts";
export type { Guest } from "./guests.ts";
export { IndexCache } from "./index-cache.ts";
export { Inventory, volumeLimit } from "./inventory.ts";
export { type LookShare, needsLook, prepareLooks, shareOf, takeLooks } from "./looks.ts";
export type { Peer } from "./marks.ts";
export type { DiskUse, HostPort } from "./numbering.ts";
export type { AffinityTerm, PeerFacts, PeerSelector, SpreadConstraint, WeightedTerm } from "./peers.ts";
export { meetsAll, selectsPeer } from "./peers.ts";
export { bestNodes, pickPlainly } from "./plain-loop.ts";
export { selects } from "./plugins/node-affinity.ts";
export { toleratesAny } from "./plugins/tolerates.ts";
export { chooseVolumes } from "./plugins/volume-binding.ts";
export type { PodClass } from "./pod-class.ts";
export { leastLoss, type Preemption, type PreemptionRequest, preempt, preemptionCandidates } from "./preemption.ts";
export { PreemptionIndexes } from "./preemption-index.ts";
export { PLUGIN_WEIGHTS } from "./profile.ts";
export { wordsOf } from "./reason.ts";
export { freeOf, isStirred, isSuitable, needsRoom } from "./room.ts";
export { DEFAULT_PROFILE, type FitScoring, type ResourceScoring, type SchedulingProfile } from "./scheduling-profile.ts";
export { matchesTerm } from "./selector.ts";
export type { NodeMove, Stir } from "./stir.ts";
export { rejectionOf } from "./survey.ts";
export { NONZERO_CPU_MILLI, NONZERO_MEMORY_BYTES, type Usage } from "./usage.ts";
export type { Candidate as VictimsOnNode, Occupant } from "./victims.ts";
