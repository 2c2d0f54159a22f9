import { ClassIndex } from "./class-index.ts";
import type { Cluster } from "./cluster.ts";
import { type Diagnosis, diagnose } from "./diagnosis.ts";
import type { Draw } from "./draw.ts";
import { LocalScores } from "./local-scores.ts";
import { pickPlainly } from "./plain-loop.ts";
import type { PodClass } from "./pod-class.ts";
import { needsLoop } from "./profile.ts";
import { NodeFilter } from "./survey.ts";

/** Classes whose index a thread keeps; the one used longest ago goes first. */
const CLASS_INDEXES_MAX = 128;
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
}

export interface Placements {
  /** For each pod its node's slot, already counted in the cluster, or UNPLACED. */
  readonly slots: Int32Array;
  /** For each pod the number of its diagnosis in `diagnoses`; -1 when it was placed. */
  readonly diagnosisOf: Int32Array;
  readonly diagnoses: readonly Diagnosis[];
}

/** The indexes that a thread has built, by cluster and class. */
export class IndexCache {
  readonly #indexes = new Map<string, ClassIndex>();
  readonly #locals = new Map<string, LocalScores>();

  /** The local scores of this class by slot, caught up with the cluster. */
  locals(cluster: Cluster, pods: PodClass): Int32Array {
    const key = `${cluster.identity}/${pods.id}/${pods.relationsId}`;
    const known = this.#locals.get(key) ?? new LocalScores();
    this.#locals.delete(key);
    this.#locals.set(key, known);
    if (this.#locals.size > CLASS_INDEXES_MAX) {
      for (const oldest of this.#locals.keys()) {
        this.#locals.delete(oldest);
        break;
      }
    }
    known.repair(cluster, pods);
    return known.scores;
  }

  /** The index of this class, caught up with the cluster. */
  current(cluster: Cluster, pods: PodClass): ClassIndex {
    const key = `${cluster.identity}/${pods.id}/${pods.relationsId}`;
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = new ClassIndex(cluster, pods);
      if (this.#indexes.size >= CLASS_INDEXES_MAX) {
        for (const oldest of this.#indexes.keys()) {
          this.#indexes.delete(oldest);
          break;
        }
      }
    } else {
      this.#indexes.delete(key);
      index.repair(cluster, pods);
    }
    this.#indexes.set(key, index);
    return index;
  }
}

/** Decides for every pod of the batch in order and counts each placed pod in the cluster. */
export function placeBatch(cluster: Cluster, batch: Batch, indexes: IndexCache, random: Draw): Placements {
  const slots = new Int32Array(batch.pods.length).fill(UNPLACED);
  const diagnosisOf = new Int32Array(batch.pods.length).fill(-1);
  const diagnoses: Diagnosis[] = [];
  // A class's failure holds for its next pods until a node changes.
  const failures = new Map<string, { readonly changes: number; readonly diagnosis: number }>();
  const current: (ClassIndex | undefined)[] = new Array(batch.classes.length).fill(undefined);
  for (let i = 0; i < batch.pods.length; i++) {
    const number = batch.pods[i] as number;
    const pods = batch.classes[number] as PodClass;
    const pin = batch.pins[i] as number;
    let slot = UNPLACED;
    if (pin !== ANYWHERE) {
      if (pin >= 0 && cluster.live[pin] === 1 && new NodeFilter(cluster, pods).accepts(pin)) slot = pin;
    } else if (needsLoop(cluster, pods)) slot = pickPlainly(cluster, pods, random, indexes.locals(cluster, pods));
    else {
      const known = current[number];
      if (known === undefined) current[number] = indexes.current(cluster, pods);
      else known.repair(cluster, pods);
      const index = current[number] as ClassIndex;
      slot = index.isSplintered ? pickPlainly(cluster, pods, random, indexes.locals(cluster, pods)) : index.pick(random);
    }
    if (slot >= 0) {
      cluster.add(slot, pods.usage, pods.marks);
      slots[i] = slot;
      continue;
    }
    const key = `${number}/${pin}`;
    const failed = failures.get(key);
    if (failed !== undefined && failed.changes === cluster.changes) {
      diagnosisOf[i] = failed.diagnosis;
      continue;
    }
    diagnosisOf[i] = diagnoses.length;
    failures.set(key, { changes: cluster.changes, diagnosis: diagnoses.length });
    diagnoses.push(diagnose(cluster, pods, pin));
  }
  return { slots, diagnosisOf, diagnoses };
}
