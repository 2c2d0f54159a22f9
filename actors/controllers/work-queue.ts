import { type Due, DueQueue } from "../../runtime/mod.ts";

/** First retry after a failure. Source: client-go's DefaultControllerRateLimiter. */
export const RETRY_FIRST_MS = 5;
/** Kubernetes waits up to 1,000 s; what blocks an object here (a quota, a webhook) is usually lifted by somebody who watches. */
export const RETRY_MAX_MS = 60_000;

interface Waiting extends Due {
  readonly key: string;
}

/**
 * The keys that a controller has to look at. Invariants: a key is ready at most once; a key that is being worked on is not handed out again
 * until it is done, and one that was added meanwhile becomes ready then; two rounds of a key start at least its pace apart. Plain data:
 * it knows no timers, its owner asks `nextDue_ms`.
 */
export class WorkQueue {
  readonly #paceOf_ms: (key: string) => number;
  readonly #ready = new Set<string>();
  readonly #inFlight = new Set<string>();
  /** In flight, and added since. */
  readonly #again = new Set<string>();
  /** When each key waits to become ready; the heap may hold outdated entries, this is the truth. */
  readonly #due = new Map<string, number>();
  readonly #heap = new DueQueue<Waiting>();
  #order = 0;
  /** Until when each key rests after its last start, the oldest of these first. */
  readonly #resting = new Map<string, number>();
  readonly #failures = new Map<string, number>();

  /** `paceOf_ms` is asked when a round of the key starts. */
  constructor(paceOf_ms: (key: string) => number) {
    this.#paceOf_ms = paceOf_ms;
  }

  get ready(): number {
    return this.#ready.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Returns false when the key was waiting already. */
  add(key: string, now_ms: number): boolean {
    if (this.#inFlight.has(key)) {
      const size = this.#again.size;
      return this.#again.add(key).size > size;
    }
    if (this.#ready.has(key)) return false;
    const until_ms = this.#resting.get(key);
    if (until_ms !== undefined && now_ms < until_ms) return this.addAt(key, until_ms);
    this.#due.delete(key);
    this.#ready.add(key);
    return true;
  }

  /** Makes the key ready at that time, or earlier if it waits for an earlier time already. */
  addAt(key: string, at_ms: number): boolean {
    if (this.#ready.has(key)) return false;
    const waiting_ms = this.#due.get(key);
    if (waiting_ms !== undefined && waiting_ms <= at_ms) return false;
    this.#due.set(key, at_ms);
    this.#heap.push({ key, due_ms: at_ms, order: this.#order++ });
    return true;
  }

  /** When the next waiting key becomes ready; undefined: none waits. */
  nextDue_ms(): number | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || this.#due.get(first.key) === first.due_ms) return first?.due_ms;
      this.#heap.pop();
    }
  }

  /** Hands out a ready key, which is in flight from then on. */
  take(now_ms: number): string | undefined {
    this.#wake(now_ms);
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#inFlight.add(key);
      this.#rest(key, now_ms);
      return key;
    }
    return undefined;
  }

  /** The round of this key has ended. */
  done(key: string, now_ms: number): void {
    this.#inFlight.delete(key);
    if (this.#again.delete(key)) this.add(key, now_ms);
  }

  /** Counts a failure of the key and says how long to wait before the next try: `first_ms` at first, and twice as long each time. */
  retryAfter_ms(key: string, first_ms: number = RETRY_FIRST_MS): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(first_ms * 2 ** failures, RETRY_MAX_MS);
  }

  /** Forgets the failures of the key. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  #wake(now_ms: number): void {
    for (let at_ms = this.nextDue_ms(); at_ms !== undefined && at_ms <= now_ms; at_ms = this.nextDue_ms()) {
      const due = this.#heap.pop();
      if (due === undefined) return;
      this.#due.delete(due.key);
      if (this.#inFlight.has(due.key)) this.#again.add(due.key);
      else this.#ready.add(due.key);
    }
  }

  #rest(key: string, now_ms: number): void {
    this.#resting.delete(key);
    const pace_ms = this.#paceOf_ms(key);
    if (pace_ms > 0) this.#resting.set(key, now_ms + pace_ms);
    for (const [rested, until_ms] of this.#resting) {
      if (until_ms > now_ms) break;
      this.#resting.delete(rested);
    }
  }
}
