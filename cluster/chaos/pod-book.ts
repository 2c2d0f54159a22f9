import { GUARDED, GUARDED_MIN, isAvailable, type PodSeen } from "./workload.ts";

/**
 * Keeps book of the pods of a namespace, event by event as a watch tells them, so that not even a short moment goes unseen: no two pods of a name, and how many of
 * the guarded ones were left when one of them was evicted. Pure.
 */
export class PodBook {
  readonly faults: string[] = [];
  readonly #pods = new Map<string, PodSeen>();
  /** By uid: how many others were available when its deletion began. */
  readonly #leftAt = new Map<string, number>();

  readonly seen = (type: string, object: object): void => {
    const pod = object as PodSeen;
    const { name, uid } = pod.metadata;
    const before = this.#pods.get(name);
    if (before !== undefined && before.metadata.uid !== uid)
      this.faults.push(`${name} was there twice: as ${before.metadata.uid}, and as ${uid} before that one was gone`);
    if (type === "DELETED") this.#pods.delete(name);
    else this.#pods.set(name, pod);
    const begins = pod.metadata.deletionTimestamp !== undefined || type === "DELETED";
    if (begins && !this.#leftAt.has(uid)) this.#leftAt.set(uid, this.#available());
  };

  /** How many of the guarded pods were left when the deletion of this one began; undefined: it has not been seen yet. */
  leftAt(uid: string): number | undefined {
    return this.#leftAt.get(uid);
  }

  /** An eviction was granted. */
  evicted(name: string, left: number): void {
    if (left < GUARDED_MIN) this.faults.push(`${name} was evicted, and ${left} were left available where the budget is ${GUARDED_MIN}`);
  }

  #available(): number {
    return [...this.#pods.values()].filter((pod) => pod.metadata.labels?.app === GUARDED && isAvailable(pod)).length;
  }
}
