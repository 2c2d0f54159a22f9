import type { Clock } from "../../../runtime/mod.ts";

/** Resolves after so long, or when it is told to. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = clock.after(ms, done);
    function done(): void {
      signal.removeEventListener("abort", done);
      timer.cancel();
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
