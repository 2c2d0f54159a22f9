import type { AskOptions, Context, Logger, Message } from "./actor.ts";
import type { Address } from "./address.ts";
import { ASK_FAILURES, AskFailed } from "./ask-failed.ts";
import { NOBODY } from "./asks.ts";
import type { Addressee, CellHost } from "./cell-host.ts";
import type { Clock, Random, Timer } from "./time.ts";

const NO_TIMER: Timer = { cancel() {} };

/** A message that comes to an actor when its time has come. A class, since there is one for each watch of a great many actors. */
class Pending implements Timer {
  readonly #waiting: Set<Timer>;
  readonly #cell: Addressee;
  readonly #message: Message;
  begun: Timer = NO_TIMER;

  constructor(waiting: Set<Timer>, cell: Addressee, message: Message) {
    this.#waiting = waiting;
    this.#cell = cell;
    this.#message = message;
    waiting.add(this);
  }

  fire(): void {
    this.#waiting.delete(this);
    this.#cell.signal(this.#message);
  }

  cancel(): void {
    this.#waiting.delete(this);
    this.begun.cancel();
  }
}

/**
 * The context of one activation of an actor. When the activation has ended, its timers are gone and `after` and `stop` do
 * nothing, so that what a crashed or stopped actor left running cannot touch its successor. When it was fenced it sends nothing any more either.
 */
export class Activation implements Context<Message> {
  readonly self: Address;
  readonly epoch: number;
  readonly #host: CellHost;
  readonly #cell: Addressee;
  #log: Logger | undefined;
  /** Timers and watches that still wait. */
  #waiting: Set<Timer> | undefined;
  /** Asks of its own that wait, where its kind rests. */
  #asking = 0;
  #ended = false;
  #fenced = false;

  constructor(host: CellHost, cell: Addressee, self: Address, epoch: number) {
    this.#host = host;
    this.#cell = cell;
    this.self = self;
    this.epoch = epoch;
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get random(): Random {
    return this.#host.random;
  }

  get log(): Logger {
    this.#log ??= this.#host.logOf(this.self);
    return this.#log;
  }

  tell<M extends Message>(to: Address, message: M): void {
    if (this.#fenced) this.#host.refuse("fenced", to, message, NOBODY, undefined);
    else this.#host.tell(to, message);
  }

  ask<Answer>(to: Address, message: Message, options?: AskOptions): Promise<Answer> {
    if (this.#fenced) return Promise.reject(new AskFailed("unreachable", `${to}: ${ASK_FAILURES.unreachable}`));
    const answer = this.#host.ask<Answer>(to, message, options);
    if (this.#cell.rests) this.#awaits(answer);
    return answer;
  }

  /** Whether nothing that it waits for can still come to it by itself. */
  get isAtRest(): boolean {
    return this.#asking === 0 && (this.#waiting === undefined || this.#waiting.size === 0);
  }

  #awaits(answer: Promise<unknown>): void {
    const over = (): void => {
      this.#asking -= 1;
    };
    this.#asking += 1;
    answer.then(over, over);
  }

  after(delay_ms: number, message: Message): Timer {
    return this.#until((fire) => this.#host.clock.after(delay_ms, fire), message);
  }

  atTurnEnd(fire: () => void): void {
    this.#host.atTurnEnd(fire);
  }

  watch(address: Address, message: Message): Timer {
    return this.#until((fire) => this.#host.watch(address, fire), message);
  }

  /** Signals the message to the actor when what `begin` begins comes to its end, unless this activation has ended before. */
  #until(begin: (fire: () => void) => Timer, message: Message): Timer {
    if (this.#ended) return NO_TIMER;
    this.#waiting ??= new Set();
    const pending = new Pending(this.#waiting, this.#cell, message);
    pending.begun = begin(() => pending.fire());
    return pending;
  }

  stop(): void {
    if (!this.#ended) this.#cell.stopItself();
  }

  /** Cuts the activation off from everybody: another may act in its place. */
  fence(): void {
    this.#fenced = true;
    this.end();
  }

  /** Cuts the activation off from its address. */
  end(): void {
    this.#ended = true;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const timer of waiting) timer.cancel();
  }
}
