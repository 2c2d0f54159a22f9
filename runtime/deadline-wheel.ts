import type { Clock, Timer } from "./time.ts";

/** Deadlines of asks fall into slots of so long; one is noticed up to three ticks late, never early. */
export const DEADLINE_TICK_MS = 16;

/** Slots of the wheel. Deadlines beyond one round (16 s of such ticks) share slots with nearer ones and are passed over. A power of two. */
const WHEEL_SLOTS = 1024;

/** One deadline: a link of its slot's ring. */
export class Deadline {
  previous: Deadline = this;
  next: Deadline = this;
  due_tick = 0;

  /** Called once, when the deadline has passed and was not removed. */
  expired(): void {}
}

/**
 * Very many deadlines for the price of one timer (Varghese and Lauck's hashed timing wheel): adding and removing are a few
 * pointer writes, and the clock is asked for a timer only while a deadline waits, for when the first one that was waiting then is due.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #tick_ms: number;
  readonly #slots: Deadline[] = Array.from({ length: WHEEL_SLOTS }, () => new Deadline());
  /** Every slot up to this tick, included, has been looked at. */
  #tick: number;
  #waiting = 0;
  #timer: Timer | undefined;
  /** When the timer fires. No deadline waits that is due earlier. */
  #timer_tick = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, tick_ms: number = DEADLINE_TICK_MS) {
    this.#clock = clock;
    this.#tick_ms = tick_ms;
    this.#tick = this.#now();
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(deadline: Deadline, delay_ms: number): void {
    if (this.#waiting === 0) this.#tick = this.#now();
    // One tick more than the quotient: the current tick has begun already.
    deadline.due_tick = Math.max(this.#tick, this.#now()) + Math.ceil(Math.max(0, delay_ms) / this.#tick_ms) + 1;
    const slot = this.#slot(deadline.due_tick);
    deadline.previous = slot.previous;
    deadline.next = slot;
    slot.previous.next = deadline;
    slot.previous = deadline;
    this.#waiting += 1;
    if (deadline.due_tick < this.#timer_tick) this.#arm(deadline.due_tick);
  }

  /** Takes a deadline out; nothing happens when it is not in. */
  remove(deadline: Deadline): void {
    if (deadline.next === deadline) return;
    deadline.previous.next = deadline.next;
    deadline.next.previous = deadline.previous;
    deadline.previous = deadline;
    deadline.next = deadline;
    this.#waiting -= 1;
    // The timer is left to find the wheel empty: cancelling it for every quick ask would cost more.
  }

  /** Takes every deadline out without expiring it, and returns them. */
  clear(): Deadline[] {
    this.#disarm();
    const all: Deadline[] = [];
    for (const slot of this.#slots) this.#take(slot, Number.POSITIVE_INFINITY, all);
    return all;
  }

  #arm(due_tick: number): void {
    this.#disarm();
    this.#timer_tick = due_tick;
    this.#timer = this.#clock.after(Math.max(1, due_tick - this.#now()) * this.#tick_ms, () => {
      this.#disarm();
      this.#turn();
      if (this.#waiting > 0 && this.#timer === undefined) this.#arm(this.#firstDue());
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timer_tick = Number.POSITIVE_INFINITY;
  }

  /** Of those that wait; those beyond one round of the wheel are looked at after it. */
  #firstDue(): number {
    for (let tick = this.#tick + 1; tick < this.#tick + WHEEL_SLOTS; tick++) {
      const slot = this.#slot(tick);
      for (let deadline = slot.next; deadline !== slot; deadline = deadline.next) if (deadline.due_tick <= tick) return tick;
    }
    return this.#tick + WHEEL_SLOTS;
  }

  #turn(): void {
    const now = this.#now();
    const first = Math.max(this.#tick + 1, now - WHEEL_SLOTS + 1);
    this.#tick = now;
    const due: Deadline[] = [];
    for (let tick = first; tick <= now; tick++) this.#take(this.#slot(tick), now, due);
    for (const deadline of due) deadline.expired();
  }

  #take(slot: Deadline, due_tick: number, into: Deadline[]): void {
    let deadline = slot.next;
    while (deadline !== slot) {
      const next = deadline.next;
      if (deadline.due_tick <= due_tick) {
        this.remove(deadline);
        into.push(deadline);
      }
      deadline = next;
    }
  }

  #slot(tick: number): Deadline {
    const slot = this.#slots[tick & (WHEEL_SLOTS - 1)];
    if (slot === undefined) throw new RangeError(`no slot for tick ${tick}`);
    return slot;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic_ms() / this.#tick_ms);
  }
}
