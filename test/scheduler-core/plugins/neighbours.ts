import {
  type AffinityTerm,
  type ClassHandle,
  Inventory,
  type Peer,
  type PeerFacts,
  type PodClass,
  type SpreadConstraint,
  wordsOf,
} from "../../../scheduler-core/mod.ts";
import type { Plugin } from "../../../scheduler-core/plugins/plugin.ts";

/** A pod without terms, in namespace `d`. */
export const ALONE: PeerFacts = {
  namespace: "d",
  labels: {},
  isTerminating: false,
  affinity: [],
  antiAffinity: [],
  preferred: [],
  spread: [],
  spreadNeedsAllKeys: true,
};

export const pod = (labels: Record<string, string>, more: Partial<PeerFacts> = {}): PeerFacts => ({ ...ALONE, labels, ...more });

/** Pods with this `app` in these namespaces, together where the topology key says so. */
export const near = (app: string, topologyKey = "zone", namespaces: readonly string[] = ["d"]): AffinityTerm => ({
  topologyKey,
  selector: { namespaces, namespaceLabels: undefined, labels: [{ key: "app", operator: "In", values: [app] }] },
});

export const spread = (more: Partial<SpreadConstraint> = {}): SpreadConstraint => ({
  topologyKey: "zone",
  maxSkew: 1,
  minDomains: 1,
  isHard: true,
  labels: [{ key: "app", operator: "In", values: ["web"] }],
  honorsAffinity: true,
  honorsTaints: false,
  ...more,
});

/** Nodes by name with their labels and who is on them. */
export type Cast = Readonly<
  Record<string, { readonly labels?: Record<string, string>; readonly tainted?: boolean; readonly pods?: readonly PeerFacts[] }>
>;

export class Stage {
  readonly inventory: Inventory = new Inventory(1);
  readonly handle: ClassHandle;

  constructor(cast: Cast, nodeSelector: Readonly<Record<string, string>> = {}) {
    const facts = { nodeName: "", tolerations: [], nodeSelector, requiredTerms: undefined, preferredTerms: [], images: [] };
    const needs = { requests: {}, nonzero: { cpu_milli: 0, memory_bytes: 0 }, ports: [] };
    this.handle = this.inventory.classOf({ staticKey: "", facts: () => facts, usageKey: "", needs: () => needs, priority: 0 });
    for (const [name, { labels = {}, tainted = false, pods = [] }] of Object.entries(cast)) {
      const taints = tainted ? [{ key: "gone", value: "", effect: "NoSchedule" as const }] : [];
      const slot = this.inventory.setNode({ name, unschedulable: false, labels, taints, images: [] }, { pods: 100 });
      for (const facts of pods) this.inventory.enter(slot, this.handle.usage, this.peer(facts));
    }
  }

  peer(facts: PeerFacts): Peer {
    return this.inventory.peerOf(JSON.stringify(facts), () => facts);
  }

  ready(incoming: PeerFacts): PodClass {
    // A first pass gives the terms their marks, as the queue does when the pod comes in.
    this.inventory.kinship(this.peer(incoming));
    return this.inventory.ready(this.handle, this.peer(incoming));
  }

  /** By node what the plugin says: a rejection in words, or "". */
  verdicts(plugin: Plugin, incoming: PeerFacts): Record<string, string> {
    const pods = this.ready(incoming);
    const filter = plugin.peers?.filter(this.inventory.cluster, pods);
    return this.#byNode((slot) => {
      const reason = filter?.reject(slot) ?? 0;
      return reason === 0 ? "" : wordsOf(reason, []);
    });
  }

  /** By node the normalised score; undefined: not scored. */
  scores(plugin: Plugin, incoming: PeerFacts): Record<string, number> | undefined {
    const pods = this.ready(incoming);
    const slots = Int32Array.from({ length: this.inventory.nodes() }, (_, slot) => slot);
    const scores = plugin.peers?.score(this.inventory.cluster, pods, slots);
    return scores === undefined ? undefined : this.#byNode((slot) => scores[slot] as number);
  }

  #byNode<T>(what: (slot: number) => T): Record<string, T> {
    return Object.fromEntries(Array.from({ length: this.inventory.nodes() }, (_, slot) => [this.inventory.nameOf(slot), what(slot)]));
  }
}
