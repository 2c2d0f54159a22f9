import type { NodeFacts, PodFacts, WorldFacts } from "./facts.ts";
import { nodeAffinity, selects } from "./plugins/node-affinity.ts";
import { taintToleration } from "./plugins/taint-toleration.ts";
import { FIXED_FILTERS, FIXED_SCORES } from "./profile.ts";
import { ABSENT, NO_REASON, NOT_THE_PINNED_NODE, type Reason } from "./reason.ts";
import { MATCHES_AFFINITY, TOLERATES_TAINTS } from "./relations.ts";
import { DEFAULT_PROFILE, type SchedulingProfile } from "./scheduling-profile.ts";

/** The first static plugin's reason to reject pods of these facts on this node. */
export function staticReason(pod: PodFacts, node: NodeFacts, { filtersOff }: SchedulingProfile = DEFAULT_PROFILE): Reason {
  // Who names its nodes is asked about no other. Source: NodeAffinity's PreFilterResult.
  if (pod.onlyNodes !== undefined && !pod.onlyNodes.has(node.name) && !filtersOff.has(nodeAffinity.name)) return NOT_THE_PINNED_NODE;
  for (const plugin of FIXED_FILTERS) {
    if (filtersOff.has(plugin.name)) continue;
    const reason = plugin.fixed.filter(pod, node);
    if (reason !== NO_REASON) return reason;
  }
  return NO_REASON;
}

/**
 * What the static plugins say of every node for pods of the same facts: by slot a group (>= 0) or a negated reason. Worked out in one
 * pass when the class is first used, then node by node as nodes change.
 */
export class StaticClass {
  /** Unique among those of its inventory. */
  readonly id: number;
  readonly facts: PodFacts;
  readonly profile: SchedulingProfile;
  #verdicts: Int32Array | undefined;
  #eligible: Uint8Array | undefined;
  #groups: Int32Array = new Int32Array(0);
  readonly #groupByRaw = new Map<string, number>();
  #revision = 0;
  /** Nodes that the static plugins reject. */
  #rejected = 0;

  constructor(id: number, facts: PodFacts, profile: SchedulingProfile = DEFAULT_PROFILE) {
    this.id = id;
    this.facts = facts;
    this.profile = profile;
  }

  /** Empty until `workOut`. */
  get verdicts(): Int32Array {
    return this.#verdicts ?? new Int32Array(0);
  }

  /** By slot MATCHES_AFFINITY and TOLERATES_TAINTS, for topology spreading; kept from the first time it is asked for. */
  eligible(nodes: readonly (NodeFacts | undefined)[]): Uint8Array {
    const capacity = this.verdicts.length;
    if (this.#eligible?.length === capacity) return this.#eligible;
    this.#eligible = new Uint8Array(new SharedArrayBuffer(capacity));
    for (let slot = 0; slot < nodes.length; slot++) this.#judge(slot, nodes[slot]);
    return this.#eligible;
  }

  get groups(): Int32Array {
    return this.#groups;
  }

  /** How many nodes are rejected; 0: every one will do, as far as class and node alone are concerned. */
  get rejected(): number {
    return this.#rejected;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Whether it is worked out for this many slots. */
  isWorkedOut(capacity: number): boolean {
    return this.#verdicts !== undefined && this.#verdicts.length === capacity;
  }

  /** Asks about every node. `nodes` are the live nodes by slot. */
  workOut(nodes: readonly (NodeFacts | undefined)[], capacity: number, world: WorldFacts): void {
    this.#verdicts = new Int32Array(new SharedArrayBuffer(4 * capacity)).fill(-ABSENT);
    this.#eligible = undefined;
    this.#rejected = 0;
    this.#groupByRaw.clear();
    this.#groups = new Int32Array(0);
    this.#revision++;
    for (let slot = 0; slot < nodes.length; slot++) this.update(slot, nodes[slot], world);
  }

  /** Forgets everything but the facts, to save memory. */
  forget(): void {
    this.#verdicts = undefined;
    this.#eligible = undefined;
  }

  /** Asks about one node that has appeared, changed or gone (undefined). */
  update(slot: number, node: NodeFacts | undefined, world: WorldFacts): void {
    if (this.#verdicts === undefined) return;
    this.#judge(slot, node);
    const before = this.#verdicts[slot] as number;
    if (before < 0 && before !== -ABSENT) this.#rejected--;
    if (node === undefined) {
      this.#verdicts[slot] = -ABSENT;
      return;
    }
    const reason = staticReason(this.facts, node, this.profile);
    this.#verdicts[slot] = reason === NO_REASON ? this.#group(node, world) : -reason;
    if (reason !== NO_REASON) this.#rejected++;
  }

  #judge(slot: number, node: NodeFacts | undefined): void {
    if (this.#eligible === undefined) return;
    // What the profile adds is no affinity of the pod's own. Source: GetRequiredNodeAffinity.
    const matches = node !== undefined && selects(this.facts, node);
    const tolerates = node !== undefined && taintToleration.fixed?.filter?.(this.facts, node) === NO_REASON;
    this.#eligible[slot] = (matches ? MATCHES_AFFINITY : 0) | (tolerates ? TOLERATES_TAINTS : 0);
  }

  #group(node: NodeFacts, world: WorldFacts): number {
    const { facts, profile } = this;
    const raws = FIXED_SCORES.map(({ name, fixed }) =>
      profile.weights[name] === 0 || fixed.applies?.(facts) === false ? 0 : fixed.score(facts, node, world),
    );
    const key = raws.join();
    const known = this.#groupByRaw.get(key);
    if (known !== undefined) return known;
    const group = this.#groupByRaw.size;
    this.#groupByRaw.set(key, group);
    const grown = new Int32Array(this.#groups.length + raws.length);
    grown.set(this.#groups);
    grown.set(raws, this.#groups.length);
    this.#groups = grown;
    return group;
  }
}
