import type { Cluster } from "./cluster.ts";
import { FirstLook } from "./first-look.ts";
import type { PodClass } from "./pod-class.ts";
import { isGridded } from "./usage-grid.ts";

/** Room for the looks of one batch. */
const LOOKS_BYTES_MAX = 16 << 20;

/** What a look wants to know of a batch. */
interface ClassedPods {
  readonly classes: readonly PodClass[];
  /** For each pod the number of its class. */
  readonly pods: Int32Array;
}

/** First looks at some classes of a batch, taken by any threads before it is placed. */
export interface Looks {
  /** In a SharedArrayBuffer: the scores of each look by slot, one after another. */
  readonly scores: Int32Array;
  /** For each class of the batch the number of its look; -1: none. */
  readonly lookOf: Int32Array;
  /** Slots of each look. */
  readonly nodes: number;
  /** The cluster's changes when they were taken. */
  readonly changes: number;
}

/** Whether a single pod of this class is placed by a pass over all nodes. */
export function needsLook(pods: PodClass): boolean {
  return pods.relations === undefined && !isGridded(pods);
}

/** Classes, and the looks to take at them. */
export interface LookShare {
  readonly classes: readonly PodClass[];
  readonly looks: Looks;
}

/** How many pods of each class the batch has. */
export function podsOfClasses({ classes, pods }: ClassedPods): Int32Array {
  const times = new Int32Array(classes.length);
  for (let i = 0; i < pods.length; i++) times[pods[i] as number] = (times[pods[i] as number] as number) + 1;
  return times;
}

/**
 * Room for looks at the classes of a batch with one pod each; `isKnown` says of a class that it has an index. Undefined: there are
 * none.
 */
export function prepareLooks(cluster: Cluster, batch: ClassedPods, isKnown: (pods: PodClass) => boolean): Looks | undefined {
  const { nodes, changes } = cluster;
  const most = Math.floor(LOOKS_BYTES_MAX / (4 * Math.max(1, nodes)));
  let count = 0;
  const lookOf = podsOfClasses(batch).map((times, number) => {
    const pods = batch.classes[number] as PodClass;
    return times === 1 && count < most && needsLook(pods) && !isKnown(pods) ? count++ : -1;
  });
  if (count === 0) return undefined;
  return { scores: new Int32Array(new SharedArrayBuffer(4 * count * nodes)), lookOf, nodes, changes };
}

/** The classes that one of several threads is to look at, and their looks. */
export function shareOf({ classes }: ClassedPods, looks: Looks, share: number, shares: number): LookShare {
  const numbers = [...classes.keys()].filter((number) => (looks.lookOf[number] as number) % shares === share);
  const lookOf = Int32Array.from(numbers, (number) => looks.lookOf[number] as number);
  return { classes: numbers.map((number) => classes[number] as PodClass), looks: { ...looks, lookOf } };
}

/** Takes the looks of a share. Nobody may write to the cluster meanwhile; others may take theirs. */
export function takeLooks(cluster: Cluster, { classes, looks }: LookShare): void {
  classes.forEach((pods, number) => {
    const scores = scoresOf(looks, number);
    if (scores !== undefined) FirstLook.take(cluster, pods, scores);
  });
}

/** The look at a class, as it was taken. */
export function lookAt(looks: Looks | undefined, number: number): FirstLook | undefined {
  const scores = looks === undefined ? undefined : scoresOf(looks, number);
  return looks === undefined || scores === undefined ? undefined : FirstLook.taken(scores, looks.changes);
}

function scoresOf({ scores, lookOf, nodes }: Looks, number: number): Int32Array | undefined {
  const look = lookOf[number] as number;
  return look < 0 ? undefined : scores.subarray(look * nodes, (look + 1) * nodes);
}
