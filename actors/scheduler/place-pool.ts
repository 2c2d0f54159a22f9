import { availableParallelism } from "node:os";
import { type PoolState, WorkerPool } from "../../runtime/mod.ts";
import {
  type Batch,
  Cluster,
  Draw,
  IndexCache,
  joinPlacements,
  type LookShare,
  needsLook,
  type Placements,
  type PodClass,
  placeBatch,
  prepareLooks,
  shareOf,
  splitBatch,
} from "../../scheduler-core/mod.ts";
import type { PoolTask } from "./place-worker.ts";

const WORKER = new URL("./place-worker.ts", import.meta.url);
/** Pods that are placed after one look at their classes: each that is placed makes one node more that the others' looks are wrong about. */
const LOOKED_AT_PODS_MAX = 128;
/** Nodes to look at, over all classes, that are worth a message to other threads. */
const LOOKED_AT_NODES_MIN = 1 << 17;
/** More threads than this gain nothing: one thread decides in order. */
const THREADS_MAX = 8;
/**
 * A batch of no more than so many pods, of so few classes, among so few nodes is placed on the thread that asks: that takes less time than the message to another
 * thread and back. Fewer of pods of which others have a say, since each of those may take a pass over the nodes.
 */
const PODS_HERE_MAX = 64;
const PODS_WITH_PEERS_HERE_MAX = 8;
const CLASSES_HERE_MAX = 8;
const NODES_HERE_MAX = 1 << 14;
/** Classes that are remembered as known to the placing thread. */
const KNOWN_CLASSES_MAX = 4_096;

/** One batch. Nobody else may touch the cluster's arrays until the answer. */
export interface PlaceTask {
  readonly cluster: SharedArrayBuffer;
  readonly batch: Batch;
  readonly seed: number;
}

/**
 * The threads in which placement runs. One decides, pod by pod, and keeps the indexes. Where a batch has many classes that no index knows,
 * each needs a pass over all nodes first: those passes are split over all threads, which read the same arrays and write to one more. The other
 * threads start when there is first work for them.
 */
export class PlacementPool {
  readonly #placing: WorkerPool<PoolTask, Placements>;
  readonly #helpers: number;
  #helping: WorkerPool<PoolTask, undefined> | undefined;
  /** Classes that were asked for before, by cluster. */
  readonly #known = new Set<string>();
  /** For what is placed here. */
  readonly #indexes = new IndexCache();

  constructor(threads: number) {
    this.#placing = new WorkerPool({ file: WORKER, threads: 1, name: "placement" });
    this.#helpers = Math.min(threads, THREADS_MAX) - 1;
  }

  async run({ cluster: buffer, batch, seed }: PlaceTask): Promise<Placements> {
    const cluster = Cluster.over(buffer);
    if (isSmall(cluster, batch)) return placeBatch(cluster, batch, this.#indexes, new Draw(seed));
    const isKnown = (pods: PodClass): boolean => this.#known.has(`${cluster.identity}/${pods.id}`);
    const fewest = Math.ceil(LOOKED_AT_NODES_MIN / Math.max(1, cluster.nodes));
    const isWide = this.#helpers > 0 && batch.classes.filter((pods) => needsLook(pods) && !isKnown(pods)).length >= fewest;
    const parts: Placements[] = [];
    for (const part of isWide ? splitBatch(batch, LOOKED_AT_PODS_MAX) : [batch]) {
      const looks = isWide ? prepareLooks(cluster, part, isKnown) : undefined;
      if (looks !== undefined)
        await this.#look(
          buffer,
          Array.from({ length: this.#helpers + 1 }, (_, i) => shareOf(part, looks, i, this.#helpers + 1)),
        );
      const looked = looks === undefined ? part : { ...part, looks };
      parts.push(await this.#placing.run({ type: "place", cluster: buffer, batch: looked, seed: (seed + parts.length) | 0 }));
    }
    if (this.#helpers > 0) for (const { id } of batch.classes) this.#remember(`${cluster.identity}/${id}`);
    return parts.length === 1 ? (parts[0] as Placements) : joinPlacements(parts);
  }

  snapshot(): PoolState {
    return this.#placing.snapshot();
  }

  async close(): Promise<void> {
    await Promise.all([this.#placing.close(), this.#helping?.close()]);
  }

  async #look(cluster: SharedArrayBuffer, [own, ...others]: LookShare[]): Promise<void> {
    this.#helping ??= new WorkerPool({ file: WORKER, threads: this.#helpers, name: "placement helpers" });
    const helping = this.#helping;
    const task = (share: LookShare): PoolTask => ({ type: "look", cluster, share });
    await Promise.all([this.#placing.run(task(own as LookShare)), ...others.map((share) => helping.run(task(share)))]);
  }

  #remember(key: string): void {
    this.#known.delete(key);
    this.#known.add(key);
    if (this.#known.size <= KNOWN_CLASSES_MAX) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      break;
    }
  }
}

function isSmall({ nodes }: Cluster, { pods, classes }: Batch): boolean {
  const most = classes.every(({ relations }) => relations === undefined) ? PODS_HERE_MAX : PODS_WITH_PEERS_HERE_MAX;
  return pods.length <= most && classes.length <= CLASSES_HERE_MAX && nodes <= NODES_HERE_MAX;
}

/** By default a thread for each core. */
export function createPlacePool(threads: number = availableParallelism()): PlacementPool {
  return new PlacementPool(threads);
}
