import { readFileSync } from "node:fs";

/** /proc counts in hundredths of a second. */
const US_PER_TICK = 10_000;

/** Processor time that a process has used, in microseconds; 0 where /proc does not tell. */
export function processorTime_us(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
  } catch {
    return 0;
  }
}
