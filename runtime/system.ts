import { randomInt, randomUUID } from "node:crypto";
import type { Clock, Random, Timer } from "./time.ts";

/** Node refuses longer timeouts and would fire at once. */
const TIMEOUT_MAX_MS = 2_147_483_647;

/** The machine's clock. Timers keep the process alive until they fire or are cancelled. */
export function systemClock(): Clock {
  return {
    now_ms: () => Date.now(),
    monotonic_ms: () => performance.now(),
    after(delay_ms: number, fire: () => void): Timer {
      const timeout = setTimeout(fire, Math.min(Math.max(0, delay_ms), TIMEOUT_MAX_MS));
      return { cancel: () => clearTimeout(timeout) };
    },
  };
}

/** The machine's randomness. `below` is unbiased up to 2^48. */
export function systemRandom(): Random {
  return {
    next: () => Math.random(),
    below: (below: number) => (below <= 1 ? 0 : below <= 0xffff_ffff ? Math.floor(Math.random() * below) : randomInt(below)),
    uuid: () => randomUUID(),
  };
}
