import { WorkerPool } from "../../runtime/mod.ts";
import type { Placements } from "../../scheduler-core/mod.ts";
import type { PlaceTask } from "./place-worker.ts";

/** One thread: a batch is placed pod after pod, and the index that it repairs lives in that thread. */
const PLACEMENT_THREADS = 1;

/** The pool that places batches of pods for a scheduler. Its owner closes it. */
export function createPlacePool(): WorkerPool<PlaceTask, Placements> {
  return new WorkerPool({ file: new URL("./place-worker.ts", import.meta.url), threads: PLACEMENT_THREADS, name: "placement" });
}
