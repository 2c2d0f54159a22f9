import type { Address } from "./address.ts";
import type { Clock, Random, Timer } from "./time.ts";

/** Every message is a member of its receiver's closed union, told apart by `type`. It must survive msgpack: plain data only. */
export interface Message {
  readonly type: string;
}

/** Answers an ask. A tell arrives with a Sender whose answers go nowhere. May be kept and used after the turn has ended. */
export interface Sender {
  answer(value: unknown): void;
  /** Ends the ask with an error that the asker sees as an AskFailed with this code and message. */
  fail(code: string, message: string): void;
  /** The asker has cancelled: nobody waits any more. A message whose sender has cancelled before its turn is not handled at all. */
  readonly cancelled: boolean;
}

/** A structured logger; fields first, as in pino. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AskOptions {
  /** After this long the ask ends with an AskFailed of code `deadline`. Default ASK_DEADLINE_MS. */
  readonly deadline_ms?: number;
  /** When it is aborted, the ask ends with an AskFailed of code `cancelled`, and the message is not handled if it still waits, wherever that is. */
  readonly signal?: AbortSignal;
}

/** What an actor, or a door outside the troupe, can do to other actors. */
export interface Messenger {
  /** At most once, no answer. Never throws: a message that cannot be delivered becomes a counted dead letter. */
  tell<M extends Message>(to: Address, message: M): void;
  /** Rejects with AskFailed: `deadline`, `cancelled`, `mailbox-full`, `unreachable`, `unknown-kind`, `unknown-message`, `crashed`, or the code the actor failed it with. */
  ask<Answer>(to: Address, message: Message, options?: AskOptions): Promise<Answer>;
}

/** All that an actor may touch of the world. */
export interface Context<M extends Message> extends Messenger {
  readonly self: Address;
  /** Grows with every activation of this address; stale activations are fenced by it. */
  readonly epoch: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Delivers `message` to this actor as a system message after the delay; dropped when the actor has stopped. */
  after(delay_ms: number, message: M): Timer;
  /** Calls `fire` once, when this turn of the event loop has handed over all that it holds. The activation may have ended by then. */
  atTurnEnd(fire: () => void): void;
  /**
   * Delivers `message` to this actor as a system message, once, when an activation of the address ends for good: it stopped, or crashed and was given
   * up, or its host stops or is lost. A restart, a move to another host, or a rest while idle is no end; an address that is not active yet is
   * waited for. Ends with this activation, and when it is cancelled.
   */
  watch(address: Address, message: M): Timer;
  /** Stops this actor after the current turn. A later message to its address activates it anew. */
  stop(): void;
}

/**
 * An actor's behaviour. One message is handled to its end (the returned promise included) before the next. A throw is a
 * crash: the supervision strategy of the kind decides what follows. The handler's switch ends in `unknownMessage`, which is no crash.
 */
export interface Actor<M extends Message> {
  receive(message: M, sender: Sender): void | Promise<void>;
  /** Called once when the actor stops, crashes or its host drains. Must not throw. */
  stopped?(): void | Promise<void>;
  /**
   * With what it goes on elsewhere: the first message to the next activation when this one ends because its address lives on another host now.
   * Without one, that host activates it when somebody writes to it: for an actor that acts by itself, perhaps never. Called before `stopped`. Must not throw.
   */
  movesWith?(): M | undefined;
}

/**
 * What happens after a crash.
 * - restart: activated anew after a backoff; state is lost, the mailbox is kept
 * - resume: the same activation goes on with the next message
 * - stop: what waits is refused; a later message begins anew
 * - escalate: as stop, and whoever supervises is told
 */
export type Supervision =
  | RestartStrategy
  | { readonly strategy: "resume" }
  | { readonly strategy: "stop" }
  | { readonly strategy: "escalate" };

export interface RestartStrategy {
  readonly strategy: "restart";
  /** Before the first restart of a row; twice as long before each next one, up to the most. A life as long as the most ends the row. */
  readonly backoff_ms: number;
  readonly backoff_max_ms: number;
  /** More restarts than `restarts_max` within `within_ms`, and the actor is given up as `beyond` says. Without it, it is restarted for ever. */
  readonly limit?: { readonly restarts_max: number; readonly within_ms: number; readonly beyond: "stop" | "escalate" };
}

/** An actor was given up by its own supervision. Its supervisor gets this as a system message, so it is in the union of a kind that supervises. */
export interface ChildFailed {
  readonly type: "childFailed";
  readonly child: Address;
  readonly error: string;
}

/** A kind of actor, registered with a host. Actors are virtual: the first message to an address activates it. */
export interface ActorKind<M extends Message> {
  readonly kind: string;
  /** Users' messages that may wait; one more is refused (ask: `mailbox-full`; tell: dead letter). */
  readonly mailboxCapacity: number;
  readonly supervision: Supervision;
  /**
   * An actor that has had no message, timer, watch or ask of its own for so long (up to twice as long) is stopped and leaves no trace; the next message
   * activates it anew. Only for kinds whose state is elsewhere, and that keep no sender to answer later. Without it, actors stay.
   */
  readonly idle_ms?: number;
  /** Who is told when the actor with this key is given up. Without one it is the host (HostOptions.escalated). */
  supervisor?(key: string): Address;
  activate(context: Context<M>, key: string): Actor<M> | Promise<Actor<M>>;
}
