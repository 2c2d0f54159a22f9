import { Activation } from "./activation.ts";
import type { Actor, Message, Sender } from "./actor.ts";
import { type Address, keyOf } from "./address.ts";
import { NOBODY } from "./asks.ts";
import type { Activatable, Addressee, CellHost, KindOnHost } from "./cell-host.ts";
import { type AfterCrash, CrashLoop } from "./crash-loop.ts";
import type { IdleWatch, Restful } from "./idleness.ts";
import { Mailbox } from "./mailbox.ts";
import type { ActorState, Phase } from "./snapshot.ts";
import type { Timer } from "./time.ts";
import { TimedSender, untimed } from "./timings.ts";
import { MESSAGES_PER_CLOCK_READ, type Runnable } from "./turn-loop.ts";
import { UnknownMessage } from "./unknown-message.ts";

/**
 * Why an activation ends, weakest first: nothing to do, the actor's own wish, a crash (then restarted, stopped, or stopped and its supervisor told), its address moved
 * to another host, its host stops, its host was removed.
 */
type Ending = "idle" | "self" | "restart" | "crash" | "escalate" | "moved" | "host" | "fenced";

/** In the place of the sender of a system message that is meant for the address, not for one activation of it. */
const KERNEL: Sender = { ...NOBODY };

/**
 * One address on its host: its mailbox, and its actor while it is active. All that is promised about turns is kept here:
 * one message at a time, system messages first, a bounded mailbox that outlives crashes, and no message to an activation that has ended.
 */
export class Cell implements Runnable, Addressee, Activatable, Restful {
  readonly address: Address;
  readonly kind: KindOnHost;
  readonly #host: CellHost;
  readonly #users = new Mailbox();
  #system: Mailbox | undefined = undefined;
  #phase: Phase = "dormant";
  /** In the turn loop's queue. Invariant: then it is not added again. */
  #queued = false;
  /** Invariant: defined exactly in the phases idle and turn. */
  #actor: Actor<Message> | undefined = undefined;
  #activation: Activation | undefined = undefined;
  /** The activation is to end before the next message. */
  #ending: Ending | undefined = undefined;
  /** Its crashes, once there was one. */
  #crashes: CrashLoop | undefined = undefined;
  /** Messages handed to actors of this address since it has been in the host's table. */
  #handled = 0;
  #backoff: Timer | undefined = undefined;
  /** Of an active actor whose kind rests. */
  #idle: IdleWatch | undefined = undefined;
  #whenGone: (() => void) | undefined = undefined;

  constructor(host: CellHost, kind: KindOnHost, address: Address) {
    this.#host = host;
    this.kind = kind;
    this.address = address;
  }

  /** A user's message. Refused when the mailbox is full. */
  offer(message: Message, sender: Sender): void {
    const waiting = this.#users.size;
    if (waiting >= this.kind.definition.mailboxCapacity) {
      this.#host.refuse("mailbox-full", this.address, message, sender, this.kind);
      return;
    }
    const { measures } = this.kind;
    measures.queued += 1;
    if (waiting >= measures.queuedMax) measures.queuedMax = waiting + 1;
    this.#users.push(message, measures.timings.isDue() ? measures.timings.time(sender, this.#host.clock.monotonic_ms()) : sender);
    if (!this.#queued) this.#goOn();
  }

  signal(message: Message): void {
    this.#system ??= new Mailbox();
    this.#system.push(message, NOBODY);
    this.#goOn();
  }

  /** As `signal`, but it also reaches the next activation when this one has ended before. */
  notify(message: Message): void {
    this.#system ??= new Mailbox();
    this.#system.push(message, KERNEL);
    this.#goOn();
  }

  stopItself(): void {
    if (this.#ending === undefined || this.#ending === "idle") this.#ending = "self";
    this.#goOn();
  }

  get rests(): boolean {
    return this.kind.definition.idle_ms !== undefined;
  }

  rest(): void {
    if (this.#phase !== "idle" || this.#queued || this.#ending !== undefined || this.#activation?.isAtRest === false) return;
    this.#ending = "idle";
    this.#goOn();
  }

  /** Ends the activation after the turn in progress; waiting messages become dead letters (host) or follow the address (moved). */
  evict(ending: "moved" | "host", whenGone?: () => void): void {
    this.#ending = ending;
    this.#whenGone = whenGone;
    if (this.#phase === "backoff" || this.#phase === "waiting") {
      this.#backoff?.cancel();
      this.#ended(ending, "");
    } else {
      this.#goOn();
    }
  }

  /** Nobody else has the address any more. */
  mayActivate(): void {
    if (this.#phase !== "waiting") return;
    this.#phase = "dormant";
    this.#queued = true;
    this.#host.ready(this);
  }

  /**
   * The host was removed, and has taken this cell out of its table: the activation may not act any more, whatever it is at. Calls `over` when
   * its turn in progress has ended.
   */
  fence(over: () => void): void {
    const { measures } = this.kind;
    if (this.#activation !== undefined) measures.fenced += 1;
    this.#activation?.fence();
    this.#backoff?.cancel();
    this.#ending = "fenced";
    const before = this.#whenGone;
    this.#whenGone = () => {
      before?.();
      over();
    };
    measures.queued -= this.#users.size;
    this.#users.drain((message, sender) => this.#host.refuse("fenced", this.address, message, untimed(sender), this.kind));
    if (this.#phase === "dormant" || this.#phase === "waiting" || this.#phase === "backoff") this.#ended("fenced", "");
    else this.#goOn();
  }

  /** What can be seen of it from outside. */
  state(): ActorState {
    const now_ms = this.#host.clock.monotonic_ms();
    const { supervision } = this.kind.definition;
    const crashes = supervision.strategy === "restart" ? (this.#crashes?.crashes(now_ms, supervision) ?? 0) : 0;
    return {
      address: this.address,
      phase: this.#phase,
      waiting: this.#users.size,
      handled: this.#handled,
      crashes,
      ...(this.#crashes === undefined ? {} : { error: this.#crashes.error }),
      ...(this.#crashes === undefined || this.#phase !== "backoff" ? {} : { restart_ms: this.#crashes.restartIn_ms(now_ms) }),
    };
  }

  run(limit: number): number {
    this.#queued = false;
    let done = 0;
    if (this.#phase === "dormant") {
      done = 1;
      if (this.#ending !== undefined) this.#ended(this.#ending, "");
      else if (this.#host.mayActivate(this)) this.#activate();
      else this.#phase = "waiting";
    }
    if (this.#idle !== undefined) this.#stir(this.#idle);
    while (done < limit && this.#phase === "idle") {
      if (this.#ending !== undefined) {
        this.#end(this.#ending);
        break;
      }
      const fromSystem = this.#system !== undefined && this.#system.size > 0;
      const mailbox = fromSystem ? this.#system : this.#users;
      const message = mailbox?.headMessage;
      const sender = mailbox?.headSender;
      if (mailbox === undefined || message === undefined || sender === undefined) break;
      mailbox.drop();
      if (!fromSystem) this.kind.measures.queued -= 1;
      done += 1;
      if (sender === NOBODY) this.#handle(message, sender, undefined);
      else if (sender.cancelled) this.kind.measures.cancelled += 1;
      else if (sender instanceof TimedSender) this.#handle(message, sender.sender, sender);
      else this.#handle(message, sender, undefined);
      if ((done & (MESSAGES_PER_CLOCK_READ - 1)) === 0 && this.#host.isTimeUp()) break;
    }
    this.#goOn();
    return done;
  }

  /** It has something to do after all, or does it now. */
  #stir(idle: IdleWatch): void {
    if (this.#ending === "idle" && (this.#users.size > 0 || (this.#system?.size ?? 0) > 0)) this.#ending = undefined;
    idle.used = true;
  }

  /** Asks for a go when there is something to do and nothing in progress. */
  #goOn(): void {
    // Its host starts no turns now, but what the actor holds must be given back.
    if (this.#ending === "fenced" && this.#phase === "idle") this.#end("fenced");
    if (this.#queued || (this.#phase !== "idle" && this.#phase !== "dormant")) return;
    if (this.#users.size === 0 && this.#ending === undefined && (this.#system === undefined || this.#system.size === 0)) return;
    this.#queued = true;
    this.#host.ready(this);
  }

  #handle(message: Message, sender: Sender, timed: TimedSender | undefined): void {
    this.kind.measures.delivered += 1;
    this.#handled += 1;
    timed?.taken(this.#host.clock.monotonic_ms());
    let turn: unknown;
    try {
      turn = this.#actor?.receive(message, sender);
    } catch (error) {
      timed?.handled(this.#host.clock.monotonic_ms());
      this.#failed(error, message, sender);
      return;
    }
    if (!isPromise(turn)) {
      timed?.handled(this.#host.clock.monotonic_ms());
      return;
    }
    this.#phase = "turn";
    turn.then(
      () => {
        timed?.handled(this.#host.clock.monotonic_ms());
        this.#phase = "idle";
        this.#goOn();
      },
      (error: unknown) => {
        timed?.handled(this.#host.clock.monotonic_ms());
        this.#failed(error, message, sender);
        this.#goOn();
      },
    );
  }

  #activate(): void {
    this.#phase = "starting";
    this.kind.measures.activations += 1;
    const activation = new Activation(this.#host, this, this.address, this.#host.nextEpoch());
    this.#activation = activation;
    const { idle_ms } = this.kind.definition;
    if (idle_ms !== undefined) this.#idle = this.#host.idleness.watch(this, idle_ms);
    let actor: Actor<Message> | Promise<Actor<Message>>;
    try {
      actor = this.kind.definition.activate(activation, keyOf(this.address));
    } catch (error) {
      this.#activateFailed(error);
      return;
    }
    if (!("then" in actor)) {
      this.#actor = actor;
      this.#phase = "idle";
      return;
    }
    actor.then(
      (started) => {
        this.#actor = started;
        this.#phase = "idle";
        this.#goOn();
      },
      (error: unknown) => {
        this.#activateFailed(error);
        this.#goOn();
      },
    );
  }

  #activateFailed(error: unknown): void {
    const after = this.#afterCrash(error);
    this.#host.logOf(this.address).error({ err: error, ...after }, "actor failed to activate");
    // There is no state to resume with.
    this.#endAfter(after.follows === "resume" ? "stop" : after.follows, error);
  }

  #failed(error: unknown, message: Message, sender: Sender): void {
    if (!(error instanceof UnknownMessage)) {
      this.#crash(error, message, sender);
      return;
    }
    this.#phase = "idle";
    this.#host.refuse("unknown-message", this.address, message, sender, this.kind);
  }

  #crash(error: unknown, message: Message, sender: Sender): void {
    const after = this.#afterCrash(error);
    this.#host.logOf(this.address).error({ err: error, message: message.type, ...after }, "actor crashed");
    sender.fail("crashed", `${this.address}: crashed while handling ${message.type}: ${String(error)}`);
    if (after.follows === "resume") this.#phase = "idle";
    else this.#endAfter(after.follows, error);
  }

  /** Counts a crash and decides what follows. */
  #afterCrash(error: unknown): AfterCrash {
    this.kind.measures.crashes += 1;
    const { supervision } = this.kind.definition;
    if (supervision.strategy !== "restart") return { follows: supervision.strategy };
    this.#crashes ??= new CrashLoop();
    return this.#crashes.crashed(this.#host.clock.monotonic_ms(), String(error), supervision);
  }

  #endAfter(follows: Exclude<AfterCrash["follows"], "resume">, error: unknown): void {
    this.#end(follows === "stop" ? "crash" : follows, String(error));
  }

  /** Takes leave of the activation. */
  #end(ending: Ending, error = ""): void {
    const actor = this.#actor;
    this.#phase = "ending";
    this.#actor = undefined;
    this.#activation?.end();
    this.#activation = undefined;
    this.#idle?.end();
    this.#idle = undefined;
    const after = (): void => this.#ended(ending, error, movesWith);
    let stopped: unknown;
    let movesWith: Message | undefined;
    try {
      movesWith = actor?.movesWith?.();
      stopped = actor?.stopped?.();
    } catch (error) {
      this.#stoppedFailed(error);
    }
    if (!isPromise(stopped)) after();
    else stopped.catch((error: unknown) => this.#stoppedFailed(error)).then(after);
  }

  #stoppedFailed(error: unknown): void {
    this.#host.logOf(this.address).error({ err: error }, "actor threw in movesWith() or stopped(), which it must not");
  }

  /** Decides what becomes of the address, and of the messages that wait, when its activation is over. */
  #ended(why: Ending, error: string, movesWith?: Message): void {
    // The host may have asked meanwhile, and what it asks overrides the rest.
    const ending = this.#ending === "host" || this.#ending === "moved" || this.#ending === "fenced" ? this.#ending : why;
    this.#ending = undefined;
    this.#forgetSignals();
    if (ending === "restart") this.#restartLater();
    else {
      if (ending === "idle") this.kind.measures.passivations += 1;
      else if (ending !== "moved" && ending !== "fenced") this.#host.ended(this.address);
      if ((ending === "self" || ending === "idle") && (this.#users.size > 0 || this.#system !== undefined)) this.#restart();
      else this.#leave(ending, error, movesWith);
    }
  }

  /** What was for the activation alone ends with it. */
  #forgetSignals(): void {
    const system = this.#system;
    this.#system = undefined;
    system?.drain((message, sender) => {
      if (sender !== KERNEL) return;
      this.#system ??= new Mailbox();
      this.#system.push(message, sender);
    });
  }

  #restartLater(): void {
    this.kind.measures.restarts += 1;
    this.#phase = "backoff";
    const wait_ms = this.#crashes?.restartIn_ms(this.#host.clock.monotonic_ms()) ?? 0;
    if (this.#host.planted === "lost-restart" && this.#users.size === 0) return;
    this.#backoff = this.#host.clock.after(wait_ms, () => {
      this.#backoff = undefined;
      this.#restart();
    });
  }

  /** Activates anew, also without a message: an actor that lives by its timers must come back. */
  #restart(): void {
    this.#phase = "dormant";
    this.#queued = true;
    this.#host.ready(this);
  }

  /** The address leaves this host, or is at rest until the next message. */
  #leave(ending: Ending, error: string, movesWith?: Message): void {
    this.#phase = "gone";
    if (ending !== "fenced") this.#host.gone(this.address, this.kind, ending === "moved" ? movesWith : undefined);
    this.kind.measures.queued -= this.#users.size;
    const reason = ending === "crash" || ending === "escalate" ? "crashed" : ending === "fenced" ? "fenced" : "stopped";
    this.#system?.drain((message) => {
      if (ending === "moved") this.#host.notify(this.address, message);
      else this.#host.refuse(reason, this.address, message, NOBODY, this.kind);
    });
    this.#users.drain((message, behind) => {
      const sender = untimed(behind);
      if (ending === "moved") this.#host.forward(this.address, message, sender);
      else this.#host.refuse(reason, this.address, message, sender, this.kind);
    });
    if (ending === "escalate") this.#host.escalate(this.address, this.kind, error);
    this.#whenGone?.();
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
