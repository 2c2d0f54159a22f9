import { Histogram } from "../../runtime/histogram.ts";
import type { Actor, ActorKind, Context, Message, Supervision } from "../../runtime/mod.ts";
import {
  Host,
  type HostOptions,
  type Logger,
  type ObservedPool,
  seededRandom,
  type VirtualClock,
  virtualClock,
} from "../../runtime/mod.ts";

/** One line that was logged. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function recordingLog(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: Line["level"]) => (fields: object, message: string) => void lines.push({ level, fields: { ...fields }, message });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
}

/** A host on a clock that the test moves. */
export function stage(options: Partial<HostOptions> = {}): { host: Host; clock: VirtualClock; lines: Line[] } {
  const clock = virtualClock();
  const { log, lines } = recordingLog();
  const host = new Host({ name: "solo", clock, random: seededRandom(1), log, ...options });
  return { host, clock, lines };
}

/** A kind from a function that makes an actor's `receive`. */
export function kindOf<M extends Message>(
  kind: string,
  activate: (context: Context<M>, key: string) => Actor<M>["receive"] | Actor<M> | Promise<Actor<M>>,
  options: { mailboxCapacity?: number; supervision?: Supervision } = {},
): ActorKind<M> {
  return {
    kind,
    mailboxCapacity: options.mailboxCapacity ?? 1_000,
    supervision: options.supervision ?? { strategy: "stop" },
    activate(context, key) {
      const made = activate(context, key);
      return typeof made === "function" ? { receive: made } : made;
    },
  };
}

/** A pool as its host sees it, with so many tasks in its queue and none done. */
export function poolOf(name: string, queued: number): ObservedPool {
  const none = new Histogram().counts();
  return {
    snapshot: () => ({
      ...{ name, threads: 2, queued, waiting: 0, running: 2, done: 0, failed: 0, cancelled: 0, killed: 0, refused: 0 },
      ...{ inQueue: none, inWork: none, blocks: none },
    }),
  };
}

/** A promise that the test settles. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
