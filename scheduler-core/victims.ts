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

/** Who has to go on one node. */
export interface Candidate<Owner> {
  readonly slot: number;
  /** The most important first. */
  readonly victims: readonly Occupant<Owner>[];
  /** How many of them a budget does not allow to go. */
  readonly violations: number;
}

/**
 * Of the pods that have been removed from a node, those that cannot come back: one by one, the most important and those protected by a
 * budget first, each that still fits beside the new pod stays. `moved` says that a pod has come back (1) or is gone after all (-1),
 * `fits` whether the new pod still has room. `removed` is in the order of arrival. Source: DefaultPreemption's SelectVictimsOnNode.
 */
export function chooseVictims<Owner>(
  slot: number,
  removed: readonly Occupant<Owner>[],
  allowed: readonly number[],
  moved: (pod: Occupant<Owner>, sign: 1 | -1) => void,
  fits: () => boolean,
): Candidate<Owner> {
  // Of pods alike, the one that came last goes first in: kube-scheduler takes the time for each start it does not know while it compares.
  const { violating, others } = byBudget([...removed].reverse().sort(moreImportant), allowed);
  const victims: Occupant<Owner>[] = [];
  let violations = 0;
  const reprieve = (pod: Occupant<Owner>): boolean => {
    moved(pod, 1);
    if (fits()) return true;
    moved(pod, -1);
    victims.push(pod);
    return false;
  };
  for (const pod of violating) if (!reprieve(pod)) violations++;
  for (const pod of others) reprieve(pod);
  if (violating.length > 0 && others.length > 0) victims.sort(moreImportant);
  return { slot, victims, violations };
}

const startOf = ({ started_ms }: Occupant<unknown>): number => started_ms ?? Number.POSITIVE_INFINITY;

/** Higher priority first, then whoever runs longer. Source: kube-scheduler's MoreImportantPod. */
function moreImportant(a: Occupant<unknown>, b: Occupant<unknown>): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  const [first, second] = [startOf(a), startOf(b)];
  return first === second ? 0 : first - second;
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
/** Numbers that `writeLoss` writes. */
export const LOSS_NUMBERS = 5;

/**
 * What is lost on a candidate, as numbers to compare in order, the less the better: violated budgets; the top priority; the sum of
 * priorities; the number of victims; and of those of top priority, how long the one that runs longest has run. Where nobody has to go
 * after all, nothing is lost. Source: pickOneNodeForPreemption.
 */
export function writeLoss({ violations, victims }: Candidate<unknown>, into: Float64Array, at: number): void {
  const top = victims[0]?.priority ?? Number.NEGATIVE_INFINITY;
  let sum = 0;
  let earliest = Number.POSITIVE_INFINITY;
  for (const victim of victims) {
    sum += victim.priority + PRIORITY_OFFSET;
    if (victim.priority === top) earliest = Math.min(earliest, startOf(victim));
  }
  into[at] = victims.length === 0 ? Number.NEGATIVE_INFINITY : violations;
  into[at + 1] = top;
  into[at + 2] = sum;
  into[at + 3] = victims.length;
  into[at + 4] = -earliest;
}

/** Below 0 when the first loss is the lesser one, above 0 when the second is, 0 when they are equal. */
export function compareLosses(losses: Float64Array, first: number, second: number): number {
  for (let i = 0; i < LOSS_NUMBERS; i++) {
    const a = losses[first + i] as number;
    const b = losses[second + i] as number;
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
