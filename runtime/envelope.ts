import type { Message } from "./actor.ts";
import type { Address } from "./address.ts";

/**
 * The first element of an envelope: what is inside.
 * @contract envelopes
 */
export const TELL = 0;
export const ASK = 1;
export const ANSWER = 2;
export const FAILURE = 3;
export const SIGNAL = 4;
export const CANCEL = 5;
export const WATCH = 6;
export const UNWATCH = 7;
export const WATCHED_ENDED = 8;

/**
 * One thing that a host sends to another. Tuples, because they are packed by the hundred thousand:
 * - a message for an actor; `forwarded` when it comes from a host that it was sent to in error: the version of the table of members by which that
 *   host sent it on, 0 where there is none
 * - a message that wants an answer, with the asking host's id for it, and whether a CANCEL may follow
 * - the answer to the ask with this id
 * - the failure of the ask with this id: a code and a sentence
 * - a system message of the kernel for an actor; `forwarded` as with a message
 * - nobody waits any more for the answer to the ask with this id
 * - the sending host wants to know when an activation of the address ends for good, under an id of its own
 * - it does not want to know any more
 * - the activation that the receiving host watches under this id has ended for good
 * @contract envelopes
 */
export type Envelope =
  | readonly [kind: typeof TELL, to: Address, message: Message, forwarded?: number]
  | readonly [kind: typeof ASK, to: Address, message: Message, id: number, forwarded?: number | false, cancellable?: true]
  | readonly [kind: typeof ANSWER, id: number, value: unknown]
  | readonly [kind: typeof FAILURE, id: number, code: string, message: string]
  | readonly [kind: typeof SIGNAL, to: Address, message: Message, forwarded?: number]
  | readonly [kind: typeof CANCEL, id: number]
  | readonly [kind: typeof WATCH, address: Address, id: number]
  | readonly [kind: typeof UNWATCH, address: Address, id: number]
  | readonly [kind: typeof WATCHED_ENDED, id: number];

/** What a frame says beside its envelopes: who sends it, and where both directions of the link stand (link.ts). */
export interface FrameHead {
  /** The name of the sending host. */
  readonly from: string;
  /** Its incarnation as a member (membership/table.ts); 0 where hosts have no membership. */
  readonly incarnation: number;
  /** The version of the table by which the sender found the places of its envelopes; 0 where hosts have no membership. */
  readonly view: number;
  /** Tells two processes or threads of one host name apart, with or without membership: a number that a host draws when it starts. */
  readonly life: number;
  /** Where this frame begins in what the sender's life has sent to this receiver, in units of cost. */
  readonly position: number;
  /** Not 0: say where you stand, soon, and repeat this number as `heardFor`. */
  readonly wants: number;
  /** The life of the receiver to which `heard` refers; 0 when nothing was heard of it. */
  readonly heardLife: number;
  /** Up to here the sender of this frame has taken in what the receiver sent to it. */
  readonly heard: number;
  /** The latest `wants` that this frame answers, or 0. */
  readonly heardFor: number;
}

/** How a host stands among the members when it packs a frame. */
export type Standing = Pick<FrameHead, "incarnation" | "view">;

/** What one host sends to another at once. Order within it is the order of sending. No envelopes: only the head matters. */
export interface Frame {
  readonly head: FrameHead;
  readonly envelopes: readonly Envelope[];
}

/** An envelope that did not leave its host, and why. */
export interface Refused {
  readonly envelope: Envelope;
  readonly reason: "too-large" | "not-plain-data" | "unreachable" | "overloaded";
}
