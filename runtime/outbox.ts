import type { Sender } from "./actor.ts";
import { ASK_FAILURES } from "./ask-failed.ts";
import { ANSWER, type Envelope, FAILURE, type Refused } from "./envelope.ts";
import type { Transport } from "./transport.ts";

/** Envelopes for one host that may gather within one turn of the loop; when there are as many, they leave at once. */
export const FRAME_ENVELOPES_MAX = 512;

/** What this turn of the loop has for other hosts. */
export class Outbox {
  readonly #transport: Transport;
  readonly #stir: () => void;
  readonly #refused: (refused: Refused) => void;
  readonly #incarnation: () => number;
  readonly #waiting = new Map<string, Envelope[]>();

  /** `stir` asks for a `flush` at the end of this turn; `refused` hears of messages and asks that did not leave; `incarnation` is the sender's. */
  constructor(transport: Transport, stir: () => void, refused: (refused: Refused) => void, incarnation: () => number) {
    this.#transport = transport;
    this.#stir = stir;
    this.#refused = refused;
    this.#incarnation = incarnation;
  }

  add(host: string, envelope: Envelope): void {
    const waiting = this.#waiting.get(host);
    if (waiting === undefined) {
      this.#waiting.set(host, [envelope]);
      this.#stir();
      return;
    }
    waiting.push(envelope);
    if (waiting.length < FRAME_ENVELOPES_MAX) return;
    this.#waiting.delete(host);
    this.#send(host, waiting);
  }

  flush(): void {
    if (this.#waiting.size === 0) return;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const [host, envelopes] of all) this.#send(host, envelopes);
  }

  /** In whose name envelopes leave now. */
  get incarnation(): number {
    return this.#incarnation();
  }

  /** Takes back what has not left. */
  discard(): readonly Envelope[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return all;
  }

  #send(host: string, envelopes: readonly Envelope[]): void {
    for (const refused of this.#transport.send(host, envelopes, this.incarnation)) {
      const { envelope, reason } = refused;
      // The asker must not wait for an answer that cannot travel.
      if (envelope[0] === ANSWER && reason !== "unreachable")
        this.add(host, [FAILURE, envelope[1], reason, `answer: ${ASK_FAILURES[reason]}`]);
      else this.#refused(refused);
    }
  }
}

/** Answers an ask that came from another host, once, and only for as long as this host is in the incarnation that was asked. */
export class RemoteSender implements Sender {
  readonly #outbox: Outbox;
  readonly #incarnation: number;
  readonly #host: string;
  readonly #id: number;
  #open = true;

  constructor(outbox: Outbox, host: string, id: number) {
    this.#outbox = outbox;
    this.#incarnation = outbox.incarnation;
    this.#host = host;
    this.#id = id;
  }

  answer(value: unknown): void {
    if (!this.#ends()) return;
    this.#outbox.add(this.#host, [ANSWER, this.#id, value]);
  }

  fail(code: string, message: string): void {
    if (!this.#ends()) return;
    this.#outbox.add(this.#host, [FAILURE, this.#id, code, message]);
  }

  #ends(): boolean {
    const open = this.#open;
    this.#open = false;
    return open && this.#outbox.incarnation === this.#incarnation;
  }
}
