import { ANYWHERE, placeBatch, UNPLACED } from "./batch.ts";
import type { Cluster } from "./cluster.ts";
import { Draw } from "./draw.ts";
import type { IndexCache } from "./index-cache.ts";
import type { PodClass } from "./pod-class.ts";
import { type Preemption, type PreemptionRequest, preemptionCandidates } from "./preemption.ts";
import { NodeFilter } from "./survey.ts";
import type { Candidate, Occupant } from "./victims.ts";

/** A pod that wants a node together with others. */
export interface MemberRequest {
  readonly pods: PodClass;
  /** The slot of the only node that it may run on, ANYWHERE or NO_SUCH_NODE. */
  readonly pin: number;
  /** Whether others may have to go for it. */
  readonly mayPreempt: boolean;
  /** Somebody else has a say in whose end lets it in. */
  readonly isAskedAbout?: boolean;
}

/** What becomes of a member: where it goes, UNPLACED: nowhere, and who has to go from there. */
export interface MemberStep<Owner> {
  readonly slot: number;
  readonly victims: readonly Owner[];
}

export interface GroupRequest<Owner> extends Omit<PreemptionRequest<Owner>, "pods" | "pin"> {
  readonly members: readonly MemberRequest[];
  /** How many of them must get nodes. No more are helped. */
  readonly wanted: number;
  readonly indexes: IndexCache;
  /** What has been settled of the first members; absent: nothing. */
  readonly settled?: readonly MemberStep<Owner>[];
  /** Finds whose end lets one pod in. */
  find(request: PreemptionRequest<Owner>): Preemption<Owner>;
}

export interface GroupPreemption<Owner> {
  readonly kind: "found";
  /** For each member the slot where it goes, UNPLACED for those that are not helped. */
  readonly slots: readonly number[];
  /** Who has to go from where. */
  readonly victims: readonly { readonly slot: number; readonly owner: Owner }[];
}

/** Somebody has to be asked who is to go for the member after those that are settled. */
export interface GroupQuestion<Owner> {
  readonly kind: "question";
  readonly settled: readonly MemberStep<Owner>[];
  readonly candidates: readonly Candidate<Owner>[];
}

/**
 * Finds room for so many members of a group that it is of use, or for none. One after another gets a node: one that has room, where those that went for the
 * members before it count as gone and these as there; else one where the least is lost. So nobody goes for a part of a group. The arrays are as before when this
 * returns. Undefined: there is no room to be made for enough of them. A question is to be answered by one more step that is settled.
 */
export function preemptTogether<Owner>(
  cluster: Cluster,
  request: GroupRequest<Owner>,
): GroupPreemption<Owner> | GroupQuestion<Owner> | undefined {
  const { members, wanted } = request;
  const trial = new Trial(cluster, request);
  try {
    for (const [number, member] of members.entries()) {
      if (trial.placed >= wanted || trial.placed + members.length - number < wanted) break;
      const settled = request.settled?.[number];
      const step = settled !== undefined && trial.isPossible(member, settled) ? settled : trial.next(member);
      if ("candidates" in step) return { kind: "question", settled: trial.steps, ...step };
      trial.take(member, step);
    }
    if (trial.placed < wanted) return undefined;
    const slots = members.map((_, number) => trial.steps[number]?.slot ?? UNPLACED);
    return { kind: "found", slots, victims: trial.victims.map(({ slot, occupant: { owner } }) => ({ slot, owner })) };
  } finally {
    trial.undo();
  }
}

/** Members on the arrays, as if they were there, and without those that would go for them. */
class Trial<Owner> {
  readonly steps: MemberStep<Owner>[] = [];
  readonly victims: { readonly slot: number; readonly occupant: Occupant<Owner> }[] = [];
  placed = 0;
  readonly #cluster: Cluster;
  readonly #request: GroupRequest<Owner>;

  constructor(cluster: Cluster, request: GroupRequest<Owner>) {
    this.#cluster = cluster;
    this.#request = request;
  }

  /** Whether what was settled can still be done. */
  isPossible({ pods }: MemberRequest, { slot, victims }: MemberStep<Owner>): boolean {
    if (slot === UNPLACED) return true;
    const going = this.#occupants(slot).filter(({ owner }) => victims.includes(owner));
    if (going.length < victims.length) return false;
    for (const { usage, marks } of going) this.#cluster.remove(slot, usage, marks);
    const isPossible = new NodeFilter(this.#cluster, pods, this.#request.guests).accepts(slot);
    for (const { usage, marks } of going) this.#cluster.add(slot, usage, marks);
    return isPossible;
  }

  /** What becomes of one more member, or among whom somebody has to choose. */
  next({ pods, pin, mayPreempt, isAskedAbout }: MemberRequest): MemberStep<Owner> | Pick<GroupQuestion<Owner>, "candidates"> {
    const { indexes, random, guests, find, allowed } = this.#request;
    const cluster = this.#cluster;
    const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(pin), guests };
    const [slot = UNPLACED] = placeBatch(cluster, batch, indexes, new Draw(random.below(2 ** 31))).slots;
    if (slot !== UNPLACED) {
      cluster.remove(slot, pods.usage, pods.marks);
      return { slot, victims: [] };
    }
    if (!mayPreempt || (pin !== ANYWHERE && pin < 0)) return { slot, victims: [] };
    const left = [...allowed];
    for (const { occupant } of this.victims) for (const budget of occupant.budgets) left[budget] = (left[budget] ?? 0) - 1;
    const request = { ...this.#request, pods, pin, occupants: (at: number) => this.#occupants(at), allowed: left };
    if (!isAskedAbout) {
      const found = find(request);
      return { slot: found.slot ?? UNPLACED, victims: found.victims };
    }
    const { candidates } = preemptionCandidates(cluster, request);
    return candidates.length === 0 ? { slot: UNPLACED, victims: [] } : { candidates };
  }

  /** Counts the member on its node and its victims as gone. */
  take({ pods }: MemberRequest, step: MemberStep<Owner>): void {
    const { slot } = step;
    this.steps.push(step);
    if (slot === UNPLACED) return;
    const occupants = this.#occupants(slot);
    for (const owner of step.victims) {
      const occupant = occupants.find((each) => each.owner === owner);
      if (occupant === undefined) throw new Error("a victim is not on its node");
      this.victims.push({ slot, occupant });
      this.#cluster.remove(slot, occupant.usage, occupant.marks);
    }
    this.#cluster.add(slot, pods.usage, pods.marks);
    this.placed++;
  }

  undo(): void {
    for (const [number, { slot }] of this.steps.entries()) {
      const { pods } = this.#request.members[number] as MemberRequest;
      if (slot !== UNPLACED) this.#cluster.remove(slot, pods.usage, pods.marks);
    }
    for (const { slot, occupant } of this.victims) this.#cluster.add(slot, occupant.usage, occupant.marks);
  }

  #occupants(slot: number): Occupant<Owner>[] {
    const gone = new Set(this.victims.map(({ occupant }) => occupant.owner));
    return this.#request.occupants(slot).filter(({ owner }) => !gone.has(owner));
  }
}
