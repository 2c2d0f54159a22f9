import type { ClassIndex } from "./class-index.ts";
import type { Cluster } from "./cluster.ts";
import { type Diagnosis, diagnose } from "./diagnosis.ts";
import type { Draw } from "./draw.ts";
import { type Guest, guestsFor } from "./guests.ts";
import type { IndexCache } from "./index-cache.ts";
import { type Looks, lookAt, podsOfClasses } from "./looks.ts";
import { pickPlainly } from "./plain-loop.ts";
import type { PodClass } from "./pod-class.ts";
import { needsLoop } from "./profile.ts";
import { NodeFilter } from "./survey.ts";

/** In `pins`: the pod may run anywhere. */
export const ANYWHERE = -1;
/** In `pins`: the only node that the pod may run on does not exist. */
export const NO_SUCH_NODE = -2;
/** In `Placements.slots`: no node took the pod. */
export const UNPLACED = -1;

/** Pods to place one after another, each seeing what the ones before it took. */
export interface Batch {
  readonly classes: readonly PodClass[];
  /** For each pod the number of its class in `classes`. */
  readonly pods: Int32Array;
  /** For each pod the slot of the only node that it may run on, ANYWHERE or NO_SUCH_NODE. */
  readonly pins: Int32Array;
  /** For each pod the slot where room was made for it: there it goes if it can, whatever other nodes are worth; ANYWHERE: nowhere. Absent: for none. */
  readonly nominated?: Int32Array | undefined;
  /** Who is awaited on nodes, beyond the pods of the batch; absent: nobody. */
  readonly guests?: readonly Guest[] | undefined;
  /** What other threads have found out beforehand; absent: nothing. */
  readonly looks?: Looks;
}

export interface Placements {
  /** For each pod its node's slot, already counted in the cluster, or UNPLACED. */
  readonly slots: Int32Array;
  /** For each pod the number of its diagnosis in `diagnoses`; -1 when it was placed. */
  readonly diagnosisOf: Int32Array;
  readonly diagnoses: readonly Diagnosis[];
}

/** Decides for every pod of the batch in order and counts each placed pod in the cluster. */
export function placeBatch(cluster: Cluster, batch: Batch, indexes: IndexCache, random: Draw): Placements {
  const slots = new Int32Array(batch.pods.length).fill(UNPLACED);
  const diagnosisOf = new Int32Array(batch.pods.length).fill(-1);
  const diagnoses: Diagnosis[] = [];
  // A class's failure holds for its next pods until a node changes.
  const failures = new Map<string, { readonly changes: number; readonly diagnosis: number }>();
  const current: (ClassIndex | undefined)[] = new Array(batch.classes.length).fill(undefined);
  const times = podsOfClasses(batch);
  /** Nominees that found no node yet: what is kept for them counts for those after them. */
  const kept: number[] = [];
  const guests = [...(batch.guests ?? [])];
  const decide = (number: number): number => {
    const pods = batch.classes[number] as PodClass;
    if (guestsFor(pods, guests).length > 0) return pickPlainly(cluster, pods, random, indexes.locals(cluster, pods), guests);
    if (needsLoop(cluster, pods)) return pickPlainly(cluster, pods, random, indexes.locals(cluster, pods));
    let index = current[number];
    if (index !== undefined) index.repair(cluster, pods);
    else {
      const slot = times[number] === 1 ? indexes.pickOnce(cluster, pods, random, lookAt(batch.looks, number)) : undefined;
      if (slot !== undefined) return slot;
      index = indexes.index(cluster, pods);
      current[number] = index;
    }
    return index.isSplintered ? pickPlainly(cluster, pods, random, indexes.locals(cluster, pods)) : index.pick(random);
  };
  for (let i = 0; i < batch.pods.length; i++) {
    const number = batch.pods[i] as number;
    const pods = batch.classes[number] as PodClass;
    const pin = batch.pins[i] as number;
    let slot = UNPLACED;
    const first = pin === ANYWHERE ? (batch.nominated?.[i] ?? ANYWHERE) : pin;
    if (first >= 0 && cluster.live[first] === 1 && new NodeFilter(cluster, pods, guests).accepts(first)) slot = first;
    else if (pin === ANYWHERE) slot = decide(number);
    if (slot >= 0) {
      cluster.add(slot, pods.usage, pods.marks);
      slots[i] = slot;
      continue;
    }
    const key = `${number}/${pin}`;
    const failed = failures.get(key);
    if (failed !== undefined && failed.changes === cluster.changes) diagnosisOf[i] = failed.diagnosis;
    else {
      diagnosisOf[i] = diagnoses.length;
      failures.set(key, { changes: cluster.changes, diagnosis: diagnoses.length });
      diagnoses.push(diagnose(cluster, pods, pin, guests));
    }
    if (pin === ANYWHERE && first >= 0 && cluster.live[first] === 1) {
      cluster.add(first, pods.usage);
      guests.push({ slot: first, marks: pods.marks });
      kept.push(i);
    }
  }
  for (const i of kept) cluster.remove(batch.nominated?.[i] as number, (batch.classes[batch.pods[i] as number] as PodClass).usage);
  return { slots, diagnosisOf, diagnoses };
}

/** The same pods in batches of at most so many, each with no more classes than it needs. */
export function splitBatch({ classes, pods, pins, nominated, guests }: Batch, most: number): Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < pods.length; from += most) {
    const numbers = new Map<number, number>();
    const part = pods.subarray(from, from + most).map((number) => {
      const known = numbers.get(number) ?? numbers.size;
      numbers.set(number, known);
      return known;
    });
    batches.push({
      classes: [...numbers.keys()].map((number) => classes[number] as PodClass),
      pods: part,
      pins: pins.slice(from, from + most),
      nominated: nominated?.slice(from, from + most),
      guests,
    });
  }
  return batches;
}

/** What became of batches placed one after another, as if they had been one. */
export function joinPlacements(parts: readonly Placements[]): Placements {
  const diagnoses: Diagnosis[] = [];
  const diagnosisOf: number[] = [];
  for (const part of parts) {
    const before = diagnoses.length;
    for (const number of part.diagnosisOf) diagnosisOf.push(number < 0 ? number : before + number);
    diagnoses.push(...part.diagnoses);
  }
  return { slots: Int32Array.from(parts.flatMap(({ slots }) => [...slots])), diagnosisOf: Int32Array.from(diagnosisOf), diagnoses };
}
