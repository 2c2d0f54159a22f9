import type { Sender } from "../../runtime/mod.ts";
import { wholeText } from "../kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../kinds/utf8.ts";
import { KEY_BYTES_MAX, OBJECT_BYTES_MAX, REQUEST_BYTES_MAX } from "./limits.ts";
import type { Outcome, Transaction } from "./transaction.ts";

/** Why a proposal is not taken: one of the codes that WriterMessage names. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A transaction at the writer, until it is answered. There may be a hundred thousand of them at a time, so nothing is made that most do not need. */
export class Proposal {
  readonly transaction: Transaction;
  readonly since: number;
  readonly arrived_ms: number;
  /** What was decided when its batch was built. Nobody may be told before the log has taken the batch. */
  outcome: Outcome | undefined = undefined;
  /** Undefined once it was given up. */
  #sender: Sender | undefined;
  /** Retries that came while the first attempt waits. */
  #joined: Sender[] | undefined = undefined;

  constructor(transaction: Transaction, since: number, arrived_ms: number, sender: Sender) {
    this.transaction = transaction;
    this.since = since;
    this.arrived_ms = arrived_ms;
    this.#sender = sender;
  }

  /** Whether anybody waits for the answer. */
  get awaited(): boolean {
    return this.#sender !== undefined;
  }

  join(sender: Sender): void {
    if (this.#sender === undefined) this.#sender = sender;
    else if (this.#joined === undefined) this.#joined = [sender];
    else this.#joined.push(sender);
  }

  answer(outcome: Outcome): void {
    this.#sender?.answer(outcome);
    if (this.#joined !== undefined) for (const sender of this.#joined) sender.answer(outcome);
  }

  /** Tells that it failed those who wait; who joins from now on gets what comes after. */
  fail(code: string, message: string): void {
    this.#sender?.fail(code, message);
    if (this.#joined !== undefined) for (const sender of this.#joined) sender.fail(code, message);
    this.#sender = undefined;
    this.#joined = undefined;
  }
}

/** What is wrong with a transaction whatever the state of the store; undefined when nothing is. */
export function refusalOf({ request, mutations }: Transaction): Refusal | undefined {
  if (request === "" || isLongerThan(request, REQUEST_BYTES_MAX)) {
    return { code: "invalid", message: `a request id has 1 to ${REQUEST_BYTES_MAX} bytes` };
  }
  if (mutations.length === 0) return { code: "invalid", message: "a transaction has at least one mutation" };
  for (const mutation of mutations) {
    if (!mutation.key.includes("/") || isLongerThan(mutation.key, KEY_BYTES_MAX)) {
      return { code: "invalid", message: `${mutation.key} is no key of at most ${KEY_BYTES_MAX} bytes` };
    }
    if (mutation.op !== "delete" && isLongerThan(wholeText(mutation), OBJECT_BYTES_MAX)) {
      return { code: "object-too-large", message: `${mutation.key} has more than ${OBJECT_BYTES_MAX} bytes` };
    }
  }
  return undefined;
}

/** Whether the string has more bytes of UTF-8; counts them only when its length leaves a doubt. */
function isLongerThan(text: string, bytes: number): boolean {
  return text.length > bytes || (text.length * UTF8_BYTES_PER_UNIT_MAX > bytes && Buffer.byteLength(text) > bytes);
}
