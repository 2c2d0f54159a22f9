import type { Cancellation } from "../../runtime/mod.ts";

/** What the test's pool runs: adds into shared memory, or waits until it is told to go on, or does worse. */
export interface SquareTask {
  readonly shared: SharedArrayBuffer;
  readonly index: number;
  readonly value: number;
  /**
   * - gate: waits until `shared[0]` is set
   * - poll: counts in `shared[index]` until it is cancelled, and then says so in `shared[0]`
   * - deaf: never ends
   * - exit: ends its thread
   */
  readonly first?: "gate" | "poll" | "deaf" | "exit";
}

export default function square(task: SquareTask, cancellation: Cancellation): number {
  const cells = new Int32Array(task.shared);
  if (task.first === "gate") Atomics.wait(cells, 0, 0, 20_000);
  if (task.first === "poll") {
    while (!cancellation.cancelled) Atomics.add(cells, task.index, 1);
    Atomics.store(cells, 0, 1);
    Atomics.notify(cells, 0);
    return -1;
  }
  if (task.first === "deaf") for (;;) Atomics.add(cells, task.index, 1);
  if (task.first === "exit") process.exit();
  if (task.value < 0) throw new RangeError("negative");
  Atomics.store(cells, task.index, task.value * task.value);
  return task.value * task.value;
}
