import {
  type AffinityTerm,
  meetsAll,
  type PeerFacts,
  type Requirement,
  type SelectorOperator,
  type SpreadConstraint,
  type WeightedTerm,
} from "../../scheduler-core/mod.ts";
import type * as api from "../kinds/generated/types.ts";

/** What a pod's peers, and its own terms, depend on beyond the pod. */
export interface PeerContext {
  /** The cluster's spread constraints for pods without their own. */
  readonly defaults?: readonly SpreadConstraint[];
  /** Whether only nodes with every topology key of `defaults` count. */
  readonly defaultsNeedAllKeys?: boolean;
  /** Claims that it uses, as `<namespace>/<name>`. */
  readonly claims?: readonly string[] | undefined;
  /** Those of `claims` that one pod of the whole cluster may use. */
  readonly exclusive?: readonly string[] | undefined;
  /** As its profile has it. */
  readonly affinity?: { readonly hardWeight: number; readonly ignoresPreferencesOfOthers: boolean } | undefined;
}

const NO_TERMS: readonly never[] = [];

/** What makes pods alike to one another's terms, as a key: equal keys mean equal facts. */
export function peerKeyOf(
  pod: api.Pod,
  { defaults = NO_TERMS, defaultsNeedAllKeys, claims, exclusive, affinity }: PeerContext = {},
): string {
  const { metadata, spec } = pod;
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const isTerminating = metadata.deletionTimestamp !== undefined;
  const terms = [podAffinity, podAntiAffinity, spec.topologySpreadConstraints, defaults, defaultsNeedAllKeys, claims, exclusive, affinity];
  return JSON.stringify([metadata.namespace, metadata.labels, isTerminating, ...terms]);
}

/** Reads a pod as its peers see it. */
export function readPeer(pod: api.Pod, context: PeerContext = {}): PeerFacts {
  const { defaults = NO_TERMS, defaultsNeedAllKeys = false, claims, exclusive, affinity } = context;
  const { metadata, spec } = pod;
  const { namespace = "", labels = {} } = metadata;
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const required = (terms: readonly api.PodAffinityTerm[] | undefined): AffinityTerm[] =>
    (terms ?? []).map((term) => termOf(term, namespace, labels));
  const weighted = (terms: readonly api.WeightedPodAffinityTerm[] | undefined, sign: 1 | -1): WeightedTerm[] =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({ weight: sign * weight, term: termOf(podAffinityTerm, namespace, labels) }));
  const constraints = spec.topologySpreadConstraints ?? [];
  return {
    namespace,
    labels,
    isTerminating: metadata.deletionTimestamp !== undefined,
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
    spread: constraints.length > 0 ? constraints.map((constraint) => spreadOf(constraint, labels)) : defaults,
    spreadNeedsAllKeys: constraints.length > 0 || defaultsNeedAllKeys,
    ...(claims === undefined || claims.length === 0 ? {} : { claims }),
    ...(exclusive === undefined || exclusive.length === 0 ? {} : { exclusiveClaims: exclusive }),
    ...(affinity === undefined
      ? {}
      : { hardAffinityWeight: affinity.hardWeight, ignoresPreferencesOfOthers: affinity.ignoresPreferencesOfOthers }),
  };
}

/** A label selector as requirements; undefined selects nothing, an empty list everything. Source: metav1.LabelSelectorAsSelector. */
export function requirementsOf(selector: api.LabelSelector | undefined): Requirement[] | undefined {
  if (selector === undefined) return undefined;
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({ key, operator: "In", values: [value] })),
    ...(selector.matchExpressions ?? []).map(
      ({ key, operator, values = [] }): Requirement => ({ key, operator: operator as SelectorOperator, values }),
    ),
  ];
}

/** Whether labels match a selector that is there. */
export function meetsSelector(selector: api.LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return meetsAll(requirementsOf(selector) ?? [], labels);
}

/** A term that names no namespaces means its own pod's. Source: framework.newAffinityTerm. */
function termOf(term: api.PodAffinityTerm, namespace: string, labels: Readonly<Record<string, string>>): AffinityTerm {
  const { namespaces = [], namespaceSelector, topologyKey, matchLabelKeys, mismatchLabelKeys } = term;
  const selector = requirementsOf(term.labelSelector);
  return {
    topologyKey,
    selector: {
      namespaces: namespaces.length === 0 && namespaceSelector === undefined ? [namespace] : namespaces,
      namespaceLabels: requirementsOf(namespaceSelector),
      labels:
        selector === undefined
          ? undefined
          : [...selector, ...own(matchLabelKeys, labels, "In"), ...own(mismatchLabelKeys, labels, "NotIn")],
    },
  };
}

/** The pod's own values of these labels as requirements; keys that it lacks are left out. Source: KEP-3243, KEP-3633. */
function own(keys: readonly string[] | undefined, labels: Readonly<Record<string, string>>, operator: "In" | "NotIn"): Requirement[] {
  return (keys ?? []).flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}

function spreadOf(constraint: api.TopologySpreadConstraint, labels: Readonly<Record<string, string>>): SpreadConstraint {
  const { topologyKey, maxSkew, minDomains = 1, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy, matchLabelKeys } = constraint;
  const selector = requirementsOf(constraint.labelSelector);
  return {
    topologyKey,
    maxSkew,
    minDomains,
    isHard: whenUnsatisfiable === "DoNotSchedule",
    labels: selector === undefined ? undefined : [...selector, ...own(matchLabelKeys, labels, "In")],
    honorsAffinity: nodeAffinityPolicy !== "Ignore",
    honorsTaints: nodeTaintsPolicy === "Honor",
  };
}
