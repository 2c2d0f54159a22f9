import { type Due, DueQueue } from "../due-queue.ts";

/** Whose step it is: a host in one of its lives. Steps of a dead one are dropped, those of a paused one wait until it goes on. */
export interface Owner {
  readonly alive: boolean;
  readonly paused: boolean;
}

/** Something that will happen at a moment of true time. */
export interface Step extends Due {
  readonly owner: Owner | undefined;
  readonly fire: () => void;
  /** Called instead when the owner is dead by then. */
  readonly dropped: (() => void) | undefined;
  cancelled: boolean;
}

/**
 * All that is going to happen in a run, in the order of true time. Nothing happens in between: time stands still while a step runs, with all
 * the microtasks that it leaves behind, and then jumps to the next.
 */
export class Schedule {
  readonly #queue = new DueQueue<Step>();
  readonly #held = new Map<Owner, Step[]>();
  #order = 0;
  /** True time since the run began. Never goes back. */
  now_ms = 0;

  after(delay_ms: number, owner: Owner | undefined, fire: () => void): Step {
    return this.at(this.now_ms + delay_ms, owner, fire);
  }

  at(due_ms: number, owner: Owner | undefined, fire: () => void, dropped?: () => void): Step {
    const step: Step = { due_ms: Math.max(due_ms, this.now_ms), order: this.#order++, owner, fire, dropped, cancelled: false };
    this.#queue.push(step);
    return step;
  }

  /** Moves time to the next step and takes it out; undefined when none is due before `until_ms`. */
  next(until_ms: number): Step | undefined {
    for (;;) {
      const step = this.#queue.peek();
      if (step === undefined || step.due_ms > until_ms) return undefined;
      this.#queue.pop();
      if (step.cancelled) continue;
      if (step.owner?.alive === false) {
        this.now_ms = step.due_ms;
        step.dropped?.();
        continue;
      }
      if (step.owner?.paused) {
        this.#hold(step.owner, step);
        continue;
      }
      this.now_ms = step.due_ms;
      return step;
    }
  }

  /** The owner is not paused any more: what fell due meanwhile happens now, in order. */
  release(owner: Owner): void {
    const held = this.#held.get(owner) ?? [];
    this.#held.delete(owner);
    for (const step of held) this.#queue.push({ ...step, due_ms: this.now_ms });
  }

  /** The owner has died: what it was to do, up to a day later, would keep all that it had in memory until then. */
  forget(owner: Owner): void {
    this.#held.delete(owner);
    this.#queue.keep((step) => step.owner !== owner || step.dropped !== undefined);
  }

  #hold(owner: Owner, step: Step): void {
    const held = this.#held.get(owner);
    if (held === undefined) this.#held.set(owner, [step]);
    else held.push(step);
  }
}

/**
 * Resolves when every microtask has run, and those that they made: the tick queue has its turn only then. Four times as quick as a turn of the
 * real event loop.
 */
export function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
