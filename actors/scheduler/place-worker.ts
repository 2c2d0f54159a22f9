import { type Batch, Cluster, Draw, IndexCache, type LookShare, type Placements, placeBatch, takeLooks } from "../../scheduler-core/mod.ts";

/** A task for a thread of the pool. The cluster's arrays come by reference, and nobody else may write to them until the answer. */
export type PoolTask =
  | { readonly type: "place"; readonly cluster: SharedArrayBuffer; readonly batch: Batch; readonly seed: number }
  | { readonly type: "look"; readonly cluster: SharedArrayBuffer; readonly share: LookShare };

/** Kept between tasks, so that a batch repairs what the one before it built. */
const indexes = new IndexCache();

/** Places the pods of a batch one after another; the arrays hold them afterwards. Or looks at some of its classes beforehand. */
export default function work(task: PoolTask): Placements | undefined {
  const cluster = Cluster.over(task.cluster);
  if (task.type === "place") return placeBatch(cluster, task.batch, indexes, new Draw(task.seed));
  takeLooks(cluster, task.share);
  return undefined;
}
