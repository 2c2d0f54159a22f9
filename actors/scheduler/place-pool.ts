import { WorkerPool } from "../../runtime/mod.ts";
import type { Placements } from "../../scheduler-core/mod.ts";
import type { PlaceTask } from "./place-worker.ts";

/** The pool in which placement runs. A shard has one task under way at a time, so more threads than shards on this host do nothing. */
export function createPlacePool(threads = 1): WorkerPool<PlaceTask, Placements> {
  return new WorkerPool<PlaceTask, Placements>({ file: new URL("./place-worker.ts", import.meta.url), threads, name: "placement" });
}
