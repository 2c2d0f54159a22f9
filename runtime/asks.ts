import type { Sender } from "./actor.ts";
import type { Address } from "./address.ts";
import { ASK_FAILURES, AskFailed, type AskFailure } from "./ask-failed.ts";
import { Deadline, DeadlineWheel } from "./deadline-wheel.ts";
import type { Clock, Random } from "./time.ts";

/** How long an ask waits when its options name no deadline. */
export const ASK_DEADLINE_MS = 10_000;

/** Ids start somewhere random below this, so that answers to a former life of this host find no asker. */
export const FIRST_ID_BELOW: number = 2 ** 31;

/** The sender of a tell: its answers go nowhere. */
export const NOBODY: Sender = { answer() {}, fail() {}, cancelled: false };

/** An ask that waits for its answer. Ends once: by answer, failure or deadline. */
export class Ask extends Deadline implements Sender {
  readonly to: Address;
  readonly #asks: Asks;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: AskFailed) => void;
  #open = true;
  /** The host that the ask was sent to, and its id there; none for an actor of this host. */
  host: string | undefined = undefined;
  id = 0;
  cancelled = false;
  /** Of an ask that can be cancelled: lets go of what could cancel it. */
  whenOver: (() => void) | undefined = undefined;

  constructor(asks: Asks, to: Address, resolve: (value: unknown) => void, reject: (reason: AskFailed) => void) {
    super();
    this.#asks = asks;
    this.to = to;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answer(value: unknown): void {
    if (this.#end()) this.#resolve(value);
    else this.#asks.late += 1;
  }

  fail(code: string, message: string): void {
    if (this.#end()) this.#reject(new AskFailed(code, message));
  }

  /** Ends the ask with a code of the kernel. */
  refuse(code: AskFailure): void {
    if (this.#end()) this.#reject(new AskFailed(code, `${this.to}: ${ASK_FAILURES[code]}`));
  }

  cancel(): void {
    if (!this.#open) return;
    this.cancelled = true;
    this.refuse("cancelled");
  }

  override expired(): void {
    this.refuse(this.host === undefined || this.#asks.reachable(this.host) ? "deadline" : "unreachable");
  }

  #end(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#asks.ended(this);
    return true;
  }
}

/** All asks of one host that wait for an answer. */
export class Asks {
  readonly #wheel: DeadlineWheel;
  /** Asks of actors on other hosts, by the id that the answer will name. */
  readonly #remote = new Map<number, Ask>();
  readonly reachable: (host: string) => boolean;
  readonly #cancel: (host: string, id: number) => void;
  #nextId: number;
  /** Answers that came after the ask had ended. */
  late = 0;
  /** Asks that others sent here and that this host asks on their behalf. */
  #relayed = 0;
  #whenNoneRelayed: (() => void) | undefined = undefined;

  /** `reachable`: whether a host can be reached. `cancel`: tells a host that nobody waits for the answer to the ask with this id. */
  constructor(clock: Clock, random: Random, reachable: (host: string) => boolean, cancel: (host: string, id: number) => void) {
    this.#cancel = cancel;
    this.#wheel = new DeadlineWheel(clock);
    this.#nextId = random.below(FIRST_ID_BELOW);
    this.reachable = reachable;
  }

  open(to: Address, deadline_ms: number, resolve: (value: unknown) => void, reject: (reason: AskFailed) => void): Ask {
    const ask = new Ask(this, to, resolve, reject);
    this.#wheel.add(ask, deadline_ms);
    return ask;
  }

  /** Whether the ask of this sender can be cancelled. */
  isCancellable(sender: Sender): boolean {
    return sender instanceof Ask && sender.whenOver !== undefined;
  }

  /** Cancels the ask when the signal is aborted. */
  cancelOn(signal: AbortSignal, ask: Ask): void {
    const cancel = (): void => ask.cancel();
    ask.whenOver = () => signal.removeEventListener("abort", cancel);
    signal.addEventListener("abort", cancel);
  }

  /** The id under which the answer of `host` will come back to `sender`. */
  sentTo(host: string, to: Address, sender: Sender): number {
    // Also an ask that another host sent here, and that follows its actor to a third: it is then asked on its behalf.
    const ask = sender instanceof Ask ? sender : this.#relay(to, sender);
    ask.host = host;
    ask.id = this.#nextId++;
    this.#remote.set(ask.id, ask);
    return ask.id;
  }

  #relay(to: Address, sender: Sender): Ask {
    this.#relayed += 1;
    const over = (): void => {
      this.#relayed -= 1;
      if (this.#relayed === 0) this.#whenNoneRelayed?.();
    };
    return this.open(
      to,
      ASK_DEADLINE_MS,
      (value) => {
        sender.answer(value);
        over();
      },
      (failure) => {
        sender.fail(failure.code, failure.message);
        over();
      },
    );
  }

  /** Resolves when no ask of others waits here for its answer. */
  relayed(): Promise<void> {
    if (this.#relayed === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNoneRelayed = resolve;
    });
  }

  answered(id: number, value: unknown): void {
    const ask = this.#take(id);
    if (ask === undefined) this.late += 1;
    else ask.answer(value);
  }

  failed(id: number, code: string, message: string): void {
    this.#take(id)?.fail(code, message);
  }

  /** Fails every ask that waits for an answer from `host`. */
  lost(host: string): void {
    for (const ask of [...this.#remote.values()]) if (ask.host === host) this.#take(ask.id)?.refuse("unreachable");
  }

  /** The ask with this id, of which the other host knows that it is over. */
  #take(id: number): Ask | undefined {
    const ask = this.#remote.get(id);
    this.#remote.delete(id);
    return ask;
  }

  get waiting(): number {
    return this.#wheel.waiting;
  }

  ended(ask: Ask): void {
    this.#wheel.remove(ask);
    ask.whenOver?.();
    if (ask.host !== undefined && this.#remote.delete(ask.id) && ask.whenOver !== undefined) this.#cancel(ask.host, ask.id);
  }

  /** Ends all asks that still wait. */
  close(): void {
    for (const deadline of this.#wheel.clear()) if (deadline instanceof Ask) deadline.refuse("unreachable");
  }
}
