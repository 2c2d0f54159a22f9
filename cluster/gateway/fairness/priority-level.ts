import { createHash } from "node:crypto";
import type { PriorityLevelConfigurationSpec } from "../../../actors/kinds/generated/types.ts";
import { SeatDemand } from "./demand.ts";
import type { FlowCounts, Refusal } from "./flow-counts.ts";
import type { Work } from "./work.ts";

/** A request waits no longer than this for its turn. Source: apiserver's, a quarter of --request-timeout. */
export const QUEUE_WAIT_MS_MAX = 15_000;
/** Flows whose hands are remembered. */
const HANDS_MAX = 1_024;
const HASH_BYTES = 6;

/** A request that wants to be worked on. */
export interface Arrival {
  /** What tells the flows of a level apart. */
  readonly flow: string;
  readonly distinguisher: string;
  readonly work: Work;
  readonly counts: FlowCounts;
  readonly arrived_ms: number;
}

/** The places of one request among those that are worked on; whoever has them leaves them when done. */
export interface Seat {
  readonly arrival: Arrival;
  readonly started_ms: number;
  /** The number of its queue; -1 where there is none. */
  readonly queue: number;
  leave(): void;
}

interface Waiting {
  readonly arrival: Arrival;
  readonly resolve: (seat: Seat | undefined) => void;
}

interface Queue {
  readonly index: number;
  readonly waiting: Waiting[];
  executing: number;
  seats: number;
  /** How far it has come, in seats, beside the other queues of its level. */
  progress: number;
}

/** Time and turns, as the level needs them. Milliseconds. */
export interface Pace {
  now_ms(): number;
  /** Runs what it is given after so long; after 0 in a later turn of the event loop. */
  after(delay_ms: number, run: () => void): { cancel(): void };
}

/**
 * Requests of one importance. So many seats are there for them at once, of which a request takes one or more; what is more waits in queues, and the queues take
 * turns. A flow has a hand of few queues, dealt by its name, and takes the shortest: a flow that floods fills its own hand, and few other flows have none of their
 * queues outside it (shuffle sharding). Source: the API Priority and Fairness page, KEP-1040, and apiserver's pkg/util/flowcontrol/fairqueuing/queueset.
 *
 * Most requests take nothing but processor time, and are done in the turn of the event loop in which they get their seats. So seats that become free are given out
 * again in a later turn only: in between, what others have sent comes in and takes its place in a queue.
 */
export class PriorityLevel {
  exempt = false;
  readonly demand: SeatDemand;
  /** Seats that there are for now: they are lent and borrowed. */
  seats = 0;
  seatsTaken = 0;
  seatsWanted = 0;
  dispatched = 0;
  readonly refused: Record<Refusal, number> = { "queue-full": 0, "concurrency-limit": 0, "time-out": 0 };
  queueCount = 0;
  handSize = 0;
  waiting = 0;
  #lengthMax = 0;
  #progress = 0;
  #givesLater = false;
  readonly #pace: Pace;
  readonly #executing = new Set<Seat>();
  readonly #byIndex = new Map<number, Queue>();
  readonly #hands = new Map<string, readonly number[]>();

  constructor(pace: Pace) {
    this.#pace = pace;
    this.demand = new SeatDemand(pace.now_ms());
  }

  get executing(): ReadonlySet<Seat> {
    return this.#executing;
  }

  get queues(): ReadonlyMap<number, Readonly<Queue>> {
    return this.#byIndex;
  }

  /** Takes a configuration up. What waits stays where it is. */
  configure({ type, limited }: PriorityLevelConfigurationSpec): void {
    this.exempt = type === "Exempt";
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = limited?.limitResponse?.queuing ?? {};
    this.queueCount = queues;
    this.handSize = Math.min(handSize, queues);
    this.#lengthMax = queueLengthLimit;
    this.#hands.clear();
  }

  /** Has so many seats from now on. */
  resize(seats: number): void {
    this.seats = seats;
    if (this.waiting > 0) this.#giveLater();
  }

  /** Seats, at once where there are enough; undefined when it is too much. The promise gives undefined when the turn did not come in time. */
  enter(arrival: Arrival): Seat | Promise<Seat | undefined> | undefined {
    if (this.exempt) return this.#seat(arrival, undefined);
    if (this.queueCount === 0)
      return this.#fits(arrival.work) ? this.#seat(arrival, undefined) : this.#refuse(arrival, "concurrency-limit");
    const queue = this.#shortest(arrival.flow);
    if (this.waiting === 0 && this.#fits(arrival.work)) {
      this.#advance(queue, arrival.work);
      return this.#seat(arrival, queue);
    }
    if (queue.waiting.length >= this.#lengthMax) return this.#refuse(arrival, "queue-full");
    return new Promise((resolve) => {
      const timer = this.#pace.after(QUEUE_WAIT_MS_MAX, () => {
        queue.waiting.splice(queue.waiting.indexOf(one), 1);
        this.#waits(arrival, -1);
        resolve(this.#refuse(arrival, "time-out"));
      });
      const one: Waiting = {
        arrival,
        resolve: (seat) => {
          timer.cancel();
          resolve(seat);
        },
      };
      queue.waiting.push(one);
      this.#waits(arrival, 1);
    });
  }

  /** What asks for more than there is has its turn when nobody else is worked on. */
  #fits(work: Work): boolean {
    const wanted = seatsOf(work);
    return wanted > this.seats ? this.#executing.size === 0 : this.seatsTaken + wanted <= this.seats;
  }

  #refuse({ counts, arrived_ms }: Arrival, why: Refusal): undefined {
    this.refused[why]++;
    counts.refuse(why, this.#pace.now_ms() - arrived_ms);
    return undefined;
  }

  #waits({ work, counts }: Arrival, one: 1 | -1): void {
    const seats = seatsOf(work);
    this.waiting += one;
    this.seatsWanted += one * seats;
    counts.waiting += one;
    counts.waitingSeats += one * seats;
    this.demand.set(this.seatsTaken + this.seatsWanted, this.#pace.now_ms());
  }

  #seat(arrival: Arrival, queue: Queue | undefined): Seat {
    const now_ms = this.#pace.now_ms();
    const seats = seatsOf(arrival.work);
    this.dispatched++;
    arrival.counts.began(seats, now_ms - arrival.arrived_ms);
    if (queue !== undefined) queue.executing++;
    this.#take(seats, queue, now_ms);
    let left = false;
    const seat: Seat = {
      arrival,
      started_ms: now_ms,
      queue: queue?.index ?? -1,
      leave: () => {
        if (left) return;
        left = true;
        this.#leave(seat, seats, queue);
      },
    };
    this.#executing.add(seat);
    return seat;
  }

  #leave(seat: Seat, seats: number, queue: Queue | undefined): void {
    const { counts, work } = seat.arrival;
    const now_ms = this.#pace.now_ms();
    if (work.additional_ms === 0 || this.exempt) {
      this.#free(seat, seats, queue, now_ms);
      return;
    }
    // Its watchers are told of it now.
    this.#take(work.finalSeats - seats, queue, now_ms);
    counts.executingSeats += work.finalSeats - seats;
    this.#pace.after(work.additional_ms, () => this.#free(seat, work.finalSeats, queue, this.#pace.now_ms()));
  }

  #free(seat: Seat, seats: number, queue: Queue | undefined, now_ms: number): void {
    this.#executing.delete(seat);
    seat.arrival.counts.ended(seats, now_ms - seat.started_ms);
    if (queue !== undefined) queue.executing--;
    this.#take(-seats, queue, now_ms);
    if (this.waiting > 0) this.#giveLater();
  }

  #take(seats: number, queue: Queue | undefined, now_ms: number): void {
    this.seatsTaken += seats;
    if (queue !== undefined) queue.seats += seats;
    this.demand.set(this.seatsTaken + this.seatsWanted, now_ms);
  }

  #giveLater(): void {
    if (this.#givesLater) return;
    this.#givesLater = true;
    this.#pace.after(0, () => {
      this.#givesLater = false;
      this.#next();
    });
  }

  /** Gives seats that are free to those who wait: to the queue that is furthest behind. One that wants many makes the others wait for it. */
  #next(): void {
    while (this.waiting > 0) {
      let behind: Queue | undefined;
      for (const queue of this.#byIndex.values()) {
        if (queue.waiting.length > 0 && (behind === undefined || queue.progress < behind.progress)) behind = queue;
      }
      const one = behind?.waiting[0];
      if (behind === undefined || one === undefined || !(this.exempt || this.#fits(one.arrival.work))) return;
      behind.waiting.shift();
      this.#waits(one.arrival, -1);
      this.#advance(behind, one.arrival.work);
      one.resolve(this.#seat(one.arrival, behind));
    }
  }

  /** A queue that was idle does not catch up on what it did not ask for. */
  #advance(queue: Queue, work: Work): void {
    this.#progress = Math.max(this.#progress, queue.progress);
    queue.progress += seatsOf(work);
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
      queue = { index, waiting: [], executing: 0, seats: 0, progress: this.#progress };
      this.#byIndex.set(index, queue);
    }
    if (queue.waiting.length === 0 && queue.executing === 0) queue.progress = Math.max(queue.progress, this.#progress);
    return queue;
  }

  #hand(flow: string): readonly number[] {
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      hand = deal(flow, this.queueCount, this.handSize);
      if (this.#hands.size >= HANDS_MAX) this.#hands.clear();
      this.#hands.set(flow, hand);
    }
    return hand;
  }
}

/** As many as it takes at any moment. */
function seatsOf({ seats, finalSeats }: Work): number {
  return finalSeats > seats ? finalSeats : seats;
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
