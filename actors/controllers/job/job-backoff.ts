import type { Job } from "../../kinds/generated/types.ts";
import type { Key } from "../../store/transaction.ts";
import { isFailed, isSucceeded, type JobPod } from "./job-pods.ts";
import { hasPlace } from "./job-verdict.ts";

interface Record {
  readonly uid: string;
  /** When the last success was; 0 when there was none. */
  readonly success_ms: number;
  /** By the uid of the pod, when each failure was that came after it. */
  readonly failures: ReadonlyMap<string, number>;
}

/**
 * Failures of a job's pods since the last success, also those of pods that are gone by now: they make the job wait before it starts another pod. Kept in
 * memory only, as in Kubernetes. Source: backoffStore of pkg/controller/job.
 */
export class JobBackoff {
  readonly #records = new Map<Key, Record>();

  /** When the failures were that count, with what these pods tell. */
  failuresOf(key: Key, job: Job, pods: readonly JobPod[]): readonly number[] {
    const { uid } = job.metadata;
    const known = this.#records.get(key);
    const before = known?.uid === uid ? known : undefined;
    // Pods that the job itself gave up, or has counted long ago, are not tracked any more.
    const counted = pods.filter((pod) => pod.tracked && hasPlace(job, pod));
    const success_ms = Math.max(before?.success_ms ?? 0, ...counted.filter(isSucceeded).map(({ finished_ms }) => finished_ms));
    const failures = new Map(before?.failures);
    for (const pod of counted) if (isFailed(job, pod) && !failures.has(pod.facts.uid)) failures.set(pod.facts.uid, pod.finished_ms);
    for (const [pod, at_ms] of failures) if (at_ms <= success_ms) failures.delete(pod);
    if (failures.size > 0 || known !== undefined) this.#records.set(key, { uid, success_ms, failures });
    return [...failures.values()];
  }

  /** The job is over, or gone. */
  forget(key: Key): void {
    this.#records.delete(key);
  }
}
