import type { AskFailure } from "./ask-failed.ts";

/** Why a tell was not handled. */
export type DeadLetterReason = Exclude<AskFailure, "deadline"> | "stopped" | "unreadable";

/** The code with which an ask ends for the same reason. */
export const DEAD_LETTER_REASONS: Readonly<Record<DeadLetterReason, AskFailure>> = {
  "mailbox-full": "mailbox-full",
  "unknown-kind": "unknown-kind",
  /** The only reason for which asks are counted too: it says that hosts of two versions talk to one another. */
  "unknown-message": "unknown-message",
  unreachable: "unreachable",
  "too-large": "too-large",
  "not-plain-data": "not-plain-data",
  /** Waited for an actor that crashed and whose kind says that it then stops. */
  crashed: "crashed",
  /** The host, or the actor's kind on it, has stopped. */
  stopped: "unreachable",
  /** A frame or an envelope of a version that this host does not know. */
  unreadable: "unreachable",
};

export type DeadLetterCounts = Record<DeadLetterReason, number>;

/** What happened to actors of one kind on one host since it started. */
export interface KindCounters {
  /** Messages handed to `receive`. */
  delivered: number;
  activations: number;
  /** Addresses that are active, starting, stopping or waiting to be restarted now. */
  active: number;
  /** Throws of `receive` and `activate`. */
  crashes: number;
  /** Crashes after which the actor was activated anew. */
  restarts: number;
  readonly deadLetters: DeadLetterCounts;
}

/** What happened on one host since it started. */
export interface HostCounters {
  readonly delivered: number;
  readonly activations: number;
  readonly active: number;
  readonly crashes: number;
  readonly restarts: number;
  /** Of all kinds, and of addresses whose kind this host does not know. */
  readonly deadLetters: Readonly<DeadLetterCounts>;
  readonly asksWaiting: number;
  /** Answers that came after their ask had ended. */
  readonly lateAnswers: number;
  readonly kinds: Readonly<Record<string, Readonly<KindCounters>>>;
}

export function noDeadLetters(): DeadLetterCounts {
  return {
    "mailbox-full": 0,
    "unknown-kind": 0,
    "unknown-message": 0,
    unreachable: 0,
    "too-large": 0,
    "not-plain-data": 0,
    crashed: 0,
    stopped: 0,
    unreadable: 0,
  };
}

export function newKindCounters(): KindCounters {
  return { delivered: 0, activations: 0, active: 0, crashes: 0, restarts: 0, deadLetters: noDeadLetters() };
}

/** The counters of all kinds added up. */
export function addUp(kinds: Iterable<readonly [string, KindCounters]>): Omit<HostCounters, "asksWaiting" | "lateAnswers" | "deadLetters"> {
  const sum = { delivered: 0, activations: 0, active: 0, crashes: 0, restarts: 0 };
  const byKind: Record<string, KindCounters> = {};
  for (const [kind, counters] of kinds) {
    sum.delivered += counters.delivered;
    sum.activations += counters.activations;
    sum.active += counters.active;
    sum.crashes += counters.crashes;
    sum.restarts += counters.restarts;
    byKind[kind] = { ...counters, deadLetters: { ...counters.deadLetters } };
  }
  return { ...sum, kinds: byKind };
}
