import type { Requirement } from "./facts.ts";
import { meets } from "./selector.ts";

/** Which pods a term means: those whose labels match, in the namespaces listed or those whose labels match. */
export interface PeerSelector {
  readonly namespaces: readonly string[];
  /** Undefined: no namespace beyond those listed. An empty list: every namespace. */
  readonly namespaceLabels: readonly Requirement[] | undefined;
  /** Undefined: no pod. An empty list: every pod. */
  readonly labels: readonly Requirement[] | undefined;
}

export interface AffinityTerm {
  readonly selector: PeerSelector;
  readonly topologyKey: string;
}

export interface WeightedTerm {
  /** 1 to 100; negative for anti-affinity. */
  readonly weight: number;
  readonly term: AffinityTerm;
}

/** Source: InterPodAffinityArgs.hardPodAffinityWeight. */
export const DEFAULT_HARD_AFFINITY_WEIGHT = 1;

/** A topology spread constraint with its defaults filled in. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** DoNotSchedule; else ScheduleAnyway. */
  readonly isHard: boolean;
  readonly labels: readonly Requirement[] | undefined;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** What other pods, and the pod's own terms about other pods, make of it. */
export interface PeerFacts {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** It is being deleted; topology spreading does not count it. */
  readonly isTerminating: boolean;
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  readonly spread: readonly SpreadConstraint[];
  /** Claims that the pod uses; absent: none. */
  readonly claims?: readonly string[];
  /** Those of `claims` that one pod of the whole cluster may use. */
  readonly exclusiveClaims?: readonly string[];
  /** What a pod that is there and wants these near it is worth to them; absent: DEFAULT_HARD_AFFINITY_WEIGHT. */
  readonly hardAffinityWeight?: number;
  /** What pods that are there prefer to have near them has no say, unless these prefer something too. Source: InterPodAffinity's PreScore. */
  readonly ignoresPreferencesOfOthers?: boolean;
  /** Only nodes with every topology key count in soft spreading; false for the cluster's own default constraints. */
  readonly spreadNeedsAllKeys: boolean;
}

/** Whether a pod is one that the selector means. `namespaceLabels` are those of the pod's namespace. Source: kube-scheduler's AffinityTerm.Matches. */
export function selectsPeer(
  { namespaces, namespaceLabels, labels }: PeerSelector,
  peer: Pick<PeerFacts, "namespace" | "labels">,
  labelsOfNamespace: Readonly<Record<string, string>>,
): boolean {
  if (labels === undefined) return false;
  const isNear = namespaces.includes(peer.namespace) || (namespaceLabels !== undefined && meetsAll(namespaceLabels, labelsOfNamespace));
  return isNear && meetsAll(labels, peer.labels);
}

export function meetsAll(requirements: readonly Requirement[], labels: Readonly<Record<string, string>>): boolean {
  for (const requirement of requirements) if (!meets(requirement, labels[requirement.key])) return false;
  return true;
}
