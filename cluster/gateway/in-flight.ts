import type { Answer } from "./answer.ts";

/** Requests that read and may be under way at once; watches do not count. Kubernetes has 400; ours take less time each. */
export const READONLY_IN_FLIGHT_MAX = 2_000;
/** Requests that write and may be under way at once. Kubernetes has 200; ours wait together for one group commit. */
export const MUTATING_IN_FLIGHT_MAX = 1_000;
/** When a client that was turned away may try again. */
export const RETRY_AFTER_S = 1;

export type Lane = "readonly" | "mutating";

/** Counts what is under way, so that a flood is turned away (429) while it is still cheap to do so. */
export class InFlight {
  #readonly = 0;
  #mutating = 0;

  /** False when the lane is full; true obliges the caller to `leave`. */
  enter(lane: Lane): boolean {
    if (lane === "readonly") {
      if (this.#readonly >= READONLY_IN_FLIGHT_MAX) return false;
      this.#readonly += 1;
    } else {
      if (this.#mutating >= MUTATING_IN_FLIGHT_MAX) return false;
      this.#mutating += 1;
    }
    return true;
  }

  leave(lane: Lane): void {
    if (lane === "readonly") this.#readonly -= 1;
    else this.#mutating -= 1;
  }

  count(lane: Lane): number {
    return lane === "readonly" ? this.#readonly : this.#mutating;
  }
}

/** As kube-apiserver says it: in plain words, no Status. */
export function tooMany(retryAfter_s: number = RETRY_AFTER_S): Answer {
  const headers = { "Retry-After": String(retryAfter_s), "X-Content-Type-Options": "nosniff" };
  return { type: "text", code: 429, text: "Too many requests, please try again later.\n", headers };
}
