import type { ActorKind, Logger, Message, Messenger, Sender } from "./actor.ts";
import type { Address } from "./address.ts";
import type { DeadLetterReason, KindMeasures } from "./counters.ts";
import type { Idleness } from "./idleness.ts";
import type { PlantedFault } from "./planted-fault.ts";
import type { Clock, Random, Timer } from "./time.ts";
import type { Runnable } from "./turn-loop.ts";

/** A kind as one host has it. */
export interface KindOnHost {
  readonly definition: ActorKind<Message>;
  readonly measures: KindMeasures;
  /** Nothing of this kind may be activated any more. */
  closed: boolean;
}

/** What a cell needs of its host. */
export interface CellHost extends Messenger {
  readonly clock: Clock;
  readonly random: Random;
  readonly planted: PlantedFault | undefined;
  logOf(address: Address): Logger;
  nextEpoch(): number;
  /** Whether the address is this host's alone. If not, `mayActivate` of the cell is called when it is. */
  mayActivate(cell: Activatable): boolean;
  /** Whether actors have used up their time in this turn of the event loop. Reads the clock. */
  isTimeUp(): boolean;
  /** The runnable has something to do. */
  ready(runnable: Runnable): void;
  /** Calls `fire` at the end of this turn of the event loop. */
  atTurnEnd(fire: () => void): void;
  /** Calls `tell` once when an activation of the address ends for good. */
  watch(address: Address, tell: () => void): Timer;
  /** An activation of the address has ended for good. */
  ended(address: Address): void;
  readonly idleness: Idleness;
  /** The cell of this address is done with; a later message begins a new one. `movesWith`: what its actor goes on with where the address lives now. */
  gone(address: Address, kind: KindOnHost, movesWith: Message | undefined): void;
  /** Delivers anew, to wherever the address lives now. */
  forward(to: Address, message: Message, sender: Sender): void;
  /** As `forward`, of a system message. */
  notify(to: Address, message: Message): void;
  /** The actor was given up: its supervisor is to know. */
  escalate(child: Address, kind: KindOnHost, error: string): void;
  refuse(reason: DeadLetterReason, to: Address, message: Message, sender: Sender, kind: KindOnHost | undefined): void;
}

/** A cell that wants to be active. */
export interface Activatable {
  readonly address: Address;
  mayActivate(): void;
}

/** What an activation may do to the cell that it belongs to. */
export interface Addressee {
  /** Its kind says that actors with nothing to do go to rest. */
  readonly rests: boolean;
  /** A system message for this activation: ahead of users' messages, never refused. */
  signal(message: Message): void;
  stopItself(): void;
}
