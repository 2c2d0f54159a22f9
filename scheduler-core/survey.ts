import type { Cluster } from "./cluster.ts";
import { type Guest, guestsFor } from "./guests.ts";
import type { PeerFilter } from "./plugins/plugin.ts";
import { PLUGINS } from "./plugins/plugins.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, fitsUsage, groupOffsets, localScore, PEER_PLUGINS, USAGE_FILTERS, USAGE_SCORES } from "./profile.ts";
import { OUT } from "./ranked-buckets.ts";
import { isResolvable, NO_REASON, pluginOf, type Reason, reasonsOf } from "./reason.ts";

/** Why a node cannot take a pod now. */
export interface NodeRejection {
  readonly reasons: readonly Reason[];
  /** Whether removing pods from the node could help. */
  readonly resolvable: boolean;
}

/** The filters of one decision: what they know of all nodes is worked out once. */
export class NodeFilter {
  readonly #cluster: Cluster;
  readonly #pods: PodClass;
  readonly #peers: readonly PeerFilter[];
  /** The same by name of the plugin. */
  readonly #peerOf = new Map<string, PeerFilter>();
  readonly #guests: readonly Guest[];

  /** `guests`: who is awaited on nodes. */
  constructor(cluster: Cluster, pods: PodClass, guests: readonly Guest[] = []) {
    this.#cluster = cluster;
    this.#pods = pods;
    this.#guests = guestsFor(pods, guests);
    // A filter knows only what is there when it is made.
    for (const { slot, marks } of this.#guests) for (const mark of marks) cluster.mark(slot, mark, 1);
    if (pods.relations !== undefined) {
      PEER_PLUGINS.forEach(({ name, peers }, i) => {
        const filter = pods.filters[USAGE_FILTERS.length + i] === 1 ? peers.filter(cluster, pods) : undefined;
        if (filter !== undefined) this.#peerOf.set(name, filter);
      });
    }
    this.#peers = [...this.#peerOf.values()];
    for (const { slot, marks } of this.#guests) {
      for (const mark of marks) cluster.mark(slot, mark, -1);
      this.moved(slot, marks, -1);
    }
  }

  /** Whether the node can take the pod. */
  accepts(slot: number): boolean {
    const pods = this.#pods;
    return (pods.verdicts[slot] as number) >= 0 && fitsUsage(this.#cluster, pods, slot) && this.acceptsPeers(slot);
  }

  /** Whether the pods elsewhere let it, for a node that can take it otherwise. */
  acceptsPeers(slot: number): boolean {
    const peers = this.#peers;
    for (let i = 0; i < peers.length; i++) if ((peers[i] as PeerFilter).reject(slot) !== NO_REASON) return false;
    return this.#guests.length === 0 || this.#beside(slot, () => peers.every((peer) => peer.reject(slot) === NO_REASON)) !== false;
  }

  /** The reasons of the first plugin, in order, that rejects the node; undefined when it can take the pod. */
  rejection(slot: number): NodeRejection | undefined {
    if (this.#guests.length === 0) return this.#rejection(slot);
    return this.#beside(slot, () => this.#rejection(slot)) ?? this.#rejection(slot);
  }

  /** What is so when those who are awaited on the node are there; undefined: nobody is. */
  #beside<T>(slot: number, ask: () => T): T | undefined {
    const here = this.#guests.filter((guest) => guest.slot === slot);
    if (here.length === 0) return undefined;
    for (const { marks } of here) this.moved(slot, marks, 1);
    const answer = ask();
    for (const { marks } of here) this.moved(slot, marks, -1);
    return answer;
  }

  #rejection(slot: number): NodeRejection | undefined {
    const { usage, filters, verdicts } = this.#pods;
    const verdict = verdicts[slot] as number;
    const fixed = verdict < 0 ? { reasons: reasonsOf(-verdict), resolvable: false } : undefined;
    const by = verdict < 0 ? pluginOf(-verdict) : undefined;
    // What keeps pods from a node before any plugin is asked about it.
    if (fixed !== undefined && by === undefined) return fixed;
    let filter = 0;
    for (const plugin of PLUGINS) {
      if (by === plugin.name) return fixed;
      if (plugin.usage?.fits !== undefined && plugin.usage.reject !== undefined && filters[filter++] === 1) {
        if (!plugin.usage.fits(this.#cluster, usage, slot)) return plugin.usage.reject(this.#cluster, usage, slot);
      }
      const reason = this.#peerOf.get(plugin.name)?.reject(slot) ?? NO_REASON;
      if (reason !== NO_REASON) return { reasons: [reason], resolvable: isResolvable(reason) };
    }
    return undefined;
  }

  /** A pod that raises these marks has come (1) or left (-1), in the cluster too. */
  moved(slot: number, marks: Int32Array, sign: 1 | -1): void {
    for (const filter of this.#peers) filter.moved(slot, marks, sign);
  }
}

/** Why a node cannot take a pod of this class now; undefined when it can. */
export function rejectionOf(cluster: Cluster, pods: PodClass, slot: number, guests?: readonly Guest[]): NodeRejection | undefined {
  return new NodeFilter(cluster, pods, guests).rejection(slot);
}

/** All nodes that can take a pod and what each is worth, by asking every node. */
export interface Survey {
  readonly slots: Int32Array;
  /** The weighted sum of all scores of each of `slots`. */
  readonly totals: Int32Array;
}

/** `locals`: what `localScore` says by slot, where somebody keeps it. */
export function survey(cluster: Cluster, pods: PodClass, locals?: Int32Array, guests?: readonly Guest[]): Survey {
  const filter = new NodeFilter(cluster, pods, guests);
  const groups = Math.floor(pods.groups.length / FIXED_SCORES.length);
  const feasible = new Uint8Array(groups);
  const slots = new Int32Array(cluster.nodes);
  const totals = new Int32Array(cluster.nodes);
  let count = 0;
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    const local = locals === undefined ? localScore(cluster, pods, slot) : (locals[slot] as number);
    if (local === OUT || !filter.acceptsPeers(slot)) continue;
    feasible[pods.verdicts[slot] as number] = 1;
    slots[count] = slot;
    totals[count++] = local;
  }
  const offsets = new Int32Array(groups);
  groupOffsets(pods, feasible, offsets);
  for (let i = 0; i < count; i++) {
    totals[i] = (totals[i] as number) + (offsets[pods.verdicts[slots[i] as number] as number] as number);
  }
  const found = { slots: slots.subarray(0, count), totals: totals.subarray(0, count) };
  if (pods.relations !== undefined) addPeerScores(cluster, pods, found);
  return found;
}

function addPeerScores(cluster: Cluster, pods: PodClass, { slots, totals }: Survey): void {
  for (const [plugin, { peers }] of PEER_PLUGINS.entries()) {
    const weight = pods.weights[FIXED_SCORES.length + USAGE_SCORES.length + plugin] as number;
    const scores = weight === 0 ? undefined : peers.score(cluster, pods, slots);
    if (scores === undefined) continue;
    for (let i = 0; i < totals.length; i++) totals[i] = (totals[i] as number) + weight * (scores[i] as number);
  }
}
