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

/**
 * One thing that a host sends to another. Tuples, because they are packed by the hundred thousand:
 * - a message for an actor; `forwarded` when it comes from a host that it was sent to in error
 * - a message that wants an answer, with the asking host's id for it
 * - the answer to the ask with this id
 * - the failure of the ask with this id: a code and a sentence
 * - a system message of the kernel for an actor
 * @contract envelopes
 */
export type Envelope =
  | readonly [kind: typeof TELL, to: Address, message: Message, forwarded?: true]
  | readonly [kind: typeof ASK, to: Address, message: Message, id: number, forwarded?: true]
  | readonly [kind: typeof ANSWER, id: number, value: unknown]
  | readonly [kind: typeof FAILURE, id: number, code: string, message: string]
  | readonly [kind: typeof SIGNAL, to: Address, message: Message];

/** What one host sends to another at once. Order within it is the order of sending. */
export interface Frame {
  readonly from: string;
  /** Which life of the sender sent it (membership/table.ts); 0 where hosts have no membership. */
  readonly incarnation: number;
  readonly envelopes: readonly Envelope[];
}

/** An envelope that did not leave its host, and why. */
export interface Refused {
  readonly envelope: Envelope;
  readonly reason: "too-large" | "not-plain-data" | "unreachable";
}
