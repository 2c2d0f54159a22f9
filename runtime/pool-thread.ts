import { workerData } from "piscina";

/** What a thread of a pool is started with. */
export interface PoolThread {
  /** The module whose default export handles one task. */
  readonly file: string;
}

/** One task as it comes to a thread. */
export interface PoolTask {
  readonly task: unknown;
  /** One number for each thread of the pool; not 0 while the task that this one is for is cancelled. */
  readonly flags: SharedArrayBuffer;
  readonly slot: number;
}

/** Says to a task in work whether anybody still waits for it. To be asked once in a millisecond or so: it costs some nanoseconds. */
export class Cancellation {
  readonly #flags: Int32Array;
  readonly #slot: number;

  constructor(flags: SharedArrayBuffer, slot: number) {
    this.#flags = new Int32Array(flags);
    this.#slot = slot;
  }

  /** Nobody waits any more: the task should return at once, whatever it has. */
  get cancelled(): boolean {
    return Atomics.load(this.#flags, this.#slot) !== 0;
  }
}

const { file }: PoolThread = workerData;
const { default: handle }: { default: (task: unknown, cancellation: Cancellation) => unknown } = await import(file);

/** The entry of a pool's thread. */
export default function run({ task, flags, slot }: PoolTask): unknown {
  return handle(task, new Cancellation(flags, slot));
}
