import { CHANGE_LOG_NODES, Cluster } from "./cluster.ts";
import { LossTournament } from "./loss-tournament.ts";
import type { PodClass } from "./pod-class.ts";
import { type Preemption, type PreemptionRequest, preempt } from "./preemption.ts";
import { fitsUsage } from "./profile.ts";
import type { Reason } from "./reason.ts";
import { NodeFilter } from "./survey.ts";
import { type Candidate, chooseVictims, LOSS_NUMBERS, type Occupant, writeLoss } from "./victims.ts";

/** Classes whose candidates are kept; the one used longest ago goes first. */
const CLASSES_MAX = 16;

/** What preemption would come to on a node. */
type Outcome<Owner> =
  | { readonly kind: "absent" | "unhelpful" | "victimless" }
  | { readonly kind: "rejected"; readonly reasons: readonly Reason[] }
  | { readonly kind: "candidate"; readonly candidate: Candidate<Owner> };

const ABSENT = { kind: "absent" } as const;
const UNHELPFUL = { kind: "unhelpful" } as const;
const VICTIMLESS = { kind: "victimless" } as const;

/**
 * Preemption among all nodes, remembered by class: who would have to go on a node depends on nothing but the node, so that after a
 * preemption only the nodes that changed are asked again. Classes whose pods other pods keep from a node are left to `preempt`.
 */
export class PreemptionIndexes<Owner> {
  readonly #indexes = new Map<string, PreemptionIndex<Owner>>();
  #budgets = "";

  /** A new round: what occupants say of themselves, start times and budgets, may have changed. `budgets` says which budgets there are. */
  begin(budgets: string): void {
    if (budgets !== this.#budgets) this.#indexes.clear();
    this.#budgets = budgets;
    for (const index of this.#indexes.values()) index.begin();
  }

  /** As `preempt`, with every node looked at. The arrays are not changed, not even for a moment, where the class is indexed. */
  preempt(cluster: Cluster, request: PreemptionRequest<Owner>): Preemption<Owner> {
    const { pods, pin } = request;
    if (pin !== -1 || isRepelled(pods) || pods.usage.attachments !== undefined) return preempt(cluster, request);
    const key = `${cluster.identity}/${pods.id}`;
    const index = this.#indexes.get(key) ?? new PreemptionIndex<Owner>();
    this.#indexes.delete(key);
    this.#indexes.set(key, index);
    if (this.#indexes.size > CLASSES_MAX) {
      for (const oldest of this.#indexes.keys()) {
        this.#indexes.delete(oldest);
        break;
      }
    }
    return index.preempt(cluster, request);
  }
}

/** Whether where other pods are can keep such a pod from a node. */
function isRepelled({ relations }: PodClass): boolean {
  if (relations === undefined) return false;
  const { affinity, antiAffinity, repelled, hardSpread, exclusive } = relations;
  return affinity.length + antiAffinity.length + repelled.length + hardSpread.length + exclusive.length > 0;
}

/** What preemption for pods of one class would come to on every node, kept up to date from the cluster's change log. */
class PreemptionIndex<Owner> {
  #outcomes: Outcome<Owner>[] = [];
  #tournament = new LossTournament(0);
  /** One node, on which pods are removed and put back for trial. */
  #trial = Cluster.create(0, 1);
  #revision = -1;
  #capacity = -1;
  #seen = 0;
  #allowed: readonly number[] = [];
  /** Nodes with victims that a budget protects, or whose start is not known. */
  readonly #budgeted = new Set<number>();
  readonly #unstarted = new Set<number>();
  /** Nodes to be asked again. */
  readonly #stale = new Set<number>();

  begin(): void {
    for (const slot of this.#budgeted) this.#stale.add(slot);
    for (const slot of this.#unstarted) this.#stale.add(slot);
  }

  preempt(cluster: Cluster, request: PreemptionRequest<Owner>): Preemption<Owner> {
    this.#repair(cluster, request);
    const slot = this.#tournament.draw(request.random);
    const best = this.#outcomes[slot];
    if (best?.kind === "candidate") {
      const { victims } = best.candidate;
      return { slot, victims: victims.map(({ owner }) => owner), rejections: new Map(), unhelpful: 0, victimless: 0 };
    }
    const rejections = new Map<Reason, number>();
    let unhelpful = 0;
    let victimless = 0;
    for (const outcome of this.#outcomes) {
      if (outcome.kind === "unhelpful") unhelpful++;
      else if (outcome.kind === "victimless") victimless++;
      else if (outcome.kind === "rejected") {
        for (const reason of outcome.reasons) rejections.set(reason, (rejections.get(reason) ?? 0) + 1);
      }
    }
    return { slot: undefined, victims: [], rejections, unhelpful, victimless };
  }

  #repair(cluster: Cluster, request: PreemptionRequest<Owner>): void {
    const { pods, allowed } = request;
    const { columns, portColumns } = this.#trial;
    if (columns !== cluster.columns || portColumns !== cluster.portColumns) {
      this.#trial = Cluster.create(0, 1, cluster.columns, cluster.portColumns);
    }
    if (allowed.length !== this.#allowed.length || allowed.some((number, i) => number !== this.#allowed[i])) {
      for (const slot of this.#budgeted) this.#stale.add(slot);
      this.#allowed = [...allowed];
    }
    const filter = new NodeFilter(cluster, pods);
    const behind = (cluster.changes - this.#seen) | 0;
    const isNew = pods.revision !== this.#revision || cluster.capacity !== this.#capacity;
    if (isNew || behind < 0 || behind > CHANGE_LOG_NODES) this.#build(cluster, request, filter);
    else {
      for (; this.#seen !== cluster.changes; this.#seen = (this.#seen + 1) | 0) this.#stale.add(cluster.changedAt(this.#seen));
      for (const slot of this.#stale) this.#tournament.set(slot, this.#ask(cluster, request, filter, slot));
    }
    this.#seen = cluster.changes;
    this.#stale.clear();
  }

  #build(cluster: Cluster, request: PreemptionRequest<Owner>, filter: NodeFilter): void {
    this.#revision = request.pods.revision;
    this.#capacity = cluster.capacity;
    this.#outcomes = new Array<Outcome<Owner>>(cluster.capacity).fill(ABSENT);
    this.#tournament = new LossTournament(cluster.capacity);
    for (let slot = 0; slot < cluster.nodes; slot++) this.#tournament.prepare(slot, this.#ask(cluster, request, filter, slot));
    this.#tournament.build();
  }

  /** Finds out what preemption would come to on a node; true when it would help. */
  #ask(cluster: Cluster, request: PreemptionRequest<Owner>, filter: NodeFilter, slot: number): boolean {
    this.#budgeted.delete(slot);
    this.#unstarted.delete(slot);
    const outcome = this.#outcomeOn(cluster, request, filter, slot);
    this.#outcomes[slot] = outcome;
    if (outcome.kind !== "candidate") return false;
    writeLoss(outcome.candidate, this.#tournament.losses, slot * LOSS_NUMBERS);
    return true;
  }

  #outcomeOn(cluster: Cluster, request: PreemptionRequest<Owner>, filter: NodeFilter, slot: number): Outcome<Owner> {
    const { pods, allowed } = request;
    if (cluster.live[slot] !== 1) return ABSENT;
    if (filter.rejection(slot)?.resolvable !== true) return UNHELPFUL;
    if ((cluster.lowestPriority[slot] as number) >= pods.priority) return VICTIMLESS;
    const trial = this.#trial;
    trial.rows.set(cluster.rows.subarray(slot * cluster.stride, (slot + 1) * cluster.stride));
    trial.ports.set(cluster.ports.subarray(slot * cluster.portColumns, (slot + 1) * cluster.portColumns));
    const removed: Occupant<Owner>[] = [];
    for (const pod of request.occupants(slot)) {
      if (pod.priority >= pods.priority) continue;
      // What an occupant says of itself is asked for once: it may have to be looked up.
      const { owner, priority, started_ms, usage, marks, budgets } = pod;
      removed.push({ owner, priority, started_ms, usage, marks, budgets });
      if (budgets.length > 0) this.#budgeted.add(slot);
      if (started_ms === undefined) this.#unstarted.add(slot);
      trial.remove(0, usage);
    }
    const verdict = pods.verdicts[slot] as number;
    if (verdict < 0 || !fitsUsage(trial, pods, 0)) {
      const here = { ...pods, verdicts: Int32Array.of(verdict), relations: undefined };
      return { kind: "rejected", reasons: new NodeFilter(trial, here).rejection(0)?.reasons ?? [] };
    }
    const moved = ({ usage }: Occupant<Owner>, sign: 1 | -1): void => (sign === 1 ? trial.add(0, usage) : trial.remove(0, usage));
    return { kind: "candidate", candidate: chooseVictims(slot, removed, allowed, moved, () => fitsUsage(trial, pods, 0)) };
  }
}
