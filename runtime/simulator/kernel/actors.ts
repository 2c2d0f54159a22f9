import type { Actor, ActorKind, ChildFailed, Context, Message, Supervision } from "../../actor.ts";
import { type Address, addressOf, keyOf, kindOf } from "../../address.ts";
import { AskFailed } from "../../ask-failed.ts";
import type { Clock } from "../../time.ts";
import type { Numbered } from "../invariants/delivery.ts";
import type { Seat } from "../scenario.ts";

/** What a worker does with a message. Each ends in the answer `Done`, unless it crashes. */
export type Work =
  | (Numbered & { readonly type: "quick"; readonly padding?: string })
  /** Takes its time: the turn goes on when a timer of the host has fired. */
  | (Numbered & { readonly type: "slow"; readonly for_ms: number })
  /** Asks another actor within the turn. */
  | (Numbered & { readonly type: "relay"; readonly via: Address; readonly deadline_ms: number })
  | (Numbered & { readonly type: "crash" })
  | (Numbered & { readonly type: "crash later"; readonly for_ms: number })
  /** Stops after this turn; the next message activates it anew. */
  | (Numbered & { readonly type: "stop" })
  /** As quick; sent when all is at rest, and must be answered then. */
  | (Numbered & { readonly type: "probe" })
  /** Wants to know of an ending, from now on. */
  | (Numbered & { readonly type: "watch"; readonly of: Address })
  /** It has ended. */
  | WatchedEnded
  /** To a supervisor. */
  | ChildFailed;

export interface WatchedEnded {
  readonly type: "gone";
  readonly of: Address;
  /** Of all watches there are. */
  readonly watch: number;
}

/** Names the message that it answers. */
export interface Done {
  readonly id: number;
}

/** What a ticker hears, mostly of itself. */
export type Tick = { readonly type: "tick" } | (Numbered & { readonly type: "wind" | "probe" });

/** A ticker's timer goes off this often. */
export const TICK_MS = 2_000;

/** The note of a watch that begins: what will be told, whom, and under which epoch. */
export const WATCHES = "watches";

/** One tick in so many crashes its ticker. */
const TICKS_PER_CRASH = 20;

/** One activation in so many fails. */
const ACTIVATIONS_PER_FAILURE = 10;

/** Small enough for the workload's bursts to fill it. */
const WORKER_MAILBOX = 40;

const RESTART: Supervision = { strategy: "restart", backoff_ms: 100, backoff_max_ms: 3_000 };

/** Soon given up when the workload wants it to crash. */
const LIMITED: Supervision = { ...RESTART, limit: { restarts_max: 2, within_ms: 60_000, beyond: "escalate" } };

/** What invariants need to know of a kind. */
interface KindFacts {
  readonly kind: string;
  readonly supervision: Supervision;
  readonly idle_ms?: number;
}

/** Workers under each kind of supervision, one that rests, a supervisor, and an actor that lives by its timers. */
export const KERNEL_KINDS: readonly KindFacts[] = [
  { kind: "restarter", supervision: RESTART },
  { kind: "resumer", supervision: { strategy: "resume" } },
  { kind: "stopper", supervision: { strategy: "stop" } },
  { kind: "rester", supervision: RESTART, idle_ms: 3_000 },
  { kind: "child", supervision: LIMITED },
  { kind: "supervisor", supervision: RESTART },
  { kind: "ticker", supervision: RESTART },
];

/** Who hears that an actor was given up. */
export function supervisorOf(child: Address): Address | undefined {
  return kindOf(child) === "child" ? addressOf("supervisor", keyOf(child)) : undefined;
}

/** The actors of the kernel's own scenario, on one host. `nextId` numbers messages. */
export function kernelKinds(seat: Seat, nextId: () => number): readonly ActorKind<Message>[] {
  return KERNEL_KINDS.map((facts) => ({
    ...facts,
    mailboxCapacity: WORKER_MAILBOX,
    ...(facts.kind === "child" ? { supervisor: (key: string) => addressOf("supervisor", key) } : {}),
    activate: (context: Context<Work & Tick>) => (facts.kind === "ticker" ? tickerOf(context, seat) : workerOf(context, seat, nextId)),
  })) as readonly ActorKind<Message>[];
}

function workerOf(context: Context<Work>, seat: Seat, nextId: () => number): Actor<Work> | Promise<Actor<Work>> {
  if (!seat.resting && context.random.below(ACTIVATIONS_PER_FAILURE) === 0)
    throw new Error(`does not want to begin under ${context.epoch}`);
  const actor: Actor<Work> = {
    receive(message, sender) {
      if (message.type === "childFailed" || message.type === "gone") return;
      const done: Done = { id: message.id };
      switch (message.type) {
        case "quick":
        case "probe":
          return sender.answer(done);
        case "slow":
          return later(context.clock, message.for_ms).then(() => sender.answer(done));
        case "relay": {
          const { via, deadline_ms } = message;
          const asked: Work = { type: "quick", id: nextId() };
          return context.ask<Done>(via, asked, { deadline_ms }).then(
            ({ id }) => (id === asked.id ? sender.answer(done) : sender.fail("mixed up", `${id} for ${asked.id}`)),
            (error: unknown) => sender.fail(error instanceof AskFailed ? `via: ${error.code}` : "untyped", String(error)),
          );
        }
        case "crash":
          throw new Error(`told to by ${message.id}`);
        case "crash later":
          return later(context.clock, message.for_ms).then(() => {
            throw new Error(`told to by ${message.id}`);
          });
        case "watch": {
          const watched: WatchedEnded = { type: "gone", of: message.of, watch: nextId() };
          seat.note(WATCHES, { ...watched, by: context.self, epoch: context.epoch });
          context.watch(message.of, watched);
          return sender.answer(done);
        }
        case "stop":
          context.stop();
          return sender.answer(done);
        default:
          return message satisfies never;
      }
    },
  };
  // Some take their time to begin.
  return context.random.below(2) === 0 ? actor : later(context.clock, context.random.below(50)).then(() => actor);
}

function tickerOf(context: Context<Tick>, seat: Seat): Actor<Tick> {
  context.after(TICK_MS, { type: "tick" });
  return {
    receive(message, sender) {
      if (message.type !== "tick") return sender.answer({ id: message.id } satisfies Done);
      if (!seat.resting && context.random.below(TICKS_PER_CRASH) === 0) throw new Error("a tick too many");
      context.after(TICK_MS, { type: "tick" });
    },
  };
}

function later(clock: Clock, for_ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(for_ms, resolve));
}
