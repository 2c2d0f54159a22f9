/** Columns that every cluster has (2 is ephemeral storage); extended resources follow from FIXED_COLUMNS on, numbered as they appear. */
export const CPU_MILLI = 0;
export const MEMORY_BYTES = 1;
export const PODS = 3;
export const FIXED_COLUMNS = 4;

/** What a container without a request counts as when nodes are scored. Source: kube-scheduler's DefaultMilliCPURequest and DefaultMemoryRequest. */
export const NONZERO_CPU_MILLI = 100;
export const NONZERO_MEMORY_BYTES: number = 200 * 1024 * 1024;

/**
 * What one pod takes from a node. Shared by all pods of the same needs; plain data that crosses into worker threads.
 * Amounts are whole numbers below 2^53 in the unit of their column.
 */
export interface Usage {
  /** The columns asked for, without PODS (always one) and without zero amounts: those that must fit first, each part ascending. */
  readonly columns: Int32Array;
  /** How many of `columns` must fit; the others are only counted. */
  readonly checked: number;
  /** The amount in each of `columns`. */
  readonly amounts: Float64Array;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  /** As cpu and memory, with a default for containers that ask for nothing. */
  readonly nonzeroCpu_milli: number;
  readonly nonzeroMemory_bytes: number;
  /** Port columns whose counter the pod raises. */
  readonly portsTaken: Int32Array;
  /** Port columns that must be zero. */
  readonly portsWanted: Int32Array;
  /** Columns of disks that must be zero; those it raises are among `portsTaken`. */
  readonly disksWanted: Int32Array;
  /** Undefined: it has no volumes of which a node can have only so many. */
  readonly attachments: Attachments | undefined;
}

/**
 * Volumes that a pod attaches to its node, by driver. A node has a resource column for each driver: allocatable is one more than its limit
 * (0: no limit), requested is how many volumes are attached, each counted once however many pods use it.
 */
export interface Attachments {
  readonly columns: Int32Array;
  /** How many volumes of each of `columns`. */
  readonly amounts: Int32Array;
  /** By slot, where some of them are attached for other pods already: how many of each of `columns`. Kept by the owner. */
  readonly held: Map<number, Int32Array>;
}

/** Columns that something raises, and those that must be zero before it comes. */
export interface Claims {
  readonly taken: readonly number[];
  readonly wanted: readonly number[];
}

const NO_CLAIMS: Claims = { taken: [], wanted: [] };
const NO_COLUMNS: Int32Array = new Int32Array(0);
const CPU_AND_MEMORY: Int32Array = Int32Array.of(CPU_MILLI, MEMORY_BYTES);

/** Columns as an array; the common ones are shared, so that many usages cross threads in one message at the price of few. */
function columnsOf(columns: readonly number[]): Int32Array {
  if (columns.length === 0) return NO_COLUMNS;
  if (columns.length === 2 && columns[0] === CPU_MILLI && columns[1] === MEMORY_BYTES) return CPU_AND_MEMORY;
  return Int32Array.from(columns);
}

const NONE: ReadonlySet<number> = new Set();

/** A usage of these amounts by column (sparse; PODS is ignored). */
export function usageOf(
  amounts: ReadonlyMap<number, number>,
  nonzero: { readonly cpu_milli: number; readonly memory_bytes: number },
  ports: Claims = NO_CLAIMS,
  disks: Claims = NO_CLAIMS,
  attachments?: Attachments,
  unchecked: ReadonlySet<number> = NONE,
): Usage {
  const rank = (column: number): number => (unchecked.has(column) ? 1 : 0);
  const asked = [...amounts].filter(([column, amount]) => column !== PODS && amount > 0).sort(([a], [b]) => rank(a) - rank(b) || a - b);
  return {
    checked: asked.filter(([column]) => rank(column) === 0).length,
    columns: columnsOf(asked.map(([column]) => column)),
    amounts: Float64Array.from(asked, ([, amount]) => amount),
    cpu_milli: amounts.get(CPU_MILLI) ?? 0,
    memory_bytes: amounts.get(MEMORY_BYTES) ?? 0,
    nonzeroCpu_milli: nonzero.cpu_milli,
    nonzeroMemory_bytes: nonzero.memory_bytes,
    portsTaken: columnsOf([...ports.taken, ...disks.taken]),
    portsWanted: columnsOf(ports.wanted),
    disksWanted: columnsOf(disks.wanted),
    attachments,
  };
}
