import type { Figure } from "../figure.ts";
import { percentile } from "./percentile.ts";
import type { PodSighting } from "./pod-line.ts";

/** A moment that has not come. */
const NEVER = 0;

/** When each pod of a run was asked for, answered, and first seen with a node and Running; milliseconds of one monotonic clock. */
export class PodTimes {
  readonly #sent_ms: Float64Array;
  readonly #answered_ms: Float64Array;
  readonly #scheduled_ms: Float64Array;
  readonly #running_ms: Float64Array;
  readonly #prefixLength: number;
  created = 0;
  scheduled = 0;
  running = 0;

  constructor(pods: number, prefix: string) {
    this.#sent_ms = new Float64Array(pods);
    this.#answered_ms = new Float64Array(pods);
    this.#scheduled_ms = new Float64Array(pods);
    this.#running_ms = new Float64Array(pods);
    this.#prefixLength = prefix.length;
  }

  create(index: number, sent_ms: number, answered_ms: number): void {
    this.#sent_ms[index] = sent_ms;
    this.#answered_ms[index] = answered_ms;
    this.created++;
  }

  see(pod: PodSighting, now_ms: number): void {
    const index = Number(pod.name.slice(this.#prefixLength));
    if (pod.scheduled && this.#scheduled_ms[index] === NEVER) {
      this.#scheduled_ms[index] = now_ms;
      this.scheduled++;
    }
    if (pod.running && this.#running_ms[index] === NEVER) {
      this.#running_ms[index] = now_ms;
      this.running++;
    }
  }

  /**
   * The figures of what happened so far. Rates count from the first create sent to the last pod's moment. Start-up is from the create
   * being sent (so the API's own time is in it) to the watch showing Running.
   */
  figures(about: Pick<Figure, "suite" | "case" | "conditions">): readonly Figure[] {
    const first_ms = this.#sent_ms.reduce((least, at) => (at !== NEVER && at < least ? at : least), Number.POSITIVE_INFINITY);
    const figures: Figure[] = [];
    const add = (metric: string, value: number | undefined, unit: string): void => {
      if (value !== undefined && Number.isFinite(value)) figures.push({ ...about, metric, value, unit });
    };
    const rate = (count: number, moments: Float64Array): number | undefined => {
      if (count === 0) return undefined;
      const last_ms = moments.reduce((most, at) => Math.max(most, at), 0);
      return (count / (last_ms - first_ms)) * 1000;
    };
    add("create rate", rate(this.created, this.#answered_ms), "pods/s");
    add("scheduled rate", rate(this.scheduled, this.#scheduled_ms), "pods/s");
    add("running rate", rate(this.running, this.#running_ms), "pods/s");
    const calls = this.#since(this.#answered_ms);
    const startUps = this.#since(this.#running_ms);
    add("create call p50", percentile(calls, 0.5), "ms");
    add("create call p99", percentile(calls, 0.99), "ms");
    add("pod start-up p50", percentile(startUps, 0.5), "ms");
    add("pod start-up p99", percentile(startUps, 0.99), "ms");
    return figures;
  }

  /** For each pod that has both, the time from its create being sent to the moment. */
  #since(moments: Float64Array): number[] {
    const spans: number[] = [];
    moments.forEach((at, index) => {
      const sent = this.#sent_ms[index] ?? NEVER;
      if (at !== NEVER && sent !== NEVER) spans.push(at - sent);
    });
    return spans;
  }
}
