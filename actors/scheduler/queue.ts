/** How long a pod rests after its first failure; doubles with each, up to a most. Source: kube-scheduler's podInitialBackoffSeconds, podMaxBackoffSeconds. */
export interface Backoff {
  readonly backoffFirst_ms: number;
  readonly backoffMax_ms: number;
}

/** A pod that no event has woken for so long is tried anyway. Source: DefaultPodMaxInUnschedulablePodsDuration. */
export const UNSCHEDULABLE_MAX_MS = 300_000;

type Place = "nowhere" | "active" | "backoff" | "unschedulable";

/** A pod's standing in the queue; whoever owns the pod keeps it and hands it in. */
export class QueueTicket<Owner> {
  readonly owner: Owner;
  readonly priority: number;
  /** Pods with the same bucket are helped by the same events. */
  readonly bucket: string;
  attempts = 0;
  place: Place = "nowhere";
  /** When it entered the queue that it is in. */
  since_ms = 0;
  /** When its backoff ends. */
  rested_ms = 0;
  /** It failed for a reason that says nothing about the cluster, so an empty active queue does not end its rest. */
  errored = false;
  /** Grows with each move, so that stale entries of the heaps are known. */
  move = 0;

  constructor(owner: Owner, priority: number, bucket: string) {
    this.owner = owner;
    this.priority = priority;
    this.bucket = bucket;
  }
}

interface HeapEntry<Owner> {
  readonly ticket: QueueTicket<Owner>;
  readonly move: number;
  readonly sequence: number;
}

/**
 * Kubernetes' three queues: active by priority then time; backoff by the end of the rest; unschedulable until an event that
 * can help, by bucket. Pure: time is given. Invariant: a ticket is in exactly the queue that its `place` says.
 */
export class SchedulingQueue<Owner> {
  readonly #active = new Heap<HeapEntry<Owner>>(
    (a, b) => b.ticket.priority - a.ticket.priority || a.ticket.since_ms - b.ticket.since_ms || a.sequence - b.sequence,
  );
  readonly #backoff = new Heap<HeapEntry<Owner>>((a, b) => a.ticket.rested_ms - b.ticket.rested_ms || a.sequence - b.sequence);
  readonly #unschedulable = new Map<string, Set<QueueTicket<Owner>>>();
  #sequence = 0;
  readonly #rests: Backoff;

  constructor(backoff: Backoff) {
    this.#rests = backoff;
  }

  /** The buckets of unschedulable pods, with how many wait in each. */
  *buckets(): Iterable<{ readonly bucket: string; readonly sample: Owner; readonly waiting: number }> {
    for (const [bucket, tickets] of this.#unschedulable) {
      for (const { owner } of tickets) {
        yield { bucket, sample: owner, waiting: tickets.size };
        break;
      }
    }
  }

  /** A new pod, or one that has changed in a way that makes it worth a try at once. */
  add(ticket: QueueTicket<Owner>, now_ms: number): void {
    this.#activate(ticket, now_ms);
  }

  /** It is to be decided with another that was popped, wherever it is. */
  take(ticket: QueueTicket<Owner>, now_ms: number): void {
    this.#move(ticket, "nowhere", now_ms);
    ticket.attempts++;
  }

  /** It was popped and not decided. */
  putBack(ticket: QueueTicket<Owner>, now_ms: number): void {
    ticket.attempts--;
    this.#activate(ticket, now_ms);
  }

  /** Takes up to `most` pods to be decided now. When none is active, those that rest after a rejection are taken early (KEP-5142). */
  pop(now_ms: number, most: number): QueueTicket<Owner>[] {
    for (let next = this.#top(this.#backoff); next !== undefined && next.rested_ms <= now_ms; next = this.#top(this.#backoff)) {
      this.#activate(next, now_ms);
    }
    const taken: QueueTicket<Owner>[] = [];
    for (let next = this.#top(this.#active); next !== undefined && taken.length < most; next = this.#top(this.#active)) {
      this.#move(next, "nowhere", now_ms);
      next.attempts++;
      taken.push(next);
    }
    if (taken.length > 0) return taken;
    for (let next = this.#top(this.#backoff); next !== undefined && taken.length < most && !next.errored; next = this.#top(this.#backoff)) {
      this.#move(next, "nowhere", now_ms);
      next.attempts++;
      taken.push(next);
    }
    return taken;
  }

  /** No node took it: it waits for an event that can help. */
  reject(ticket: QueueTicket<Owner>, now_ms: number): void {
    ticket.errored = false;
    ticket.rested_ms = now_ms + restOf(ticket.attempts, this.#rests);
    this.#move(ticket, "unschedulable", now_ms);
    const bucket = this.#unschedulable.get(ticket.bucket);
    if (bucket === undefined) this.#unschedulable.set(ticket.bucket, new Set([ticket]));
    else bucket.add(ticket);
  }

  /** Something went wrong that another try may not meet. */
  retry(ticket: QueueTicket<Owner>, now_ms: number): void {
    ticket.errored = true;
    ticket.rested_ms = now_ms + restOf(ticket.attempts, this.#rests);
    this.#rest(ticket, now_ms);
  }

  /** An event can help up to `most` pods of a bucket. Answers how many were woken. */
  wake(bucket: string, most: number, now_ms: number): number {
    let woken = 0;
    for (const ticket of this.#unschedulable.get(bucket) ?? []) {
      if (woken >= most) break;
      woken++;
      this.wakeOne(ticket, now_ms);
    }
    return woken;
  }

  /** An event can help this very pod. */
  wakeOne(ticket: QueueTicket<Owner>, now_ms: number): void {
    if (ticket.place !== "unschedulable") return;
    if (ticket.rested_ms > now_ms) this.#rest(ticket, now_ms);
    else this.#activate(ticket, now_ms);
  }

  /** The pod is gone or placed. */
  remove(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "nowhere", ticket.since_ms);
  }

  /** Wakes what has been unschedulable for UNSCHEDULABLE_MAX_MS. */
  flush(now_ms: number): void {
    for (const tickets of this.#unschedulable.values()) {
      for (const ticket of tickets) if (now_ms - ticket.since_ms >= UNSCHEDULABLE_MAX_MS) this.#activate(ticket, now_ms);
    }
  }

  /** When `pop` or `flush` will next have something that they have not now; undefined: nothing waits for time. */
  nextWake_ms(): number | undefined {
    let next = this.#top(this.#backoff)?.rested_ms;
    for (const tickets of this.#unschedulable.values()) {
      // The first of a set has waited longest.
      for (const { since_ms } of tickets) {
        next = Math.min(next ?? Number.POSITIVE_INFINITY, since_ms + UNSCHEDULABLE_MAX_MS);
        break;
      }
    }
    return next;
  }

  #activate(ticket: QueueTicket<Owner>, now_ms: number): void {
    this.#move(ticket, "active", now_ms);
    this.#active.push({ ticket, move: ticket.move, sequence: this.#sequence++ });
  }

  #rest(ticket: QueueTicket<Owner>, now_ms: number): void {
    this.#move(ticket, "backoff", now_ms);
    this.#backoff.push({ ticket, move: ticket.move, sequence: this.#sequence++ });
  }

  #move(ticket: QueueTicket<Owner>, place: Place, now_ms: number): void {
    if (ticket.place === "unschedulable") {
      const bucket = this.#unschedulable.get(ticket.bucket);
      bucket?.delete(ticket);
      if (bucket?.size === 0) this.#unschedulable.delete(ticket.bucket);
    }
    ticket.place = place;
    ticket.since_ms = now_ms;
    ticket.move++;
  }

  /** The first entry that is not stale. */
  #top(heap: Heap<HeapEntry<Owner>>): QueueTicket<Owner> | undefined {
    for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
      if (entry.move === entry.ticket.move) return entry.ticket;
      heap.pop();
    }
    return undefined;
  }
}

function restOf(attempts: number, { backoffFirst_ms, backoffMax_ms }: Backoff): number {
  return Math.min(backoffMax_ms, backoffFirst_ms * 2 ** Math.max(0, attempts - 1));
}

/** A binary heap; the smallest by `compare` is on top. */
class Heap<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(items[parent] as T, item) <= 0) break;
      items[at] = items[parent] as T;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && this.#compare(items[child + 1] as T, items[child] as T) < 0) child++;
      if (this.#compare(last, items[child] as T) <= 0) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
