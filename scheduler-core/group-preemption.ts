import { ANYWHERE, placeBatch, UNPLACED } from "./batch.ts";
import type { Cluster } from "./cluster.ts";
import { Draw } from "./draw.ts";
import type { IndexCache } from "./index-cache.ts";
import type { PodClass } from "./pod-class.ts";
import type { Preemption, PreemptionRequest } from "./preemption.ts";
import type { Occupant } from "./victims.ts";

/** A pod that wants a node together with others. */
export interface MemberRequest {
  readonly pods: PodClass;
  /** The slot of the only node that it may run on, ANYWHERE or NO_SUCH_NODE. */
  readonly pin: number;
  /** Whether others may have to go for it. */
  readonly mayPreempt: boolean;
}

export interface GroupRequest<Owner> extends Omit<PreemptionRequest<Owner>, "pods" | "pin"> {
  readonly members: readonly MemberRequest[];
  /** How many of them must get nodes. No more are helped. */
  readonly wanted: number;
  readonly indexes: IndexCache;
  /** Finds whose end lets one pod in. */
  find(request: PreemptionRequest<Owner>): Preemption<Owner>;
}

export interface GroupPreemption<Owner> {
  /** For each member the slot where it goes, UNPLACED for those that are not helped. */
  readonly slots: readonly number[];
  /** Who has to go from where. */
  readonly victims: readonly { readonly slot: number; readonly owner: Owner }[];
}

/**
 * Finds room for so many members of a group that it is of use, or for none. One after another gets a node: one that has room, where those that went for the
 * members before it count as gone and these as there; else one where the least is lost. So nobody goes for a part of a group. The arrays are as before when this
 * returns. Undefined: there is no room to be made for enough of them.
 */
export function preemptTogether<Owner>(cluster: Cluster, request: GroupRequest<Owner>): GroupPreemption<Owner> | undefined {
  const { members, wanted } = request;
  const slots = members.map(() => UNPLACED);
  const victims: { readonly slot: number; readonly occupant: Occupant<Owner> }[] = [];
  let placed = 0;
  for (const [number, member] of members.entries()) {
    if (placed >= wanted || placed + members.length - number < wanted) break;
    const slot = placeOrMakeRoom(cluster, request, member, victims);
    if (slot === UNPLACED) continue;
    slots[number] = slot;
    placed++;
  }
  slots.forEach((slot, number) => {
    const { pods } = members[number] as MemberRequest;
    if (slot !== UNPLACED) cluster.remove(slot, pods.usage, pods.marks);
  });
  for (const { slot, occupant } of victims) cluster.add(slot, occupant.usage, occupant.marks);
  if (placed < wanted) return undefined;
  return { slots, victims: victims.map(({ slot, occupant: { owner } }) => ({ slot, owner })) };
}

/** Counts the member on its node and its victims as gone; answers the slot, or UNPLACED. */
function placeOrMakeRoom<Owner>(
  cluster: Cluster,
  request: GroupRequest<Owner>,
  { pods, pin, mayPreempt }: MemberRequest,
  victims: { readonly slot: number; readonly occupant: Occupant<Owner> }[],
): number {
  const { indexes, random, find, allowed, guests } = request;
  const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(pin), guests };
  const [slot = UNPLACED] = placeBatch(cluster, batch, indexes, new Draw(random.below(2 ** 31))).slots;
  if (slot !== UNPLACED || !mayPreempt || (pin !== ANYWHERE && pin < 0)) return slot;
  const gone = new Set(victims.map(({ occupant: { owner } }) => owner));
  const occupants = (at: number): readonly Occupant<Owner>[] => request.occupants(at).filter(({ owner }) => !gone.has(owner));
  const left = [...allowed];
  for (const { occupant } of victims) for (const budget of occupant.budgets) left[budget] = (left[budget] ?? 0) - 1;
  const found = find({ ...request, pods, pin, occupants, allowed: left });
  if (found.slot === undefined) return UNPLACED;
  for (const owner of found.victims) {
    const occupant = occupants(found.slot).find((each) => each.owner === owner);
    if (occupant === undefined) throw new Error("a victim is not on its node");
    victims.push({ slot: found.slot, occupant });
    cluster.remove(found.slot, occupant.usage, occupant.marks);
  }
  cluster.add(found.slot, pods.usage, pods.marks);
  return found.slot;
}
