import { createHash } from "node:crypto";
import type { PriorityLevelConfigurationSpec } from "../../../actors/kinds/generated/types.ts";

/** A request waits no longer than this for its turn. Source: apiserver's, a quarter of --request-timeout. */
export const QUEUE_WAIT_MS_MAX = 15_000;
/** Flows whose hands are remembered. */
const HANDS_MAX = 1_024;
const HASH_BYTES = 6;

/** A place among the requests that are worked on; whoever has one leaves it when done. */
export interface Seat {
  leave(): void;
}

interface Waiting {
  readonly resolve: (seat: Seat | undefined) => void;
}

interface Queue {
  readonly waiting: Waiting[];
  executing: number;
  /** How far it has come, in requests, beside the other queues of its level. */
  progress: number;
}

/**
 * Requests of one importance. So many are worked on at once; what is more waits in queues, and the queues take turns. A flow has a hand of few queues, dealt by its
 * name, and takes the shortest: a flow that floods fills its own hand, and few other flows have none of their queues outside it (shuffle sharding). Source: the API
 * Priority and Fairness page, and KEP-1040.
 *
 * Most requests take nothing but processor time, and are done in the turn of the event loop in which they get their seat. So seats that become free are given out
 * again in a later turn only: in between, what others have sent comes in and takes its place in a queue.
 */
export class PriorityLevel {
  seats = 0;
  exempt = false;
  executing = 0;
  waiting = 0;
  rejected = 0;
  #queues = 0;
  #handSize = 0;
  #lengthMax = 0;
  #progress = 0;
  #givesLater = false;
  readonly #later: (give: () => void) => void;
  readonly #byIndex = new Map<number, Queue>();
  readonly #hands = new Map<string, readonly number[]>();

  /** `later` runs what it is given in a later turn of the event loop. */
  constructor(later: (give: () => void) => void) {
    this.#later = later;
  }

  /** Takes a configuration up; `seats` is this level's share of all. What waits stays where it is. */
  configure({ type, limited }: PriorityLevelConfigurationSpec, seats: number): void {
    this.seats = seats;
    this.exempt = type === "Exempt";
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = limited?.limitResponse?.queuing ?? {};
    this.#queues = queues;
    this.#handSize = Math.min(handSize, queues);
    this.#lengthMax = queueLengthLimit;
    this.#hands.clear();
  }

  /**
   * A seat, at once where there is one; undefined when the flow has too many waiting already. The promise gives undefined when the turn did not come in time:
   * `timely` says so by calling what it is given.
   */
  enter(flow: string, timely: (give: () => void) => { cancel(): void }): Seat | Promise<Seat | undefined> | undefined {
    if (this.exempt) return this.#seat(undefined);
    if (this.#queues === 0) {
      if (this.executing < this.seats) return this.#seat(undefined);
      this.rejected++;
      return undefined;
    }
    const queue = this.#shortest(flow);
    if (this.executing < this.seats && this.waiting === 0) {
      this.#advance(queue);
      return this.#seat(queue);
    }
    if (queue.waiting.length >= this.#lengthMax) {
      this.rejected++;
      return undefined;
    }
    return new Promise((resolve) => {
      const timer = timely(() => {
        queue.waiting.splice(queue.waiting.indexOf(one), 1);
        this.waiting--;
        this.rejected++;
        resolve(undefined);
      });
      const one: Waiting = {
        resolve: (seat) => {
          timer.cancel();
          resolve(seat);
        },
      };
      queue.waiting.push(one);
      this.waiting++;
    });
  }

  #seat(queue: Queue | undefined): Seat {
    this.executing++;
    if (queue !== undefined) queue.executing++;
    let left = false;
    return {
      leave: () => {
        if (left) return;
        left = true;
        this.executing--;
        if (queue !== undefined) queue.executing--;
        if (this.waiting === 0 || this.#givesLater) return;
        this.#givesLater = true;
        this.#later(() => {
          this.#givesLater = false;
          this.#next();
        });
      },
    };
  }

  /** Gives seats that are free to those who wait: to the queue that is furthest behind. */
  #next(): void {
    while (this.waiting > 0 && (this.executing < this.seats || this.exempt)) {
      let behind: Queue | undefined;
      for (const queue of this.#byIndex.values()) {
        if (queue.waiting.length > 0 && (behind === undefined || queue.progress < behind.progress)) behind = queue;
      }
      const one = behind?.waiting.shift();
      if (behind === undefined || one === undefined) return;
      this.waiting--;
      this.#advance(behind);
      one.resolve(this.#seat(behind));
    }
  }

  /** A queue that was idle does not catch up on what it did not ask for. */
  #advance(queue: Queue): void {
    this.#progress = Math.max(this.#progress, queue.progress);
    queue.progress++;
  }

  #shortest(flow: string): Queue {
    let shortest: Queue | undefined;
    for (const index of this.#hand(flow)) {
      const queue = this.#queue(index);
      const length = queue.waiting.length + queue.executing;
      if (shortest === undefined || length < shortest.waiting.length + shortest.executing) shortest = queue;
    }
    return shortest ?? this.#queue(0);
  }

  #queue(index: number): Queue {
    let queue = this.#byIndex.get(index);
    if (queue === undefined) {
      queue = { waiting: [], executing: 0, progress: this.#progress };
      this.#byIndex.set(index, queue);
    }
    if (queue.waiting.length === 0 && queue.executing === 0) queue.progress = Math.max(queue.progress, this.#progress);
    return queue;
  }

  #hand(flow: string): readonly number[] {
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      hand = deal(flow, this.#queues, this.#handSize);
      if (this.#hands.size >= HANDS_MAX) this.#hands.clear();
      this.#hands.set(flow, hand);
    }
    return hand;
  }
}

/** `size` different numbers below `deck`, by the name alone. */
export function deal(name: string, deck: number, size: number): readonly number[] {
  const hand: number[] = [];
  for (let round = 0; hand.length < Math.min(size, deck); round++) {
    const card = createHash("sha256").update(`${round} ${name}`).digest().readUIntBE(0, HASH_BYTES) % deck;
    if (!hand.includes(card)) hand.push(card);
  }
  return hand;
}
