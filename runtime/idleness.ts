import { Deadline, DeadlineWheel } from "./deadline-wheel.ts";
import type { Clock } from "./time.ts";

/** Idle actors are looked at this often: rest is counted in seconds. */
const IDLE_TICK_MS = 1_000;

/** Something that may rest. */
export interface Restful {
  /** Goes to rest, unless it has something to do. */
  rest(): void;
}

/**
 * Finds the actors of a host that have had nothing to do for long enough. Messages cost them nothing but a mark in each go: whoever is due is asked
 * whether it has been marked since, and then waits once more. So an actor goes to rest after one to two times the time that its kind names.
 */
export class Idleness {
  readonly #wheel: DeadlineWheel;

  constructor(clock: Clock) {
    this.#wheel = new DeadlineWheel(clock, IDLE_TICK_MS);
  }

  watch(restful: Restful, idle_ms: number): IdleWatch {
    return new IdleWatch(this.#wheel, restful, idle_ms);
  }

  close(): void {
    this.#wheel.clear();
  }
}

/** The look at one activation. */
export class IdleWatch extends Deadline {
  readonly #wheel: DeadlineWheel;
  readonly #restful: Restful;
  readonly #idle_ms: number;
  /** It had a go since the last look. */
  used = false;

  constructor(wheel: DeadlineWheel, restful: Restful, idle_ms: number) {
    super();
    this.#wheel = wheel;
    this.#restful = restful;
    this.#idle_ms = idle_ms;
    wheel.add(this, idle_ms);
  }

  override expired(): void {
    if (!this.used) this.#restful.rest();
    this.used = false;
    this.#wheel.add(this, this.#idle_ms);
  }

  end(): void {
    this.#wheel.remove(this);
  }
}
