import { ClassIndex } from "./class-index.ts";
import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import { FirstLook } from "./first-look.ts";
import { LocalScores } from "./local-scores.ts";
import type { PodClass } from "./pod-class.ts";
import { isGridded, isSameEverywhere, UsageGrid } from "./usage-grid.ts";

/** Classes whose index a thread keeps; the one used longest ago goes first. */
const CLASS_INDEXES_MAX = 128;
/** The same in nodes of all indexes together, for memory: each takes some 20 bytes. */
const INDEXED_NODES_MAX = 1 << 24;
/** But so many are kept in any case. */
const CLASS_INDEXES_MIN = 4;
/** Classes that a thread knows to have been asked for once. */
const CLASSES_PICKED_ONCE_MAX = 4_096;
/** Grids that a thread keeps: one for all classes to which nodes differ in nothing fixed, and one for those of each other static class. */
const GRIDS_MAX = 16;

/** What a thread has found out about classes, by cluster and class, so that a batch repairs what the one before it built. */
export class IndexCache {
  readonly #indexes = new Map<string, ClassIndex>();
  readonly #locals = new Map<string, LocalScores>();
  /** Classes of which one pod was placed without an index; the next one builds it. */
  readonly #pickedOnce = new Map<string, true>();
  readonly #grids = new Map<string, UsageGrid>();
  /** Static classes of which one class was met. */
  readonly #metStatics = new Map<string, true>();
  #scratch: Int32Array = new Int32Array(0);

  /** The index of this class, caught up with the cluster. */
  index(cluster: Cluster, pods: PodClass): ClassIndex {
    const key = keyOf(cluster, pods);
    const known = this.#indexes.get(key);
    known?.repair(cluster, pods);
    return renew(this.#indexes, key, known ?? new ClassIndex(cluster, pods), mostFor(cluster));
  }

  /** For classes without an index: `localScore` by slot, caught up with the cluster. */
  locals(cluster: Cluster, pods: PodClass): Int32Array {
    const key = keyOf(cluster, pods);
    const locals = renew(this.#locals, key, this.#locals.get(key) ?? new LocalScores(), mostFor(cluster));
    locals.repair(cluster, pods);
    return locals.scores;
  }

  /**
   * Where to put the only pod of a class in a batch, by the grid or by a look, its own or one that was `taken` before; undefined: the
   * class is worth an index.
   */
  pickOnce(cluster: Cluster, pods: PodClass, random: Draw, taken: FirstLook | undefined): number | undefined {
    const key = keyOf(cluster, pods);
    if (pods.relations !== undefined || this.#indexes.has(key) || this.#pickedOnce.delete(key)) return undefined;
    renew(this.#pickedOnce, key, true, CLASSES_PICKED_ONCE_MAX);
    const grid = isGridded(pods) ? this.#grid(cluster, pods) : undefined;
    if (grid !== undefined) return grid.pick(cluster, pods, random);
    if (taken !== undefined) return taken.pick(cluster, pods, random);
    if (this.#scratch.length < cluster.nodes) this.#scratch = new Int32Array(cluster.capacity);
    return FirstLook.take(cluster, pods, this.#scratch).pick(cluster, pods, random);
  }

  /** Undefined for the first class of a static class: a grid costs several passes, and is for those that come after. */
  #grid({ identity }: Cluster, pods: PodClass): UsageGrid | undefined {
    const isFlat = isSameEverywhere(pods);
    const key = isFlat ? `${identity}` : `${identity}/${pods.staticsId}`;
    const known = this.#grids.get(key);
    if (known === undefined && !isFlat && !this.#metStatics.delete(key)) {
      renew(this.#metStatics, key, true, CLASSES_PICKED_ONCE_MAX);
      return undefined;
    }
    return renew(this.#grids, key, known ?? new UsageGrid(), GRIDS_MAX);
  }
}

function keyOf({ identity }: Cluster, { id, relationsId }: PodClass): string {
  return `${identity}/${id}/${relationsId}`;
}

function mostFor({ capacity }: Cluster): number {
  return Math.min(CLASS_INDEXES_MAX, Math.max(CLASS_INDEXES_MIN, Math.floor(INDEXED_NODES_MAX / capacity)));
}

/** Makes this entry the newest one and drops the oldest when there are too many. */
function renew<K, V>(map: Map<K, V>, key: K, value: V, most: number): V {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  return value;
}
