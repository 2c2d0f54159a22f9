import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { Histogram, type HistogramCounts } from "./histogram.ts";
import type { PoolTask, PoolThread } from "./pool-thread.ts";
import { systemClock } from "./system.ts";
import type { Clock, Timer } from "./time.ts";

/** Tasks that may wait for a free thread, per thread; `run` refuses more, or waits for room. */
export const QUEUED_TASKS_PER_THREAD = 64;

/** A cancelled task that has not ended after so long does not ask whether it is; its thread is ended, and another takes its place. */
export const CANCEL_GRACE_MS = 1_000;

export interface WorkerPoolOptions {
  /**
   * The module whose default export handles one task: `(task: Task, cancellation: Cancellation) => Result | Promise<Result>`. May be TypeScript.
   * A task that takes long asks `cancellation.cancelled` now and then (pool-thread.ts).
   */
  readonly file: URL;
  /** Worker threads, all started at once and kept; one that dies is replaced. */
  readonly threads: number;
  /** For messages, errors and metrics. */
  readonly name: string;
  /** The machine's by default. */
  readonly clock?: Clock;
}

export interface RunOptions {
  /** Ends the wait at once: `run` rejects with an AbortError. A task that waits is taken back; one in work is asked to end. */
  readonly signal?: AbortSignal;
  /** When too many tasks wait: be the next when there is room, instead of being refused. */
  readonly wait?: boolean;
}

/** The pool's queue is full: try again when tasks have ended, or use `wait`. */
export class WorkerPoolBusy extends Error {
  readonly code = "worker-pool-busy";

  constructor(pool: string, queued: number) {
    super(`worker pool ${pool}: ${queued} tasks wait already`);
    this.name = "WorkerPoolBusy";
  }
}

/** What a pool has done, and does: plain data. */
export interface PoolState {
  readonly name: string;
  readonly threads: number;
  /** Tasks that wait for a free thread. */
  readonly queued: number;
  /** Callers that wait for room in the queue. */
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  /** Tasks that threw, or whose thread died. */
  readonly failed: number;
  /** Tasks that their callers gave up, waiting or in work. */
  readonly cancelled: number;
  /** Threads that were ended because a cancelled task did not end by itself. */
  readonly killed: number;
  /** Tasks that were refused. */
  readonly refused: number;
  /** From `run` to a thread. */
  readonly inQueue: HistogramCounts;
  /** From the thread to the answer. */
  readonly inWork: HistogramCounts;
  /** For how long handing a task over held the caller's event loop: what is copied with it costs time here. */
  readonly blocks: HistogramCounts;
}

/** Invariant: in exactly one of #beyond, #queue and #running, until it is settled. */
interface Job<Task, Result> {
  readonly task: Task;
  readonly since_ms: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  /** Its caller has its answer, or gave up. */
  settled: boolean;
}

/**
 * Threads for arithmetic that would hold up an event loop. Tasks are copied (structured clone), except SharedArrayBuffers, which are shared: what is
 * large goes there. The pool keeps the queue itself, so that a thread is only given a task that it begins at once.
 */
export class WorkerPool<Task, Result> {
  readonly name: string;
  readonly #pool: Piscina<PoolTask, Result>;
  readonly #clock: Clock;
  readonly #threads: number;
  readonly #queuedMax: number;
  /** Of the slots, those of no task in work. */
  readonly #free: number[];
  readonly #flags: SharedArrayBuffer;
  readonly #cells: Int32Array;
  #queue: Job<Task, Result>[] = [];
  #beyond: Job<Task, Result>[] = [];
  readonly #counts = { done: 0, failed: 0, cancelled: 0, killed: 0, refused: 0 };
  readonly #inQueue = new Histogram();
  readonly #inWork = new Histogram();
  readonly #blocks = new Histogram();
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    const { name, threads, file, clock = systemClock() } = options;
    this.name = name;
    this.#clock = clock;
    this.#threads = threads;
    this.#queuedMax = threads * QUEUED_TASKS_PER_THREAD;
    this.#free = Array.from({ length: threads }, (_, slot) => slot);
    this.#flags = new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(this.#flags);
    this.#pool = new Piscina<PoolTask, Result>({
      filename: fileURLToPath(new URL("./pool-thread.ts", import.meta.url)),
      workerData: { file: file.href } satisfies PoolThread,
      minThreads: threads,
      maxThreads: threads,
      recordTiming: false,
    });
  }

  /** Rejects with WorkerPoolBusy when too many tasks wait, with what the task threw, with an Error when its thread died, or with an AbortError. */
  run(task: Task, options: RunOptions = {}): Promise<Result> {
    const { signal, wait = false } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal));
      if (this.#closed) return reject(new Error(`worker pool ${this.name} is closed`));
      const full = this.#queue.length >= this.#queuedMax;
      if (full && !wait) {
        this.#counts.refused += 1;
        return reject(new WorkerPoolBusy(this.name, this.#queue.length));
      }
      const job: Job<Task, Result> = {
        ...{ task, since_ms: this.#clock.monotonic_ms(), resolve, reject, signal, settled: false },
        onAbort: () => this.#giveUp(job),
      };
      signal?.addEventListener("abort", job.onAbort);
      (full ? this.#beyond : this.#queue).push(job);
      this.#next();
    });
  }

  /** Tasks that wait for a free thread. */
  get queued(): number {
    return this.#queue.length;
  }

  snapshot(): PoolState {
    return {
      name: this.name,
      threads: this.#threads,
      queued: this.#queue.length,
      waiting: this.#beyond.length,
      running: this.#threads - this.#free.length,
      ...this.#counts,
      inQueue: this.#inQueue.counts(),
      inWork: this.#inWork.counts(),
      blocks: this.#blocks.counts(),
    };
  }

  /** Ends the threads; tasks that wait or are in work end with an error. */
  async close(): Promise<void> {
    this.#closed = true;
    const left = [...this.#queue, ...this.#beyond];
    this.#queue = [];
    this.#beyond = [];
    for (const job of left) this.#settle(job, () => job.reject(new Error(`worker pool ${this.name} is closed`)));
    await this.#pool.destroy();
  }

  #next(): void {
    while (this.#free.length > 0) {
      const job = this.#queue.shift();
      if (job === undefined) break;
      this.#begin(job, this.#free.pop() ?? 0);
    }
    while (this.#beyond.length > 0 && this.#queue.length < this.#queuedMax) {
      const job = this.#beyond.shift();
      if (job !== undefined) this.#queue.push(job);
    }
  }

  #begin(job: Job<Task, Result>, slot: number): void {
    const began_ms = this.#clock.monotonic_ms();
    this.#inQueue.add(began_ms - job.since_ms);
    Atomics.store(this.#cells, slot, 0);
    const kill = new AbortController();
    let grace: Timer | undefined;
    const cancel = (): void => {
      Atomics.store(this.#cells, slot, 1);
      grace = this.#clock.after(CANCEL_GRACE_MS, () => {
        this.#counts.killed += 1;
        kill.abort();
      });
    };
    job.signal?.addEventListener("abort", cancel);
    const ended = (settle: () => void): void => {
      grace?.cancel();
      job.signal?.removeEventListener("abort", cancel);
      this.#inWork.add(this.#clock.monotonic_ms() - began_ms);
      this.#free.push(slot);
      this.#settle(job, settle);
      if (!this.#closed) this.#next();
    };
    this.#pool.run({ task: job.task, flags: this.#flags, slot }, { signal: kill.signal }).then(
      (result) =>
        ended(() => {
          this.#counts.done += 1;
          job.resolve(result);
        }),
      (error: unknown) =>
        ended(() => {
          this.#counts.failed += 1;
          job.reject(error);
        }),
    );
    this.#blocks.add(this.#clock.monotonic_ms() - began_ms);
  }

  #giveUp(job: Job<Task, Result>): void {
    this.#queue = this.#queue.filter((other) => other !== job);
    this.#beyond = this.#beyond.filter((other) => other !== job);
    this.#settle(job, () => {
      this.#counts.cancelled += 1;
      job.reject(aborted(job.signal));
    });
    this.#next();
  }

  #settle(job: Job<Task, Result>, settle: () => void): void {
    if (job.settled) return;
    job.settled = true;
    job.signal?.removeEventListener("abort", job.onAbort);
    settle();
  }
}

function aborted(signal: AbortSignal | undefined): Error {
  const error = new Error("the task was cancelled", { cause: signal?.reason });
  error.name = "AbortError";
  return error;
}
