/**
 * What the static plugins may know of a node and of a pod: plain facts, already parsed and defaulted. scheduler-core has no
 * notion of API objects; whoever calls it translates them.
 */
export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute";

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: TaintEffect;
}

export interface Toleration {
  /** Empty: every key (only with `Exists`). */
  readonly key: string;
  readonly operator: "Equal" | "Exists";
  readonly value: string;
  /** Empty: every effect. */
  readonly effect: TaintEffect | "";
}

export type SelectorOperator = "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

/** All requirements must hold; a term without any matches nothing. */
export interface NodeSelectorTerm {
  readonly matchLabels: readonly Requirement[];
  /** Only `metadata.name` exists as a field. */
  readonly matchFields: readonly Requirement[];
}

export interface PreferredTerm {
  /** 1 to 100. */
  readonly weight: number;
  readonly term: NodeSelectorTerm;
}

/** A node as the static plugins see it. */
export interface NodeFacts {
  readonly name: string;
  readonly unschedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Names of the images that the node has, each with its size in bytes. */
  readonly images: readonly { readonly name: string; readonly size_bytes: number }[];
}

/** A claim that is bound, or made, once the pod's node is known. */
export interface UnboundClaim {
  /** A volume is being made for it on this node; empty: not yet. */
  readonly selectedNode: string;
  /** Volumes that would do, the smallest first, each with the nodes that reach it; undefined: all do. */
  readonly candidates: readonly { readonly name: string; readonly nodes: readonly NodeSelectorTerm[] | undefined }[];
  /** Where one can be made; an empty list: anywhere. Undefined: nowhere. */
  readonly provision: readonly NodeSelectorTerm[] | undefined;
  /** Node labels of each place with enough storage for one; absent: there is enough everywhere. */
  readonly storage?: readonly (readonly Requirement[])[];
}

export interface ZoneLabel {
  readonly key: string;
  readonly values: readonly string[];
}

/** What a pod's persistent volumes say of its nodes. */
export interface VolumeFacts {
  /** For each bound volume the nodes that reach it. */
  readonly bound: readonly (readonly NodeSelectorTerm[])[];
  readonly zones: readonly ZoneLabel[];
  readonly unbound: readonly UnboundClaim[];
}

/** What all pods of one static class have in common. */
export interface PodFacts {
  /** The node that the pod asks for by name; empty: any. */
  readonly nodeName: string;
  readonly tolerations: readonly Toleration[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Any one must match; undefined: no requirement. An empty list matches nothing. */
  readonly requiredTerms: readonly NodeSelectorTerm[] | undefined;
  readonly preferredTerms: readonly PreferredTerm[];
  /** The profile's own terms, of which any one must match; absent: none. */
  readonly enforcedTerms?: readonly NodeSelectorTerm[];
  /** The names of the only nodes that its required terms can mean; absent: any. */
  readonly onlyNodes?: ReadonlySet<string>;
  /** The image of each container and init container, with its tag. */
  readonly images: readonly string[];
  /** Absent: it has no persistent volumes. */
  readonly volumes?: VolumeFacts;
}

/** What static scores may ask of the whole cluster. */
export interface WorldFacts {
  /** Live nodes. */
  nodes(): number;
  /** How many nodes have the image, and its size as the first of them told it. */
  image(name: string): { readonly nodes: number; readonly size_bytes: number } | undefined;
}
