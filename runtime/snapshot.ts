import type { Address } from "./address.ts";
import type { HostCounters } from "./counters.ts";
import type { Clock } from "./time.ts";

/** Actors that a snapshot names unless it is told otherwise. */
const SNAPSHOT_ACTORS_MAX = 100;

/** Actors looked at before the event loop has its turn: a millisecond's work. */
const ACTORS_PER_LOOK = 4_096;

/**
 * What an address does on its host.
 * - dormant: no activation; the next go activates
 * - waiting: another host may not have let go of the address yet
 * - starting: `activate` has returned a promise
 * - idle: the actor can take a message
 * - turn: `receive` has returned a promise
 * - ending: `stopped` has returned a promise
 * - backoff: crashed, waits to be activated anew
 * - gone: no longer in the host's table
 */
export type Phase = "dormant" | "waiting" | "starting" | "idle" | "turn" | "ending" | "backoff" | "gone";

/** One actor as it is seen from outside: plain data. */
export interface ActorState {
  readonly address: Address;
  readonly phase: Phase;
  /** Users' messages in its mailbox. */
  readonly waiting: number;
  /** Messages handed to `receive` since the address came to this host. */
  readonly handled: number;
  /** Crashes in a row, each soon after the one before. */
  readonly crashes: number;
  /** What it crashed with last. */
  readonly error?: string;
  /** In phase backoff: until it is activated anew. */
  readonly restart_ms?: number;
}

/** One host as it is seen from outside: plain data, which may travel. */
export interface HostSnapshot {
  readonly host: string;
  /** Of the host's monotonic clock: rates are differences between two snapshots. */
  readonly taken_ms: number;
  readonly counters: HostCounters;
  /** Those that crash first, then those with the longest mailboxes, then those that handled most. */
  readonly actors: readonly ActorState[];
  /** Actors that were not named for want of room. */
  readonly actorsLeftOut: number;
}

export interface SnapshotOptions {
  /** Of this kind only. */
  readonly kind?: string;
  /** At most so many actors; default 100. */
  readonly actors_max?: number;
}

interface Seen {
  readonly kind: { readonly definition: { readonly kind: string } };
  state(): ActorState;
}

/** The foremost actors, in slices between which the event loop turns: a host may have a million. */
export async function foremost(
  all: Iterable<Seen>,
  clock: Clock,
  { kind, actors_max = SNAPSHOT_ACTORS_MAX }: SnapshotOptions = {},
): Promise<Pick<HostSnapshot, "actors" | "actorsLeftOut">> {
  let first: ActorState[] = [];
  let seen = 0;
  let looked = 0;
  for (const one of all) {
    looked += 1;
    if (looked % ACTORS_PER_LOOK === 0) await new Promise<void>((resolve) => clock.after(0, resolve));
    if (kind !== undefined && one.kind.definition.kind !== kind) continue;
    seen += 1;
    first.push(one.state());
    if (first.length >= Math.max(ACTORS_PER_LOOK, 2 * actors_max)) first = first.sort(before).slice(0, actors_max);
  }
  const actors = first.sort(before).slice(0, actors_max);
  return { actors, actorsLeftOut: seen - actors.length };
}

function before(a: ActorState, b: ActorState): number {
  return b.crashes - a.crashes || b.waiting - a.waiting || b.handled - a.handled || (a.address < b.address ? -1 : 1);
}
