import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 50;
const PATIENCE_MS = 100_000;

/** Waits until `probe` gives something other than undefined or false, and gives that. Patience is long: it decides nothing but when to give up. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  patience_ms: number = PATIENCE_MS,
): Promise<T> {
  const deadline_ms = performance.now() + patience_ms;
  for (;;) {
    const asked_ms = performance.now();
    const got = await probe();
    if (got !== undefined && got !== false) return got;
    const now_ms = performance.now();
    if (now_ms > deadline_ms) throw new Error(`${what} did not come in ${patience_ms / 1000} s`);
    // Asking takes time from what is waited for.
    await delay(Math.max(POLL_MS, now_ms - asked_ms));
  }
}
