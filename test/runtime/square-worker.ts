/** What the test's pool runs: adds into shared memory, or waits until it is told to go on. */
export interface SquareTask {
  readonly shared: SharedArrayBuffer;
  readonly index: number;
  readonly value: number;
  /** Spins until `shared[0]` is set. */
  readonly wait?: boolean;
}

export default function square(task: SquareTask): number {
  const cells = new Int32Array(task.shared);
  if (task.wait === true) Atomics.wait(cells, 0, 0, 20_000);
  if (task.value < 0) throw new RangeError("negative");
  Atomics.store(cells, task.index, task.value * task.value);
  return task.value * task.value;
}
