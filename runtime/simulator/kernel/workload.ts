import type { AskOptions } from "../../actor.ts";
import { type Address, addressOf } from "../../address.ts";
import type { Seat } from "../scenario.ts";
import type { Done, Tick, Work } from "./actors.ts";

/** A door sends something this often, on average. */
const GO_EVERY_MS = 1_000;

/** Of a door's goes, one in so many is a burst of up to so many messages to one actor. */
const BURST_ONE_IN = 30;
const BURST_MESSAGES_MAX = 80;

/** Otherwise it sends up to this many messages, each to an actor of its own. */
const MESSAGES_PER_GO_MAX = 4;

const ASK_MS = [50, 500, 3_000, 10_000] as const;
const SLOW_MS_MAX = 400;

/** One ask in so many is cancelled, if it has not ended. */
const CANCELLED_ONE_IN = 8;

/** The note of an ask that is cancelled right after: its message. */
export const CANCELS = "cancels";

/** One message in so many is large, some of them too large for a frame. */
const LARGE_ONE_IN = 50;
const LARGE_CHARACTERS_MAX = 12_000;

/** When the run is at rest this long, every actor is asked for a sign of life, which it gives within that time. */
const PROBE_AFTER_MS = 35_000;
const PROBE_DEADLINE_MS = 10_000;

const WORKERS = ["restarter", "resumer", "stopper", "rester", "child", "supervisor"] as const;

/** What the doors of one host send: everything that the kernel promises something about, to everybody. */
export class Door {
  readonly #seat: Seat;
  readonly #actors: number;
  readonly #nextId: () => number;

  constructor(seat: Seat, actors: number, nextId: () => number) {
    this.#seat = seat;
    this.#actors = actors;
    this.#nextId = nextId;
  }

  open(): void {
    const { clock, random } = this.#seat;
    clock.after(random.next() * 2 * GO_EVERY_MS, () => {
      if (this.#seat.resting) {
        clock.after(PROBE_AFTER_MS, () => this.#probe());
        return;
      }
      this.#go();
      this.open();
    });
  }

  #go(): void {
    const { random, messenger } = this.#seat;
    if (random.below(BURST_ONE_IN) === 0) {
      const to = this.#someone();
      for (let left = random.below(BURST_MESSAGES_MAX); left > 0; left--) this.#send(to, { type: "quick", id: this.#nextId() });
      return;
    }
    for (let left = random.below(MESSAGES_PER_GO_MAX + 1); left > 0; left--) this.#send(this.#someone(), this.#work());
    const wind: Tick = { type: "wind", id: this.#nextId() };
    if (random.below(4) === 0) messenger.tell(this.#address("ticker"), wind);
  }

  #send(to: Address, work: Work): void {
    const { random, messenger } = this.#seat;
    if (random.below(2) === 0) messenger.tell(to, work);
    else this.#askImpatiently(to, work, ASK_MS[random.below(ASK_MS.length)] ?? ASK_MS[0]);
  }

  /** Asks, and now and then does not wait for the answer. */
  #askImpatiently(to: Address, work: Work, deadline_ms: number): void {
    const { clock, random } = this.#seat;
    if (random.below(CANCELLED_ONE_IN) !== 0) {
      this.#ask(to, work, { deadline_ms });
      return;
    }
    const cancelling = new AbortController();
    clock.after(random.below(SLOW_MS_MAX), () => {
      this.#seat.note(CANCELS, work);
      cancelling.abort();
    });
    this.#ask(to, work, { deadline_ms, signal: cancelling.signal });
  }

  /** How asks may end is for the invariants to say; that the answer is of this ask is said here. */
  #ask(to: Address, message: Work | Tick, options: AskOptions): void {
    const { messenger } = this.#seat;
    messenger.ask<Done>(to, message, options).then(
      ({ id }) => {
        if ("id" in message && id !== message.id) this.#seat.note("mixed up", { to, asked: message.id, answered: id });
      },
      () => undefined,
    );
  }

  #work(): Work {
    const { random } = this.#seat;
    const id = this.#nextId();
    if (random.below(LARGE_ONE_IN) === 0) return { type: "quick", id, padding: "x".repeat(random.below(LARGE_CHARACTERS_MAX)) };
    switch (random.below(12)) {
      case 0:
        return { type: "crash", id };
      case 1:
        return { type: "crash later", id, for_ms: random.below(SLOW_MS_MAX) };
      case 2:
        return { type: "stop", id };
      case 7:
        return { type: "watch", id, of: this.#someone() };
      case 3:
      case 4:
        return { type: "slow", id, for_ms: random.below(SLOW_MS_MAX) };
      case 5:
      case 6:
        return { type: "relay", id, via: this.#someone(), deadline_ms: ASK_MS[random.below(2)] ?? ASK_MS[0] };
      default:
        return { type: "quick", id };
    }
  }

  #probe(): void {
    for (const kind of [...WORKERS, "ticker"])
      for (let number = 0; number < this.#actors; number++)
        this.#ask(addressOf(kind, String(number)), { type: "probe", id: this.#nextId() }, { deadline_ms: PROBE_DEADLINE_MS });
  }

  #someone(): Address {
    return this.#address(WORKERS[this.#seat.random.below(WORKERS.length)] ?? WORKERS[0]);
  }

  #address(kind: string): Address {
    return addressOf(kind, String(this.#seat.random.below(this.#actors)));
  }
}
