import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";

/** Tasks that may wait for a free thread, per thread; `run` refuses more. */
export const QUEUED_TASKS_PER_THREAD = 64;

export interface WorkerPoolOptions {
  /** The module whose default export handles one task: `(task: Task) => Result | Promise<Result>`. May be TypeScript. */
  readonly file: URL;
  /** Worker threads, all started at once and kept. */
  readonly threads: number;
  /** For messages and errors. */
  readonly name: string;
}

export interface RunOptions {
  /** Takes the task from the queue, or ends the thread that works on it (another takes its place); `run` rejects with an AbortError. */
  readonly signal?: AbortSignal;
}

/** The pool's queue is full: try again when tasks have ended. */
export class WorkerPoolBusy extends Error {
  readonly code = "worker-pool-busy";

  constructor(pool: string, queued: number) {
    super(`worker pool ${pool}: ${queued} tasks wait already`);
    this.name = "WorkerPoolBusy";
  }
}

/** Threads for arithmetic that would hold up an event loop. Tasks are copied (structured clone), except SharedArrayBuffers, which are shared. */
export class WorkerPool<Task, Result> {
  readonly name: string;
  readonly #pool: Piscina<Task, Result>;
  readonly #queuedMax: number;

  constructor(options: WorkerPoolOptions) {
    this.name = options.name;
    this.#queuedMax = options.threads * QUEUED_TASKS_PER_THREAD;
    this.#pool = new Piscina<Task, Result>({
      filename: fileURLToPath(options.file),
      minThreads: options.threads,
      maxThreads: options.threads,
      maxQueue: this.#queuedMax,
      recordTiming: false,
    });
  }

  /** Rejects with WorkerPoolBusy when too many tasks wait, with what the task threw, or with an AbortError. */
  async run(task: Task, options: RunOptions = {}): Promise<Result> {
    if (this.#pool.queueSize >= this.#queuedMax) throw new WorkerPoolBusy(this.name, this.#pool.queueSize);
    return await this.#pool.run(task, { signal: options.signal ?? null });
  }

  /** Tasks that wait for a free thread. */
  get queued(): number {
    return this.#pool.queueSize;
  }

  /** Ends the threads; tasks in work end with an error. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
