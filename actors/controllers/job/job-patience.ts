import type { Job, JobCondition } from "../../kinds/generated/types.ts";
import type { Key } from "../../store/transaction.ts";
import { holding } from "./job-conditions.ts";
import { isFailed, isSucceeded } from "./job-pods.ts";
import { DEADLINE_EXCEEDED, type JobFacts } from "./job-verdict.ts";

/** Source: SyncJobBatchPeriod. */
const PATIENCE_MS = 1_000;

interface Record {
  readonly uid: string;
  /** The pods whose ends have been looked at. */
  readonly seen: ReadonlySet<string>;
  /** When the first end was there that has not. */
  readonly since_ms: number | undefined;
}

/**
 * Pods that began together end together. Kubernetes looks at them a second after the first of them ended; so does this where it matters whose end is seen
 * first: where the job's verdict stops pods that still run, and where the job may end while others could be started. Kept in memory only.
 */
export class JobPatience {
  readonly #records = new Map<Key, Record>();

  /** Milliseconds until the job may be looked at; 0: now. */
  left_ms(key: Key, facts: JobFacts, verdict: JobCondition | undefined, now_ms: number): number {
    const { job, pods } = facts;
    const { uid } = job.metadata;
    const known = this.#records.get(key);
    const { seen, since_ms = now_ms } = known?.uid === uid ? known : { seen: new Set<string>() };
    const ended = pods.filter((pod) => pod.tracked && (isSucceeded(pod) || isFailed(job, pod))).map((pod) => pod.facts.uid);
    const left_ms = ended.every((one) => seen.has(one)) || !matters(facts, verdict) ? 0 : since_ms + PATIENCE_MS - now_ms;
    this.#records.set(key, left_ms > 0 ? { uid, seen, since_ms } : { uid, seen: new Set(ended), since_ms: undefined });
    return Math.max(0, left_ms);
  }

  forget(key: Key): void {
    this.#records.delete(key);
  }
}

function matters({ job, active }: JobFacts, verdict: JobCondition | undefined): boolean {
  if (verdict === undefined) return mayEndEarly(job);
  // One that stands is carried out, and one that comes at its time does so whatever pods do.
  return active.length > 0 && holding(job, verdict.type) === undefined && verdict.reason !== DEADLINE_EXCEEDED;
}

/** Before all that was asked for has been tried. */
function mayEndEarly({ spec }: Job): boolean {
  return spec.successPolicy !== undefined || spec.maxFailedIndexes !== undefined;
}
