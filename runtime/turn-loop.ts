import { Histogram } from "./histogram.ts";
import type { Clock } from "./time.ts";

/** Messages that one actor handles before the next one has its go. */
export const ACTOR_MESSAGES_PER_GO = 64;

/** Messages that all actors of a host handle before the event loop turns (timers, sockets). */
export const LOOP_MESSAGES_PER_TURN = 8_192;

/** Time that actors may take before the event loop turns, looked at between messages. */
export const LOOP_TIME_PER_TURN_MS = 4;

/** The clock is read once in this many messages, because reading it costs as much as a short turn. A power of two. */
export const MESSAGES_PER_CLOCK_READ = 8;

/** Something that has messages to handle. */
export interface Runnable {
  /** Handles up to `limit` messages, fewer when the time is up, and returns how many; adds itself again when more wait. Never throws. */
  run(limit: number): number;
}

/** Calls `end` once, after the event loop has served its timers and sockets. */
export type Turns = (end: () => void) => void;

/** The turns of the event loop that this thread has. */
const threadTurns: Turns = (end) => void setImmediate(end);

/**
 * Shares one thread among actors. Work begins in a microtask, so that a message is handled as soon as the code that
 * sent it has returned; what exceeds the limits above goes on in the next turn, after the event loop has served timers and sockets.
 * Once in each turn of the event loop in which anything happened, `turned` is called: the moment to send what was gathered.
 */
export class TurnLoop {
  /** For how long this class has held the event loop in each of its turns: the actors' turns, and `turned`. */
  readonly blocks: Histogram = new Histogram();
  readonly #clock: Clock;
  readonly #turned: () => void;
  readonly #turns: Turns;
  #ready: Runnable[] = [];
  #running: Runnable[] = [];
  /** A microtask will drain, or is draining. */
  #draining = false;
  /** The end of this turn of the event loop is awaited. */
  #turning = false;
  /** To be called at the end of this turn. */
  #atEnd: (() => void)[] = [];
  /** What actors may still use up in this turn. */
  #messages = LOOP_MESSAGES_PER_TURN;
  #until_ms = 0;
  /** From then on no turn starts. */
  #lease_ms = Number.POSITIVE_INFINITY;
  #closed = false;
  /** For how long in this turn. */
  #held_ms = 0;
  readonly #drainSoon = (): void => this.#drainNow();
  readonly #turn = (): void => this.#endTurn();

  constructor(clock: Clock, turned: () => void, turns: Turns = threadTurns) {
    this.#clock = clock;
    this.#turned = turned;
    this.#turns = turns;
  }

  /** Lets `runnable` have a go soon. It must not be added again before it has had it. */
  add(runnable: Runnable): void {
    if (this.#closed) return;
    this.#ready.push(runnable);
    if (this.#draining) return;
    this.stir();
    if (this.#messages <= 0) return;
    this.#draining = true;
    queueMicrotask(this.#drainSoon);
  }

  /** Makes sure that `turned` is called at the end of this turn of the event loop. */
  stir(): void {
    if (this.#turning || this.#closed) return;
    this.#turning = true;
    this.#messages = LOOP_MESSAGES_PER_TURN;
    this.#until_ms = this.#clock.monotonic_ms() + LOOP_TIME_PER_TURN_MS;
    this.#turns(this.#turn);
  }

  /** Calls `fire` when this turn of the event loop has served its sockets and the actors that these gave work to. */
  atEnd(fire: () => void): void {
    this.#atEnd.push(fire);
    this.stir();
  }

  /** Turns may start until this moment of the monotonic clock; what is ready then waits for the next lease. */
  lease(until_ms: number): void {
    this.#lease_ms = until_ms;
    if (this.#draining || this.#closed || this.#ready.length === 0 || this.#isLapsed()) return;
    this.stir();
    this.#draining = true;
    queueMicrotask(this.#drainSoon);
  }

  /** Whether actors have used up their time in this turn, or the lease has. Reads the clock. */
  isTimeUp(): boolean {
    const now_ms = this.#clock.monotonic_ms();
    if (now_ms < this.#until_ms && now_ms < this.#lease_ms) return false;
    this.#messages = 0;
    return true;
  }

  /** Nothing runs any more. */
  close(): void {
    this.#closed = true;
    this.#ready = [];
    this.#atEnd = [];
  }

  #isLapsed(): boolean {
    return this.#lease_ms !== Number.POSITIVE_INFINITY && this.#clock.monotonic_ms() >= this.#lease_ms;
  }

  #drainNow(): void {
    const since_ms = this.#clock.monotonic_ms();
    // What is ready stays so, and a new lease takes it up.
    if (since_ms >= this.#lease_ms) this.#draining = false;
    else this.#drain();
    this.#held_ms += this.#clock.monotonic_ms() - since_ms;
  }

  #drain(): void {
    let unread = 0;
    while (this.#ready.length > 0 && this.#messages > 0) {
      const running = this.#ready;
      this.#ready = this.#running;
      this.#running = running;
      let at = 0;
      for (; at < running.length && this.#messages > 0; at++) {
        const handled = running[at]?.run(ACTOR_MESSAGES_PER_GO) ?? 0;
        this.#messages -= handled;
        unread += handled;
        if (unread >= MESSAGES_PER_CLOCK_READ) {
          unread = 0;
          this.isTimeUp();
        }
      }
      if (at < running.length) this.#ready = running.slice(at).concat(this.#ready);
      running.length = 0;
      if (this.#closed) this.#ready = [];
    }
    this.#draining = false;
  }

  #endTurn(): void {
    this.blocks.add(this.#held_ms);
    const since_ms = this.#clock.monotonic_ms();
    this.#turning = false;
    if (this.#ready.length > 0 && !this.#closed && since_ms < this.#lease_ms) {
      // Actors that used up their share of the last turn go on in this one.
      this.stir();
      this.#draining = true;
      this.#drain();
    }
    const atEnd = this.#atEnd;
    this.#atEnd = [];
    for (const fire of atEnd) fire();
    this.#turned();
    this.#held_ms = this.#clock.monotonic_ms() - since_ms;
  }
}
