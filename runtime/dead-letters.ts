import type { Logger, Message } from "./actor.ts";
import type { Address } from "./address.ts";
import { type DeadLetterCounts, type DeadLetterReason, noDeadLetters } from "./counters.ts";
import type { Clock } from "./time.ts";

/** Of dead letters with one reason, one is logged in this time; the line says how many were not. */
export const DEAD_LETTER_LOG_INTERVAL_MS = 10_000;

interface Sample {
  logged_ms: number;
  unlogged: number;
}

/** Counts what could not be delivered, and shows a sample of it in the log. */
export class DeadLetters {
  readonly counts: DeadLetterCounts = noDeadLetters();
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #samples = new Map<DeadLetterReason, Sample>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** One more. `to` is the address, or what else says where it was going; `ofKind` are the counts of the receiver's kind. */
  add(reason: DeadLetterReason, to: Address | string, message: Message | undefined, ofKind: DeadLetterCounts | undefined): void {
    this.counts[reason] += 1;
    if (ofKind !== undefined) ofKind[reason] += 1;
    const now_ms = this.#clock.monotonic_ms();
    const sample = this.#samples.get(reason);
    if (sample !== undefined && now_ms - sample.logged_ms < DEAD_LETTER_LOG_INTERVAL_MS) {
      sample.unlogged += 1;
      return;
    }
    this.#samples.set(reason, { logged_ms: now_ms, unlogged: 0 });
    const fields = { reason, to, message: message?.type, alsoSinceLast: sample?.unlogged ?? 0 };
    // A host that stops leaves letters behind by design; everywhere else one is a sign that something is wrong.
    if (reason === "stopped") this.#log.debug(fields, "dead letter");
    else this.#log.warn(fields, "dead letter");
  }
}
