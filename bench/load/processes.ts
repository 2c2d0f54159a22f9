import { readdirSync, readFileSync } from "node:fs";
import { processorTime_us } from "../store/processor-time.ts";
import { Samples } from "./samples.ts";

const SAMPLE_MS = 5_000;
const BYTES_PER_KB = 1_024;
const US_PER_MS = 1_000;

/** What processes and all their descendants take, summed: memory every five seconds, processor time when asked. Needs /proc. */
export class Processes {
  readonly #pids: readonly number[];
  readonly #timer: NodeJS.Timeout;
  /** Resident memory, bytes. */
  readonly resident: Samples = new Samples();

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  /** Used so far by those that there are now. */
  get processorTime_ms(): number {
    return withDescendants(this.#pids).reduce((sum, pid) => sum + processorTime_us(pid), 0) / US_PER_MS;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  #sample(): void {
    const bytes = withDescendants(this.#pids).reduce((sum, pid) => sum + residentOf(pid), 0);
    if (bytes > 0) this.resident.add(performance.now(), bytes);
  }
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * BYTES_PER_KB;
}

function withDescendants(pids: readonly number[]): readonly number[] {
  if (pids.length === 0) return [];
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = Number(/\) \S (\d+)/.exec(/^\d+$/.test(name) ? read(`/proc/${name}/stat`) : "")?.[1] ?? 0);
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set(pids);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** "" when the process has gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
