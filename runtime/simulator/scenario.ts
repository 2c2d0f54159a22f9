import type { ActorKind, Message, Messenger } from "../actor.ts";
import type { Directory, Member } from "../directory.ts";
import type { LinkLimits } from "../link.ts";
import type { Clock, Random } from "../time.ts";
import type { Happened, Life } from "./happening.ts";

/** How much of everything; what a failing run is shrunk by. */
export interface Size {
  readonly hosts: number;
  /** Addresses of each kind. */
  readonly actors: number;
}

/** A host in one of its lives, as the code sees it that runs there. */
export interface Seat extends Life {
  /** This host's number, from zero. */
  readonly index: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Tells and asks as the doors of a host do. Not there before the host has begun to join the others. */
  readonly messenger: Messenger;
  /** Where addresses live, as this host has it. Not there before the host has begun to join the others. */
  readonly directory: Directory;
  readonly alive: boolean;
  readonly paused: boolean;
  /** The workload is to begin nothing new: the run is about to be looked at at rest. */
  readonly resting: boolean;
  /** Something for the trace and the invariants. */
  note(text: string, data: unknown): void;
  /**
   * Does something with what all hosts share (a log, a table), over the network: it takes time, and rejects when no answer came, done or not. The
   * promise settles in this host's own time: later when it is paused, never when it is dead.
   */
  remote<T>(operation: () => T | Promise<T>): Promise<T>;
  /** What all hosts share tells this one something: it hears of it in its own time, after what it was told before; `lost` when it cannot be reached. */
  told(hear: () => void, lost: () => void): void;
  /** Ends this host at once; it begins anew. */
  giveUp(why: string): void;
}

/** Something that must hold at every moment of a run. */
export interface Invariant {
  readonly name: string;
  /** Looks at what just happened. Returns a sentence when it is broken. */
  saw?(happened: Happened): string | undefined;
  /** The run is at rest: no faults, no workload, and time enough for everything to come to its end. */
  atRest?(at_ms: number): string | undefined;
}

/** What runs in a simulation. Made anew for each run, so what its parts share may live in a closure. */
export interface Scenario {
  readonly hosts: readonly Member[];
  /** How long a host may be silent before others take its place, and how often it shows that it is there; the kernel's own by default. */
  readonly lease_ms?: number;
  readonly renew_ms?: number;
  /** Timers of at least five times as long fire together, at multiples of this: a long run has fewer moments to go through. */
  readonly timerGrain_ms?: number;
  /** The largest message of the network; small by default, so that a few messages are enough for frames to be split. */
  readonly payloadMax_bytes?: number;
  /** What may be on its way to another host; little by default, so that a burst is enough to fill it. */
  readonly linkLimits?: LinkLimits;
  /** A host that was removed while it was silent, or one of whose actors nobody supervises was given up, begins anew instead of going on. */
  readonly givesUp?: boolean;
  /** What a host does before it joins the others; when it rejects, the host begins anew. */
  prepare?(seat: Seat): Promise<void>;
  /** The actors that a host offers; called whenever it begins a life. */
  kinds(seat: Seat): readonly ActorKind<Message>[];
  /** Sets going what this host does; called when it is up. Ends with the host, without being told. */
  workload(seat: Seat): void;
  readonly invariants: readonly Invariant[];
}

export type ScenarioOf = (size: Size) => Scenario;
