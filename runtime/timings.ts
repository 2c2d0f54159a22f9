import type { Sender } from "./actor.ts";
import { Histogram } from "./histogram.ts";

/** In a stream of messages one in so many is timed: reading the clock three times for each would cost more than its delivery. */
const TIMED_EVERY_MAX = 64;

/** Timed messages of a kind that lie further apart than this are few enough to time more of them. */
const QUIET_MS = 1;

/**
 * How long messages of one kind wait, and how long handling them takes. A kind with few messages has each of them timed; the more there are in
 * a millisecond, the fewer, down to one in TIMED_EVERY_MAX, and each then counts for those that were not. So counts come near the number of messages.
 */
export class Timings {
  readonly inMailbox: Histogram = new Histogram();
  readonly inHandler: Histogram = new Histogram();
  /** Messages until the next one that is timed. */
  #left = 1;
  #every = 1;
  #last_ms = Number.NEGATIVE_INFINITY;

  /** Whether this message, which comes into a mailbox now, is to be timed. */
  isDue(): boolean {
    this.#left -= 1;
    return this.#left === 0;
  }

  /** The sender of the message that is due, wrapped for the way through the mailbox. */
  time(sender: Sender, now_ms: number): TimedSender {
    const timed = new TimedSender(this, sender, now_ms, this.#every);
    this.#every = now_ms - this.#last_ms < QUIET_MS ? Math.min(this.#every * 2, TIMED_EVERY_MAX) : 1;
    this.#left = this.#every;
    this.#last_ms = now_ms;
    return timed;
  }
}

/** Lies in the mailbox in place of the sender of a message that is timed. Never reaches an actor. */
export class TimedSender implements Sender {
  readonly sender: Sender;
  readonly #timings: Timings;
  readonly #weight: number;
  #since_ms: number;

  constructor(timings: Timings, sender: Sender, now_ms: number, weight: number) {
    this.#timings = timings;
    this.sender = sender;
    this.#since_ms = now_ms;
    this.#weight = weight;
  }

  /** The message leaves the mailbox. */
  taken(now_ms: number): void {
    this.#timings.inMailbox.add(now_ms - this.#since_ms, this.#weight);
    this.#since_ms = now_ms;
  }

  /** Its turn is over. */
  handled(now_ms: number): void {
    this.#timings.inHandler.add(now_ms - this.#since_ms, this.#weight);
  }

  get cancelled(): boolean {
    return this.sender.cancelled;
  }

  answer(value: unknown): void {
    this.sender.answer(value);
  }

  fail(code: string, message: string): void {
    this.sender.fail(code, message);
  }
}

/** The sender behind the clock. */
export function untimed(sender: Sender): Sender {
  return sender instanceof TimedSender ? sender.sender : sender;
}
