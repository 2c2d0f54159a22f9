import type { Logger, Message } from "./actor.ts";
import type { Address } from "./address.ts";
import { type DeadLetterCounts, type DeadLetterReason, noDeadLetters } from "./counters.ts";
import type { Clock } from "./time.ts";

/** Of dead letters with one reason, one is logged in this time; the line says how many were not. */
export const DEAD_LETTER_LOG_INTERVAL_MS = 10_000;

export type DeadLetterListener = (reason: DeadLetterReason, to: Address | string, message: Message | undefined) => void;

interface Sample {
  logged_ms: number;
  unlogged: number;
}

/** Counts what could not be delivered, and shows a sample of it in the log. */
export class DeadLetters {
  readonly counts: DeadLetterCounts = noDeadLetters();
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #listener: DeadLetterListener | undefined;
  readonly #samples = new Map<DeadLetterReason, Sample>();

  constructor(log: Logger, clock: Clock, listener?: DeadLetterListener) {
    this.#log = log;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** One more. `to` is the address, or what else says where it was going; `ofKind` are the counts of the receiver's kind. */
  add(reason: DeadLetterReason, to: Address | string, message: Message | undefined, ofKind: DeadLetterCounts | undefined): void {
    if (ofKind !== undefined) ofKind[reason] += 1;
    this.#listener?.(reason, to, message);
    const alsoSinceLast = this.#counted(reason);
    if (alsoSinceLast === undefined) return;
    const fields = { reason, to, message: message?.type, alsoSinceLast };
    // A host that stops leaves letters behind by design; everywhere else one is a sign that something is wrong.
    if (reason === "stopped") this.#log.debug(fields, "dead letter");
    else this.#log.warn(fields, "dead letter");
  }

  /** Something came that this host cannot read; `what` says what, and why not. */
  addUnreadable(what: string): void {
    const alsoSinceLast = this.#counted("unreadable");
    if (alsoSinceLast !== undefined) this.#log.error({ what, alsoSinceLast }, "dropped what this host cannot read");
  }

  /** One more. How many of this reason were not logged since the last that was; undefined when this one is not to be logged either. */
  #counted(reason: DeadLetterReason): number | undefined {
    this.counts[reason] += 1;
    const now_ms = this.#clock.monotonic_ms();
    const sample = this.#samples.get(reason);
    if (sample !== undefined && now_ms - sample.logged_ms < DEAD_LETTER_LOG_INTERVAL_MS) {
      sample.unlogged += 1;
      return undefined;
    }
    this.#samples.set(reason, { logged_ms: now_ms, unlogged: 0 });
    return sample?.unlogged ?? 0;
  }
}
