import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { PodClass } from "./pod-class.ts";
import type { Reason } from "./reason.ts";
import { NodeFilter, type NodeRejection } from "./survey.ts";
import type { Usage } from "./usage.ts";

/** A pod that may have to go. */
export interface Occupant<Owner> {
  readonly owner: Owner;
  readonly priority: number;
  /** When it was started; undefined: it has not been, which counts as now. */
  readonly started_ms: number | undefined;
  readonly usage: Usage;
  readonly marks: Int32Array;
  /** Numbers of the disruption budgets that its end counts against. */
  readonly budgets: readonly number[];
}

export interface PreemptionRequest<Owner> {
  readonly pods: PodClass;
  /** The only node that the pod may run on; -1: any. */
  readonly pin: number;
  /** The pods of a node, in the order in which they came to it. */
  occupants(slot: number): readonly Occupant<Owner>[];
  /** By number of the budget, how many disruptions it allows. */
  readonly allowed: readonly number[];
  /** Breaks ties: nodes are asked from a random one on. */
  readonly random: Draw;
  /** Enough nodes to choose from, of those where preemption helps: a share of all, and at least so many. Default ENOUGH. */
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

interface Candidate<Owner> {
  readonly slot: number;
  readonly victims: readonly Occupant<Owner>[];
  readonly violations: number;
}

/**
 * Finds the pods whose end lets a pod in that no node takes. On every node where that could help: all of lower priority go, and if the
 * pod fits then, they come back one by one, the most important and those protected by a budget first, as long as it still fits.
 * The arrays are as before when this returns. Source: DefaultPreemption's SelectVictimsOnNode and pickOneNodeForPreemption.
 */
export function preempt<Owner>(cluster: Cluster, request: PreemptionRequest<Owner>): Preemption<Owner> {
  const filter = new NodeFilter(cluster, request.pods);
  const rejections = new Map<Reason, number>();
  const candidates: Candidate<Owner>[] = [];
  let unhelpful = 0;
  let victimless = 0;
  const { percent, least } = request.candidates ?? ENOUGH;
  const enough = Math.max(least, Math.floor((cluster.nodes * percent) / 100));
  const offset = request.random.below(cluster.nodes);
  for (let i = 0; i < cluster.nodes; i++) {
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
    const slot = (i + offset) % cluster.nodes;
    if (cluster.live[slot] !== 1) continue;
    const now = request.pin === -1 || slot === request.pin ? filter.rejection(slot) : undefined;
    if (now?.resolvable !== true) unhelpful++;
    else if ((cluster.lowestPriority[slot] as number) >= request.pods.priority) victimless++;
    else {
      const found = victimsOn(cluster, request, filter, slot);
      if ("slot" in found) candidates.push(found);
      else for (const reason of found.reasons) rejections.set(reason, (rejections.get(reason) ?? 0) + 1);
    }
  }
  const best = leastLoss(candidates);
  return { slot: best?.slot, victims: best?.victims.map(({ owner }) => owner) ?? [], rejections, unhelpful, victimless };
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
  // Of pods alike, the one that came last goes first in: kube-scheduler takes the time for each start it does not know while it compares.
  const { violating, others } = byBudget([...removed].reverse().sort(moreImportant), request.allowed);
  const victims: Occupant<Owner>[] = [];
  let violations = 0;
  const reprieve = (pod: Occupant<Owner>): boolean => {
    move(pod, 1);
    if (filter.accepts(slot)) return true;
    move(pod, -1);
    victims.push(pod);
    return false;
  };
  for (const pod of violating) if (!reprieve(pod)) violations++;
  for (const pod of others) reprieve(pod);
  for (const pod of victims) move(pod, 1);
  if (violating.length > 0 && others.length > 0) victims.sort(moreImportant);
  return { slot, victims, violations };
}

const startOf = ({ started_ms }: Occupant<unknown>): number => started_ms ?? Number.POSITIVE_INFINITY;

/** Higher priority first, then whoever runs longer. Source: kube-scheduler's MoreImportantPod. */
function moreImportant(a: Occupant<unknown>, b: Occupant<unknown>): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  return startOf(a) === startOf(b) ? 0 : startOf(a) - startOf(b);
}

/** Splits off the pods whose end a budget does not allow when those before them have gone. Source: filterPodsWithPDBViolation. */
function byBudget<Owner>(pods: readonly Occupant<Owner>[], allowed: readonly number[]) {
  const left = [...allowed];
  const violating: Occupant<Owner>[] = [];
  const others: Occupant<Owner>[] = [];
  for (const pod of pods) {
    let isViolated = false;
    for (const budget of pod.budgets) {
      left[budget] = (left[budget] ?? 0) - 1;
      if ((left[budget] as number) < 0) isViolated = true;
    }
    (isViolated ? violating : others).push(pod);
  }
  return { violating, others };
}

/** Each pod counts for something, however low its priority. Source: pickOneNodeForPreemption. */
const PRIORITY_OFFSET = 2 ** 31;

/** The fewest violated budgets; then the lowest top priority; the lowest sum; the fewest victims; the youngest of the most important. */
function leastLoss<Owner>(candidates: readonly Candidate<Owner>[]): Candidate<Owner> | undefined {
  // Where nobody has to go after all, nothing is lost.
  const free = candidates.find(({ victims }) => victims.length === 0);
  if (free !== undefined) return free;
  const losses = [
    ({ violations }: Candidate<Owner>): number => violations,
    ({ victims }: Candidate<Owner>): number => victims[0]?.priority ?? 0,
    ({ victims }: Candidate<Owner>): number => victims.reduce((sum, { priority }) => sum + priority + PRIORITY_OFFSET, 0),
    ({ victims }: Candidate<Owner>): number => victims.length,
    ({ victims }: Candidate<Owner>): number => -earliestStart(victims),
  ];
  let left = [...candidates];
  for (const loss of losses) {
    const least = Math.min(...left.map(loss));
    left = left.filter((candidate) => loss(candidate) === least);
  }
  return left[0];
}

/** Of the victims of the highest priority, when the first was started. */
function earliestStart(victims: readonly Occupant<unknown>[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const victim of victims) if (victim.priority === victims[0]?.priority) earliest = Math.min(earliest, startOf(victim));
  return earliest;
}
