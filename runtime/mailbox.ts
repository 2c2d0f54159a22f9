import type { Message, Sender } from "./actor.ts";

/** The first ring holds this many messages; it doubles when it is full. A power of two. */
const RING_SLOTS_FIRST = 4;

/** Rings larger than this are given back when they run empty, so that one burst does not cost memory for ever. */
const RING_SLOTS_KEPT = 64;

/**
 * Messages that wait for one actor, first in, first out. A ring in which message and sender lie side by side, so that
 * a tell allocates nothing. It does not know its bound: the cell refuses before it pushes.
 */
export class Mailbox {
  #ring: (Message | Sender | undefined)[] = [];
  /** Index of the oldest message, in messages. Invariant: 0 <= #head < slots, or 0 when there is no ring. */
  #head = 0;
  /** Messages that wait. Invariant: 0 <= size <= slots. */
  size = 0;

  push(message: Message, sender: Sender): void {
    let slots = this.#ring.length >> 1;
    if (this.size === slots) slots = this.#grow(slots);
    const at = ((this.#head + this.size) & (slots - 1)) << 1;
    this.#ring[at] = message;
    this.#ring[at + 1] = sender;
    this.size += 1;
  }

  /** The oldest message, or undefined when the mailbox is empty. Its sender is at `headSender` until `drop`. */
  get headMessage(): Message | undefined {
    return this.#ring[this.#head << 1] as Message | undefined;
  }

  get headSender(): Sender | undefined {
    return this.#ring[(this.#head << 1) + 1] as Sender | undefined;
  }

  /** Removes the oldest message. Only when size > 0. */
  drop(): void {
    const at = this.#head << 1;
    this.#ring[at] = undefined;
    this.#ring[at + 1] = undefined;
    this.size -= 1;
    const slots = this.#ring.length >> 1;
    if (this.size === 0 && slots > RING_SLOTS_KEPT) {
      this.#ring = [];
      this.#head = 0;
    } else {
      this.#head = (this.#head + 1) & (slots - 1);
    }
  }

  /** Hands every waiting message to `take`, oldest first, and leaves the mailbox empty. */
  drain(take: (message: Message, sender: Sender) => void): void {
    while (this.size > 0) {
      const message = this.headMessage;
      const sender = this.headSender;
      this.drop();
      if (message !== undefined && sender !== undefined) take(message, sender);
    }
  }

  #grow(slots: number): number {
    const wider = slots === 0 ? RING_SLOTS_FIRST : slots * 2;
    const old = this.#ring;
    const ring: (Message | Sender | undefined)[] = new Array(wider * 2).fill(undefined);
    for (let index = 0; index < this.size; index++) {
      const from = ((this.#head + index) & (slots - 1)) << 1;
      ring[index << 1] = old[from];
      ring[(index << 1) + 1] = old[from + 1];
    }
    this.#ring = ring;
    this.#head = 0;
    return wider;
  }
}
