import type { ApiAccess } from "../driver/kubeconfig.ts";
import { ListWatch } from "../driver/list-watch.ts";
import { type LoadPod, readPodLine, readPodObject } from "./pod-line.ts";
import { Samples } from "./samples.ts";
import { LOAD_LABEL } from "./templates.ts";

/** A pod that was seen created and not yet Running, and when. Kept for pods that never run, too, but no more of them than this. */
const STARTING_MAX = 1_000_000;

/**
 * The pods of a run, by two watches: one of those that run, which is told once of each pod, and one of those that have no node, which times how they come to
 * one. Start-up is from the moment when the second saw the pod created to when the first saw it Running.
 */
export class PodCensus {
  readonly #access: ApiAccess;
  readonly #run: string;
  readonly #running = new Map<string, LoadPod>();
  readonly #created_ms = new Map<string, number>();
  #runningWatch: ListWatch | undefined;
  #pendingWatch: ListWatch | undefined;
  /** Pods seen Running for the first time, each with how long after its creationTimestamp, whole seconds: what Kubernetes' own tests measure. */
  readonly started: Samples = new Samples();
  /** Pods whose start was timed from when it was seen created, milliseconds. */
  readonly startUps: Samples = new Samples();
  /** Pods seen to have got a node, and how long after they were seen created. */
  readonly scheduled: Samples = new Samples();
  /** Called with each pod that runs, the moment it is seen. */
  seenRunning: (pod: LoadPod, now_ms: number) => void = () => {};

  constructor(access: ApiAccess, run: string) {
    this.#access = access;
    this.#run = run;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Those that run now. */
  pods(): Iterable<LoadPod> {
    return this.#running.values();
  }

  async open(failed: (error: Error) => void): Promise<void> {
    this.#runningWatch = this.#watch("status.phase=Running", {
      listing: () => this.#running.clear(),
      come: (pod) => this.#runs(pod),
      gone: (uid) => void this.#running.delete(uid),
    });
    await this.#runningWatch.open(failed);
  }

  /** Times pods that are created from now on, or does so no more. */
  async timeStarts(wanted: boolean, failed: (error: Error) => void): Promise<void> {
    if (wanted === (this.#pendingWatch !== undefined)) return;
    if (!wanted) {
      await this.#pendingWatch?.close();
      this.#pendingWatch = undefined;
      return;
    }
    let isPast = true;
    this.#pendingWatch = this.#watch("spec.nodeName=", {
      listing: () => this.#created_ms.clear(),
      come: ({ uid }) => {
        const isNew = !isPast && !this.#created_ms.has(uid) && !this.#running.has(uid);
        if (isNew && this.#created_ms.size < STARTING_MAX) this.#created_ms.set(uid, performance.now());
      },
      gone: (uid) => this.#leftPending(uid),
    });
    await this.#pendingWatch.open(failed);
    isPast = false;
  }

  async close(): Promise<void> {
    await Promise.all([this.#runningWatch?.close(), this.#pendingWatch?.close()]);
  }

  #watch(
    fields: string,
    told: { readonly listing: () => void; readonly come: (pod: LoadPod) => void; readonly gone: (uid: string) => void },
  ): ListWatch {
    const selectors = new URLSearchParams({ fieldSelector: fields, labelSelector: `${LOAD_LABEL}=${this.#run}` });
    return new ListWatch(this.#access, {
      path: `/api/v1/pods?${selectors}`,
      listing: told.listing,
      item: (item) => told.come(readPodObject(item)),
      line: (line) => {
        const seen = readPodLine(line);
        if (seen === "error") return "error";
        if (seen === undefined) return undefined;
        if (seen.type === "DELETED") told.gone(seen.pod.uid);
        else told.come(seen.pod);
        return undefined;
      },
    });
  }

  #runs(pod: LoadPod): void {
    if (this.#running.has(pod.uid)) return;
    const now_ms = performance.now();
    this.#running.set(pod.uid, pod);
    this.started.add(now_ms, (Date.now() - pod.created_ms) / 1_000);
    const created_ms = this.#created_ms.get(pod.uid);
    if (created_ms !== undefined) {
      this.startUps.add(now_ms, now_ms - created_ms);
      this.#created_ms.delete(pod.uid);
    }
    this.seenRunning(pod, now_ms);
  }

  /** It has a node now, or was deleted without one; which of the two is not worth reading the whole of it. */
  #leftPending(uid: string): void {
    const created_ms = this.#created_ms.get(uid);
    if (created_ms !== undefined) this.scheduled.add(performance.now(), performance.now() - created_ms);
  }
}
