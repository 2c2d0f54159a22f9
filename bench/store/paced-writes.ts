import type { Clock } from "../../runtime/mod.ts";

/** Shared by all whose lag is compared. */
export const LAG_PODS = 10_000;
const WRITES_PER_S = 5_000;
const WRITE_EVERY_MS = 2;
/** More are not begun: a pod must not be written again before its last write is answered. */
const WRITES_IN_FLIGHT_MAX = 2_000;

export interface PacedWrites {
  readonly written: number;
  readonly took_ms: number;
}

/** Writes pods in turn at WRITES_PER_S, as nearly as the clock, and who takes them, let it. `put` gets the pod's number. */
export async function writePaced(clock: Clock, for_ms: number, put: (pod: number) => Promise<void>): Promise<PacedWrites> {
  const start_ms = performance.now();
  const outcomes: Promise<void>[] = [];
  let written = 0;
  let inFlight = 0;
  const one = async (pod: number): Promise<void> => {
    inFlight++;
    await put(pod);
    inFlight--;
  };
  while (performance.now() - start_ms < for_ms) {
    const due = Math.floor(((performance.now() - start_ms) / 1_000) * WRITES_PER_S);
    while (written < due && inFlight < WRITES_IN_FLIGHT_MAX) outcomes.push(one(written++ % LAG_PODS));
    await new Promise<void>((resolve) => void clock.after(WRITE_EVERY_MS, resolve));
  }
  await Promise.all(outcomes);
  return { written, took_ms: performance.now() - start_ms };
}
