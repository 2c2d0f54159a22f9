import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { Guest } from "./guests.ts";
import type { PodClass } from "./pod-class.ts";
import type { Reason } from "./reason.ts";
import { NodeFilter, type NodeRejection } from "./survey.ts";
import { type Candidate, chooseVictims, compareLosses, LOSS_NUMBERS, type Occupant, writeLoss } from "./victims.ts";

export interface PreemptionRequest<Owner> {
  readonly pods: PodClass;
  /** The only node that the pod may run on; -1: any. */
  readonly pin: number;
  /** The pods of a node, in the order in which they came to it. */
  occupants(slot: number): readonly Occupant<Owner>[];
  /** By number of the budget, how many disruptions it allows. */
  readonly allowed: readonly number[];
  /** Who is awaited on nodes; absent: nobody. */
  readonly guests?: readonly Guest[];
  /** Breaks ties: nodes are asked from a random one on. */
  readonly random: Draw;
  /** Enough nodes to choose from: a share of those where preemption may help, and at least so many. Default ENOUGH. */
  readonly candidates?: { readonly percent: number; readonly least: number };
}

/** Source: DefaultPreemptionArgs' minCandidateNodesPercentage and minCandidateNodesAbsolute. */
const ENOUGH = { percent: 10, least: 100 };

export interface Preemption<Owner> {
  /** The node where the least is lost; undefined: nowhere would it help. */
  readonly slot: number | undefined;
  /** Who has to go there, the most important first. */
  readonly victims: readonly Owner[];
  /** Where it does not help: how many nodes gave each reason to reject the pod even without those of lower priority. */
  readonly rejections: ReadonlyMap<Reason, number>;
  /** Nodes where removing pods cannot help. */
  readonly unhelpful: number;
  /** Nodes where it might, but that have no pod of lower priority. */
  readonly victimless: number;
}

/**
 * Finds the pods whose end lets a pod in that no node takes. On every node where that could help: all of lower priority go, and if the
 * pod fits then, they come back one by one, the most important and those protected by a budget first, as long as it still fits.
 * The arrays are as before when this returns. Source: DefaultPreemption's SelectVictimsOnNode and pickOneNodeForPreemption.
 */
export function preempt<Owner>(cluster: Cluster, request: PreemptionRequest<Owner>): Preemption<Owner> {
  const { candidates, ...others } = preemptionCandidates(cluster, request);
  const best = leastLoss(candidates);
  return { slot: best?.slot, victims: best?.victims.map(({ owner }) => owner) ?? [], ...others };
}

/** What could be chosen from: who would have to go on each node where that helps. */
export interface PreemptionCandidates<Owner> extends Pick<Preemption<Owner>, "rejections" | "unhelpful" | "victimless"> {
  readonly candidates: readonly Candidate<Owner>[];
}

export function preemptionCandidates<Owner>(cluster: Cluster, request: PreemptionRequest<Owner>): PreemptionCandidates<Owner> {
  const filter = new NodeFilter(cluster, request.pods, request.guests);
  const rejections = new Map<Reason, number>();
  const candidates: Candidate<Owner>[] = [];
  const potential: number[] = [];
  let unhelpful = 0;
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    const now = request.pin === -1 || slot === request.pin ? filter.rejection(slot) : undefined;
    if (now?.resolvable === true) potential.push(slot);
    else unhelpful++;
  }
  let victimless = 0;
  const { percent, least } = request.candidates ?? ENOUGH;
  const enough = Math.max(least, Math.floor((potential.length * percent) / 100));
  const offset = request.random.below(potential.length);
  for (let i = 0; i < potential.length; i++) {
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
    const slot = potential[(i + offset) % potential.length] as number;
    if ((cluster.lowestPriority[slot] as number) >= request.pods.priority) victimless++;
    else {
      const found = victimsOn(cluster, request, filter, slot);
      if ("slot" in found) candidates.push(found);
      else for (const reason of found.reasons) rejections.set(reason, (rejections.get(reason) ?? 0) + 1);
    }
  }
  return { candidates, rejections, unhelpful, victimless };
}

function victimsOn<Owner>(
  cluster: Cluster,
  request: PreemptionRequest<Owner>,
  filter: NodeFilter,
  slot: number,
): Candidate<Owner> | NodeRejection {
  const removed = request.occupants(slot).filter(({ priority }) => priority < request.pods.priority);
  const move = ({ usage, marks }: Occupant<Owner>, sign: 1 | -1): void => {
    if (sign === 1) cluster.add(slot, usage, marks);
    else cluster.remove(slot, usage, marks);
    filter.moved(slot, marks, sign);
  };
  for (const pod of removed) move(pod, -1);
  const rejection = filter.rejection(slot);
  if (rejection !== undefined) {
    for (const pod of removed) move(pod, 1);
    return rejection;
  }
  const candidate = chooseVictims(slot, removed, request.allowed, move, () => filter.accepts(slot));
  for (const pod of candidate.victims) move(pod, 1);
  return candidate;
}

/** The first of those where the least is lost. */
export function leastLoss<Owner>(candidates: readonly Candidate<Owner>[]): Candidate<Owner> | undefined {
  const losses = new Float64Array(candidates.length * LOSS_NUMBERS);
  candidates.forEach((candidate, i) => void writeLoss(candidate, losses, i * LOSS_NUMBERS));
  let best = 0;
  for (let i = 1; i < candidates.length; i++) if (compareLosses(losses, i * LOSS_NUMBERS, best * LOSS_NUMBERS) < 0) best = i;
  return candidates[best];
}
