import { CHANGE_LOG_NODES, type Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import { SCORE_MAX } from "./plugins/plugin.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, groupOffsets, localScore } from "./profile.ts";
import { OUT, RankedBuckets } from "./ranked-buckets.ts";
import { CPU_MILLI, MEMORY_BYTES, PODS } from "./usage.ts";
import { isPlain, isScoredByDefault, plainScore, plainWeights } from "./usage-pass.ts";

/** Weights beyond this would make too many levels of bounds. */
const WEIGHTS_MAX = 16;
/** With more groups of nodes that differ in what is fixed, cells hold too few nodes each to be worth their bounds. */
const GROUPS_MAX = 64;
/** So many cells may have lost all their nodes before the grid is laid anew. */
const DRAINED_CELLS_MAX = 1_024;
/** Percent that a cell tells apart, with one step below and above for what is overdrawn. */
const STEPS = SCORE_MAX + 3;
/** Slack for what rounding may add to a bound. */
const EPSILON = 1e-6;
/** Numbers of a cell: capacities, then percent left (cpu, memory, for scoring), then percent requested, then the group. */
const CELL = 7;
const GROUP = 6;
/** No static class. */
const NO_GROUPS = -1;
/** Numbers of the first row of a cell: cpu and memory requested, the same for scoring, and whether there is room for one more pod. */
const ROW = 5;

/** Whether the grid can place a pod of this class. */
export function isGridded(pods: PodClass): boolean {
  const { fit, balanced } = plainWeights(pods);
  const isBounded = fit + balanced <= WEIGHTS_MAX && pods.groups.length <= GROUPS_MAX * FIXED_SCORES.length;
  return pods.relations === undefined && isBounded && isScoredByDefault(pods);
}

/** Whether all nodes that may take such pods are worth the same to it in what is fixed: then one grid serves for all such classes. */
export function isSameEverywhere({ groups }: PodClass): boolean {
  return groups.length <= FIXED_SCORES.length;
}

/**
 * All nodes by what their pods take, in cells of one percent of cpu and memory, the same for many classes: so one that has never been seen
 * asks the cells first. A cell bounds the score of each of its nodes; only those of cells that reach the best score are asked for theirs.
 *
 * Where nodes differ for a class in what is fixed, its static class has a grid of its own, whose cells tell groups apart too: so bounds, and what is normalised
 * over groups, are as exact. To a grid for all classes that are worth the same everywhere there is one group.
 *
 * Invariant: after `repair`, every live node is in the cell of its row, but for those that the static class of the grid's own rejects.
 */
export class UsageGrid {
  #buckets = new RankedBuckets(0, 1);
  readonly #cellOf = new Map<number, number>();
  readonly #shapes = new Map<string, number>();
  #cells: number[] = [];
  /** By cell, the row of its first node, and 1 while all its nodes have that very row: then one of them speaks for all. */
  #rows: number[] = [];
  #isAlike: number[] = [];
  #seen = 0;
  #capacity = -1;
  /** By cell, the bound of its scores for the class that is asked for; then cells in order of their bounds. */
  #bounds: Int32Array = new Int32Array(0);
  #order: Int32Array = new Int32Array(0);
  #starts: Int32Array = new Int32Array(0);
  #ties: Int32Array = new Int32Array(0);
  /** Cells of which every node ties. */
  readonly #blocks: number[] = [];
  /** The static class whose groups the cells tell apart, and its revision; NO_GROUPS: none. */
  #staticsId = NO_GROUPS;
  #revision = 0;
  /** By group, what the static scores add; 1 where the group has a node that fits. */
  #offsets: Int32Array = new Int32Array(1);
  #feasible: Uint8Array = new Uint8Array(1);

  /** One of the best nodes, each with the same chance; -1 when none can take the pod. The class must be gridded. */
  pick(cluster: Cluster, pods: PodClass, random: Draw): number {
    this.#repair(cluster, pods);
    const { fit, balanced } = plainWeights(pods);
    const isSimple = isPlain(pods);
    const cells = this.#bound(cluster, pods, fit, balanced, isSimple);
    const isOpen = isSimple && pods.rejected === 0;
    let best = OUT;
    let ties = 0;
    let blocks = 0;
    let inBlocks = 0;
    for (let i = 0; i < cells; i++) {
      const cell = this.#order[i] as number;
      if ((this.#bounds[cell] as number) < best) break;
      const members = this.#buckets.members(cell);
      const offset = this.#offsets[this.#cells[cell * CELL + GROUP] as number] as number;
      let score = OUT;
      let isAsked = false;
      for (let k = 0; k < members; k++) {
        const slot = this.#buckets.tie(cell, k);
        if ((pods.verdicts[slot] as number) < 0) continue;
        if (!isAsked) {
          const local = isSimple ? plainScore(cluster, pods, slot, fit, balanced) : localScore(cluster, pods, slot);
          score = local === OUT ? OUT : local + offset;
        }
        isAsked = isSimple && this.#isAlike[cell] === 1;
        if (isAsked && (score < best || score === OUT)) break;
        if (score < best || score === OUT) continue;
        if (score > best) {
          ties = 0;
          blocks = 0;
          inBlocks = 0;
        }
        best = score;
        if (isAsked && isOpen) {
          // All of the cell are as good: it is a block of ties.
          this.#blocks[blocks++] = cell;
          inBlocks += members;
          break;
        }
        this.#ties[ties++] = slot;
      }
    }
    if (ties + inBlocks === 0) return -1;
    let number = random.below(ties + inBlocks);
    if (number < ties) return this.#ties[number] as number;
    number -= ties;
    for (let i = 0; i < blocks; i++) {
      const cell = this.#blocks[i] as number;
      const members = this.#buckets.members(cell);
      if (number < members) return this.#buckets.tie(cell, number);
      number -= members;
    }
    throw new Error("the grid counted a tie that it cannot find");
  }

  /** Bounds the scores of each cell with nodes and sorts them, the highest first; answers how many may have a node that fits. */
  #bound(cluster: Cluster, pods: PodClass, fit: number, balanced: number, isSimple: boolean): number {
    const { usage } = pods;
    const cells = this.#cells;
    const count = cells.length / CELL;
    const most = (fit + balanced) * SCORE_MAX;
    if (this.#bounds.length < count) {
      this.#bounds = new Int32Array(2 * count);
      this.#order = new Int32Array(2 * count);
    }
    for (let cell = 0; cell < count; cell++) {
      this.#bounds[cell] = this.#buckets.members(cell) === 0 ? OUT : this.#boundOf(cell * CELL, usage, fit, balanced, most);
    }
    const levels = most + this.#weighGroups(cluster, pods, count, isSimple) + 1;
    if (this.#starts.length < levels + 1) this.#starts = new Int32Array(levels + 1);
    const starts = this.#starts.fill(0);
    for (let cell = 0; cell < count; cell++) {
      if (this.#bounds[cell] === OUT) continue;
      const bound = (this.#bounds[cell] as number) + (this.#offsets[cells[cell * CELL + GROUP] as number] as number);
      this.#bounds[cell] = bound;
      if (bound !== OUT) starts[levels - 1 - bound] = (starts[levels - 1 - bound] as number) + 1;
    }
    let sum = 0;
    for (let level = 0; level < levels; level++) {
      const cellsHere = starts[level] as number;
      starts[level] = sum;
      sum += cellsHere;
    }
    for (let cell = 0; cell < count; cell++) {
      const bound = this.#bounds[cell] as number;
      if (bound === OUT) continue;
      const at = starts[levels - 1 - bound] as number;
      this.#order[at] = cell;
      starts[levels - 1 - bound] = at + 1;
    }
    return sum;
  }

  /**
   * Works out what the static scores add to each group that has a node that fits, since they are normalised over those; answers the most. Cells of other groups are
   * out.
   */
  #weighGroups(cluster: Cluster, pods: PodClass, cells: number, isSimple: boolean): number {
    if (this.#staticsId === NO_GROUPS) {
      this.#offsets[0] = 0;
      return 0;
    }
    const groups = Math.floor(pods.groups.length / FIXED_SCORES.length);
    if (this.#offsets.length !== groups) {
      this.#offsets = new Int32Array(groups);
      this.#feasible = new Uint8Array(groups);
    }
    const feasible = this.#feasible.fill(0);
    const { fit, balanced } = plainWeights(pods);
    let left = groups;
    for (let cell = 0; cell < cells && left > 0; cell++) {
      const group = this.#cells[cell * CELL + GROUP] as number;
      if (this.#bounds[cell] === OUT || feasible[group] === 1) continue;
      const members = this.#buckets.members(cell);
      for (let k = 0; k < members; k++) {
        const slot = this.#buckets.tie(cell, k);
        const score = isSimple ? plainScore(cluster, pods, slot, fit, balanced) : localScore(cluster, pods, slot);
        if (score === OUT) {
          if (isSimple && this.#isAlike[cell] === 1) break;
          continue;
        }
        feasible[group] = 1;
        left--;
        break;
      }
    }
    groupOffsets(pods, feasible, this.#offsets);
    let most = 0;
    for (let group = 0; group < groups; group++) if (feasible[group] === 1) most = Math.max(most, this.#offsets[group] as number);
    for (let cell = 0; cell < cells; cell++) if (feasible[this.#cells[cell * CELL + GROUP] as number] !== 1) this.#bounds[cell] = OUT;
    return most;
  }

  /** No node of the cell scores more; OUT: the pod fits on none. `most` is the bound where nothing is known. */
  #boundOf(at: number, usage: PodClass["usage"], fit: number, balanced: number, most: number): number {
    const cells = this.#cells;
    const cpu = cells[at] as number;
    const memory = cells[at + 1] as number;
    if (cpu === 0 || memory === 0) return most;
    const cpuTaken = cells[at + 4] as number;
    const memoryTaken = cells[at + 5] as number;
    const cpuAsked = (usage.cpu_milli * SCORE_MAX) / cpu;
    const memoryAsked = (usage.memory_bytes * SCORE_MAX) / memory;
    if (cpuAsked > 0 && cpuTaken + cpuAsked > SCORE_MAX + EPSILON) return OUT;
    if (memoryAsked > 0 && memoryTaken + memoryAsked > SCORE_MAX + EPSILON) return OUT;
    const cpuLeft = (cells[at + 2] as number) + 1 - (usage.nonzeroCpu_milli * SCORE_MAX) / cpu;
    const memoryLeft = (cells[at + 3] as number) + 1 - (usage.nonzeroMemory_bytes * SCORE_MAX) / memory;
    const least = Math.floor((Math.max(0, Math.floor(cpuLeft + EPSILON)) + Math.max(0, Math.floor(memoryLeft + EPSILON))) / 2);
    // Both fractions lie within a percent above their cell's; where one is beyond the whole, nothing is said.
    const isWithin = cpuTaken + cpuAsked < SCORE_MAX && memoryTaken + memoryAsked < SCORE_MAX;
    const apart = isWithin ? Math.max(0, Math.abs(cpuTaken + cpuAsked - memoryTaken - memoryAsked) - 1) : 0;
    const even = Math.floor(SCORE_MAX - apart / 2 + EPSILON);
    return fit * Math.min(SCORE_MAX, least) + balanced * even;
  }

  #repair(cluster: Cluster, pods: PodClass): void {
    const [staticsId, revision] = isSameEverywhere(pods) ? [NO_GROUPS, 0] : [pods.staticsId, pods.revision];
    const behind = (cluster.changes - this.#seen) | 0;
    const cells = this.#cells.length / CELL;
    const isDrained = cells > DRAINED_CELLS_MAX && cells > cluster.nodes;
    const isOther = cluster.capacity !== this.#capacity || staticsId !== this.#staticsId || revision !== this.#revision;
    if (isOther || isDrained || behind < 0 || behind > CHANGE_LOG_NODES || behind > cluster.nodes) {
      this.#capacity = cluster.capacity;
      this.#staticsId = staticsId;
      this.#revision = revision;
      this.#buckets = new RankedBuckets(cluster.capacity, 1);
      this.#ties = new Int32Array(cluster.capacity);
      this.#cellOf.clear();
      this.#cells = [];
      this.#rows = [];
      this.#isAlike = [];
      for (let slot = 0; slot < cluster.nodes; slot++) this.#place(cluster, pods, slot);
    } else {
      for (let change = this.#seen; change !== cluster.changes; change = (change + 1) | 0)
        this.#place(cluster, pods, cluster.changedAt(change));
    }
    this.#seen = cluster.changes;
  }

  #place(cluster: Cluster, { verdicts }: PodClass, slot: number): void {
    const group = this.#staticsId === NO_GROUPS ? 0 : (verdicts[slot] as number);
    if (cluster.live[slot] !== 1 || group < 0) {
      this.#buckets.set(slot, 0, OUT);
      return;
    }
    const { rows, columns } = cluster;
    const row = slot * cluster.stride;
    const cpu = rows[row + CPU_MILLI] as number;
    const memory = rows[row + MEMORY_BYTES] as number;
    const nonzero = row + 2 * columns;
    const cpuLeft = step(cpu - (rows[nonzero] as number), cpu);
    const memoryLeft = step(memory - (rows[nonzero + 1] as number), memory);
    const cpuTaken = step(rows[row + columns + CPU_MILLI] as number, cpu);
    const memoryTaken = step(rows[row + columns + MEMORY_BYTES] as number, memory);
    const shape = this.#shape(cpu, memory) * GROUPS_MAX + group;
    const key = (((shape * STEPS + cpuLeft + 1) * STEPS + memoryLeft + 1) * STEPS + cpuTaken + 1) * STEPS + memoryTaken + 1;
    let cell = this.#cellOf.get(key);
    if (cell === undefined) {
      cell = this.#cells.length / CELL;
      this.#cells.push(cpu, memory, cpuLeft, memoryLeft, cpuTaken, memoryTaken, group);
      this.#cellOf.set(key, cell);
    }
    this.#buckets.set(slot, cell, 0);
    this.#compare(cluster, row, cell);
  }

  /** Takes note of whether the row of a node that is in the cell now is that of all others. */
  #compare({ rows, columns }: Cluster, row: number, cell: number): void {
    const requested = row + columns;
    const cpu = rows[requested + CPU_MILLI] as number;
    const memory = rows[requested + MEMORY_BYTES] as number;
    const nonzeroCpu = rows[requested + columns] as number;
    const nonzeroMemory = rows[requested + columns + 1] as number;
    const hasRoom = (rows[requested + PODS] as number) + 1 > (rows[row + PODS] as number) ? 0 : 1;
    const first = this.#rows;
    const at = cell * ROW;
    if (this.#buckets.members(cell) === 1) {
      this.#isAlike[cell] = 1;
      first[at] = cpu;
      first[at + 1] = memory;
      first[at + 2] = nonzeroCpu;
      first[at + 3] = nonzeroMemory;
      first[at + 4] = hasRoom;
      return;
    }
    const isSame = first[at] === cpu && first[at + 1] === memory && first[at + 2] === nonzeroCpu && first[at + 3] === nonzeroMemory;
    if (!isSame || first[at + 4] !== hasRoom) this.#isAlike[cell] = 0;
  }

  #shape(cpu: number, memory: number): number {
    const key = `${cpu}/${memory}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = this.#shapes.size;
      this.#shapes.set(key, shape);
    }
    return shape;
  }
}

/** Whole percent, from -1 (less than none) to one more than all. */
function step(amount: number, of: number): number {
  if (amount < 0) return -1;
  return of === 0 ? 0 : Math.min(SCORE_MAX + 1, Math.floor((amount * SCORE_MAX) / of));
}
