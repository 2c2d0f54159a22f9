import type { Sender } from "./actor.ts";
import { ANSWER, FAILURE } from "./envelope.ts";
import type { Outbox } from "./outbox.ts";

/** Answers an ask that came from another host, once, and only for as long as this host is in the incarnation that was asked. */
class RemoteSender implements Sender {
  readonly #outbox: Outbox;
  readonly #incarnation: number;
  readonly #host: string;
  readonly #id: number;
  #open = true;
  cancelled = false;
  /** Of an ask that can be cancelled: it cannot any more. */
  whenOver: (() => void) | undefined = undefined;

  constructor(outbox: Outbox, host: string, id: number) {
    this.#outbox = outbox;
    this.#incarnation = outbox.incarnation;
    this.#host = host;
    this.#id = id;
  }

  answer(value: unknown): void {
    if (this.#end()) this.#outbox.add(this.#host, [ANSWER, this.#id, value]);
  }

  fail(code: string, message: string): void {
    if (this.#end()) this.#outbox.add(this.#host, [FAILURE, this.#id, code, message]);
  }

  /** The asker does not wait any more. */
  cancel(): void {
    this.cancelled = true;
    this.#end();
  }

  #end(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.whenOver?.();
    return this.#outbox.incarnation === this.#incarnation;
  }
}

/** The senders of asks from other hosts, and which of them may still be cancelled. */
export class RemoteSenders {
  readonly #outbox: Outbox;
  /** By host, then by the host's id for the ask. An asker that has gone without a word leaves its own until its host is lost. */
  readonly #cancellable = new Map<string, Map<number, RemoteSender>>();

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  of(host: string, id: number, cancellable: boolean): Sender {
    const sender = new RemoteSender(this.#outbox, host, id);
    if (!cancellable) return sender;
    const ofHost = this.#cancellable.get(host) ?? new Map<number, RemoteSender>();
    this.#cancellable.set(host, ofHost);
    ofHost.set(id, sender);
    sender.whenOver = () => ofHost.delete(id);
    return sender;
  }

  cancel(host: string, id: number): void {
    this.#cancellable.get(host)?.get(id)?.cancel();
  }

  /** Nobody waits there any more. */
  lost(host: string): void {
    const ofHost = this.#cancellable.get(host);
    this.#cancellable.delete(host);
    for (const sender of [...(ofHost?.values() ?? [])]) sender.cancel();
  }
}
