import { type Batch, Cluster, Draw, IndexCache, type Placements, placeBatch } from "../../scheduler-core/mod.ts";

/** One batch for a worker of the pool. The cluster's arrays come by reference, and nobody else may touch them until the answer. */
export interface PlaceTask {
  readonly cluster: SharedArrayBuffer;
  readonly batch: Batch;
  readonly seed: number;
}

/** Kept between tasks, so that a batch repairs what the one before it built. */
const indexes = new IndexCache();

/** Places the pods of a batch one after another; the arrays hold them afterwards. */
export default function place(task: PlaceTask): Placements {
  return placeBatch(Cluster.over(task.cluster), task.batch, indexes, new Draw(task.seed));
}
