import type { AskFailure } from "./ask-failed.ts";
import type { EventLoopState } from "./event-loop.ts";
import type { HistogramCounts } from "./histogram.ts";
import { Timings } from "./timings.ts";

/** Why a tell was not handled. */
export type DeadLetterReason = Exclude<AskFailure, "deadline" | "cancelled"> | "stopped" | "unreadable" | "fenced";

/** The code with which an ask ends for the same reason. */
export const DEAD_LETTER_REASONS: Readonly<Record<DeadLetterReason, AskFailure>> = {
  "mailbox-full": "mailbox-full",
  "unknown-kind": "unknown-kind",
  /** The only reason for which asks are counted too: it says that hosts of two versions talk to one another. */
  "unknown-message": "unknown-message",
  unreachable: "unreachable",
  "too-large": "too-large",
  "not-plain-data": "not-plain-data",
  overloaded: "overloaded",
  /** Waited for an actor that crashed and whose kind says that it then stops. */
  crashed: "crashed",
  /** The host, or the actor's kind on it, has stopped. */
  stopped: "unreachable",
  /** A frame or an envelope of a version that this host does not know. */
  unreadable: "unreachable",
  /** Of a host that was removed from its cluster: what waited there, what it still sent, and what came before it had joined anew. */
  fenced: "unreachable",
};

export type DeadLetterCounts = Record<DeadLetterReason, number>;

/** What happened to actors of one kind on one host since it started: a copy, plain data. */
export interface KindCounters {
  /** Messages handed to `receive`. */
  readonly delivered: number;
  readonly activations: number;
  /** Addresses that are active, starting, stopping or waiting to be restarted now. */
  readonly active: number;
  /** Throws of `receive` and `activate`. */
  readonly crashes: number;
  /** Crashes after which the actor was activated anew. */
  readonly restarts: number;
  /** Crashes after which the actor was given up and its supervisor told. */
  readonly escalations: number;
  /** Activations that ended because their host was removed from its cluster. */
  readonly fenced: number;
  /** Activations that ended because they had nothing to do for long. */
  readonly passivations: number;
  /** Messages that were not handled because their asker had cancelled. */
  readonly cancelled: number;
  /** Users' messages that wait now, in all mailboxes of the kind. */
  readonly queued: number;
  /** The most that ever waited in one mailbox. */
  readonly queuedMax: number;
  /** From a message's arrival at its mailbox until its turn begins. Busy kinds are sampled (timings.ts). */
  readonly inMailbox: HistogramCounts;
  /** A turn, the promise that it returned included. The same messages as in `inMailbox`. */
  readonly inHandler: HistogramCounts;
  readonly deadLetters: Readonly<DeadLetterCounts>;
}

/** What the kernel counts of one kind. */
export class KindMeasures {
  delivered = 0;
  activations = 0;
  active = 0;
  crashes = 0;
  restarts = 0;
  escalations = 0;
  fenced = 0;
  cancelled = 0;
  passivations = 0;
  queued = 0;
  queuedMax = 0;
  readonly timings: Timings = new Timings();
  readonly deadLetters: DeadLetterCounts = noDeadLetters();

  counters(): KindCounters {
    const {
      delivered,
      activations,
      active,
      crashes,
      restarts,
      escalations,
      fenced,
      cancelled,
      passivations,
      queued,
      queuedMax,
      timings,
      deadLetters,
    } = this;
    return {
      ...{ delivered, activations, active, crashes, restarts, escalations, fenced, cancelled, passivations, queued, queuedMax },
      inMailbox: timings.inMailbox.counts(),
      inHandler: timings.inHandler.counts(),
      deadLetters: { ...deadLetters },
    };
  }
}

/** What happened on one host since it started. */
export interface HostCounters extends Sums {
  /** Of all kinds, and of addresses whose kind this host does not know. */
  readonly deadLetters: Readonly<DeadLetterCounts>;
  readonly asksWaiting: number;
  /** Answers that came after their ask had ended. */
  readonly lateAnswers: number;
  /** For how long at a time the kernel held the event loop: each run of turns without a break, and the sending of what they left behind. */
  readonly blocks: HistogramCounts;
  /** Where HostOptions.eventLoop watches it. */
  readonly eventLoop?: EventLoopState;
  readonly kinds: Readonly<Record<string, KindCounters>>;
  readonly links: Readonly<LinkCounters>;
}

/** What went between one host and all others since it started. */
export interface LinkCounters {
  /** Frames that were packed, the envelopes in them, and their bytes. */
  frames: number;
  envelopes: number;
  bytes: number;
  /** Frames with envelopes that came, and were delivered. */
  framesTaken: number;
  /** Frames without envelopes that were sent: reports and probes (link.ts). */
  reports: number;
  /** Frames that came a second time and were dropped. */
  doubled: number;
  /** Bytes, and ENVELOPE_COST for each envelope, that others sent here and that did not arrive. */
  missed: number;
  /** The same of what waits here now for others to take in more. */
  waiting: number;
}

export function noLinkCounters(): LinkCounters {
  return { frames: 0, envelopes: 0, bytes: 0, framesTaken: 0, reports: 0, doubled: 0, missed: 0, waiting: 0 };
}

/** What is added up over the kinds of a host. */
const SUMMED = [
  "delivered",
  "activations",
  "active",
  "crashes",
  "restarts",
  "escalations",
  "fenced",
  "cancelled",
  "passivations",
  "queued",
] as const;

type Sums = Readonly<Record<(typeof SUMMED)[number], number>>;

export function noDeadLetters(): DeadLetterCounts {
  return {
    "mailbox-full": 0,
    "unknown-kind": 0,
    "unknown-message": 0,
    unreachable: 0,
    "too-large": 0,
    "not-plain-data": 0,
    overloaded: 0,
    crashed: 0,
    stopped: 0,
    unreadable: 0,
    fenced: 0,
  };
}

/** The counters of all kinds added up. */
export function addUp(kinds: Iterable<KindCounters>): Sums {
  const sums = {
    delivered: 0,
    activations: 0,
    active: 0,
    crashes: 0,
    restarts: 0,
    escalations: 0,
    fenced: 0,
    cancelled: 0,
    passivations: 0,
    queued: 0,
  };
  for (const counters of kinds) for (const name of SUMMED) sums[name] += counters[name];
  return sums;
}
