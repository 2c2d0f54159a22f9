/** How long a pod rests after its first failure; doubles with each, up to a most. Source: kube-scheduler's podInitialBackoffSeconds, podMaxBackoffSeconds. */
export interface Backoff {
  readonly backoffFirst_ms: number;
  readonly backoffMax_ms: number;
}

/** A pod that no event has woken for so long is tried anyway. Source: DefaultPodMaxInUnschedulablePodsDuration. */
export const UNSCHEDULABLE_MAX_MS = 300_000;

type Place = "nowhere" | "active" | "backoff" | "unschedulable";

/** Where a pod stands that has changed: what becomes of it depends on where it stood before. */
export interface Standing {
  readonly place: Place;
  readonly rejections: number;
  readonly errors: number;
  readonly queued_ms: number;
  readonly rested_ms: number;
  readonly rejectors: ReadonlySet<string>;
  readonly isHeld: boolean;
}

/** A pod's standing in the queue; whoever owns the pod keeps it and hands it in. */
export class QueueTicket<Owner> implements Standing {
  readonly owner: Owner;
  readonly priority: number;
  /** Pods of one kind are helped by the same events, when the same plugins have rejected them. */
  readonly kind: string;
  place: Place = "nowhere";
  /** How often no node took it. */
  rejections = 0;
  /** How often in a row something went wrong that says nothing about the cluster. */
  errors = 0;
  /** When it came, or came back from the last try: of one priority, who has waited longest is first. */
  queued_ms = 0;
  /** When its backoff ends. */
  rested_ms = 0;
  /** The plugins that rejected it last, by name. */
  rejectors: ReadonlySet<string> = new Set();
  /** Something is being done for it, and it is not to be tried before that has been done. */
  isHeld = false;
  /** Grows with each move, so that stale entries of the heaps are known. */
  move = 0;

  constructor(owner: Owner, priority: number, kind: string) {
    this.owner = owner;
    this.priority = priority;
    this.kind = kind;
  }
}

interface HeapEntry<Owner> {
  readonly ticket: QueueTicket<Owner>;
  readonly move: number;
  /** What it is ordered by: a stale entry stays where it is. */
  readonly at_ms: number;
  readonly sequence: number;
}

/** Unschedulable pods of one kind that the same plugins have rejected. */
export interface Waiting<Owner> {
  readonly key: string;
  readonly rejectors: ReadonlySet<string>;
  /** One of them. */
  readonly sample: Owner;
  readonly count: number;
}

/**
 * Kubernetes' three queues: active by priority then time; backoff by the end of the rest, apart for those that met an error; unschedulable until an event that
 * can help, by kind and by who rejected them. Pure: time is given. Invariant: a ticket is in exactly the queue that its `place` says.
 */
export class SchedulingQueue<Owner> {
  readonly #active = new Heap<HeapEntry<Owner>>(
    (a, b) => b.ticket.priority - a.ticket.priority || a.at_ms - b.at_ms || a.sequence - b.sequence,
  );
  readonly #backoff = heapByRest<Owner>();
  readonly #errorBackoff = heapByRest<Owner>();
  readonly #unschedulable = new Map<string, Set<QueueTicket<Owner>>>();
  #sequence = 0;
  readonly #rests: Backoff;

  constructor(backoff: Backoff) {
    this.#rests = backoff;
  }

  /** The unschedulable pods, by what can help them. */
  *waiting(): Iterable<Waiting<Owner>> {
    for (const [key, tickets] of this.#unschedulable) {
      for (const { owner, rejectors } of tickets) {
        yield { key, rejectors, sample: owner, count: tickets.size };
        break;
      }
    }
  }

  /** A new pod. */
  add(ticket: QueueTicket<Owner>, now_ms: number): void {
    ticket.queued_ms = now_ms;
    this.#activate(ticket);
  }

  /** A pod that has changed, in the place of what it was; `isHelped`: in a way that makes it worth a try. It keeps its turn and its rest. */
  succeed(ticket: QueueTicket<Owner>, standing: Standing, isHelped: boolean, now_ms: number): void {
    this.#move(ticket, "nowhere");
    const { place, rejections, errors, queued_ms, rested_ms, rejectors, isHeld } = standing;
    Object.assign(ticket, { rejections, errors, queued_ms, rested_ms, rejectors, isHeld });
    if (place === "backoff") this.#rest(ticket);
    else if (place !== "unschedulable") this.#activate(ticket);
    else {
      this.#wait(ticket);
      if (isHelped) this.wakeOne(ticket, now_ms);
    }
  }

  /** It is to be decided with another that was popped, wherever it is. */
  take(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "nowhere");
  }

  /** It was popped and not decided. */
  putBack(ticket: QueueTicket<Owner>): void {
    this.#activate(ticket);
  }

  /** Takes up to `most` pods to be decided now. When none is active, those that rest after a rejection are taken early (KEP-5142). */
  pop(now_ms: number, most: number): QueueTicket<Owner>[] {
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let next = top(heap); next !== undefined && next.rested_ms <= now_ms; next = top(heap)) this.#activate(next);
    }
    const taken = this.#takeFrom(this.#active, most);
    return taken.length > 0 ? taken : this.#takeFrom(this.#backoff, most);
  }

  /** No node took it, because of these plugins: it waits for an event that can help. */
  reject(ticket: QueueTicket<Owner>, rejectors: ReadonlySet<string>, now_ms: number): void {
    this.#move(ticket, "nowhere");
    ticket.rejections++;
    ticket.errors = 0;
    ticket.rejectors = rejectors;
    ticket.queued_ms = now_ms;
    ticket.rested_ms = now_ms + restOf(ticket.rejections, this.#rests);
    this.#wait(ticket);
  }

  /** Something went wrong that another try may not meet. */
  retry(ticket: QueueTicket<Owner>, now_ms: number): void {
    ticket.errors++;
    ticket.queued_ms = now_ms;
    ticket.rested_ms = now_ms + restOf(ticket.errors, this.#rests);
    this.#rest(ticket);
  }

  /** An event can help up to `most` pods of those that wait for the same. */
  wake(key: string, most: number, now_ms: number): void {
    let woken = 0;
    for (const ticket of this.#unschedulable.get(key) ?? []) {
      if (woken >= most) break;
      woken++;
      this.wakeOne(ticket, now_ms);
    }
  }

  /** An event can help this very pod. */
  wakeOne(ticket: QueueTicket<Owner>, now_ms: number): void {
    if (ticket.place !== "unschedulable" || ticket.isHeld) return;
    if (ticket.rested_ms > now_ms) this.#rest(ticket);
    else this.#activate(ticket);
  }

  /** What is being done for it is to be done before it is tried again. */
  hold(ticket: QueueTicket<Owner>): void {
    ticket.isHeld = true;
  }

  /** That has been done; `isDue`: nothing more is to come that would wake it. */
  release(ticket: QueueTicket<Owner>, isDue: boolean, now_ms: number): void {
    ticket.isHeld = false;
    if (isDue) this.wakeOne(ticket, now_ms);
  }

  /** What may help one of a kind helps the next, since this one needs no help any more. */
  wakeNext(ticket: QueueTicket<Owner>, now_ms: number): void {
    this.wake(keyOf(ticket), 1, now_ms);
  }

  /** The pod is gone or placed. */
  remove(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "nowhere");
  }

  /** Wakes what has been unschedulable for UNSCHEDULABLE_MAX_MS. */
  flush(now_ms: number): void {
    for (const tickets of this.#unschedulable.values()) {
      for (const ticket of tickets) if (now_ms - ticket.queued_ms >= UNSCHEDULABLE_MAX_MS) this.wakeOne(ticket, now_ms);
    }
  }

  /** When `pop` or `flush` will next have something that they have not now; undefined: nothing waits for time. */
  nextWake_ms(): number | undefined {
    const rests = [top(this.#backoff)?.rested_ms, top(this.#errorBackoff)?.rested_ms].filter((at) => at !== undefined);
    let next = rests.length === 0 ? undefined : Math.min(...rests);
    for (const tickets of this.#unschedulable.values()) {
      // The first of a set has waited longest.
      for (const { queued_ms, isHeld } of tickets) {
        if (isHeld) continue;
        next = Math.min(next ?? Number.POSITIVE_INFINITY, queued_ms + UNSCHEDULABLE_MAX_MS);
        break;
      }
    }
    return next;
  }

  #takeFrom(heap: Heap<HeapEntry<Owner>>, most: number): QueueTicket<Owner>[] {
    const taken: QueueTicket<Owner>[] = [];
    for (let next = top(heap); next !== undefined && taken.length < most; next = top(heap)) {
      this.#move(next, "nowhere");
      taken.push(next);
    }
    return taken;
  }

  #activate(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "active");
    this.#active.push({ ticket, move: ticket.move, at_ms: ticket.queued_ms, sequence: this.#sequence++ });
  }

  #rest(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "backoff");
    const heap = ticket.errors > 0 ? this.#errorBackoff : this.#backoff;
    heap.push({ ticket, move: ticket.move, at_ms: ticket.rested_ms, sequence: this.#sequence++ });
  }

  #wait(ticket: QueueTicket<Owner>): void {
    this.#move(ticket, "unschedulable");
    const key = keyOf(ticket);
    const tickets = this.#unschedulable.get(key);
    if (tickets === undefined) this.#unschedulable.set(key, new Set([ticket]));
    else tickets.add(ticket);
  }

  #move(ticket: QueueTicket<Owner>, place: Place): void {
    if (ticket.place === "unschedulable") {
      const key = keyOf(ticket);
      const tickets = this.#unschedulable.get(key);
      tickets?.delete(ticket);
      if (tickets?.size === 0) this.#unschedulable.delete(key);
    }
    ticket.place = place;
    ticket.move++;
  }
}

function keyOf({ kind, rejectors }: QueueTicket<unknown>): string {
  return `${kind} ${[...rejectors].join()}`;
}

/** The first ticket of a heap whose entry is not stale. */
function top<Owner>(heap: Heap<HeapEntry<Owner>>): QueueTicket<Owner> | undefined {
  for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
    if (entry.move === entry.ticket.move) return entry.ticket;
    heap.pop();
  }
  return undefined;
}

function heapByRest<Owner>(): Heap<HeapEntry<Owner>> {
  return new Heap((a, b) => a.at_ms - b.at_ms || a.sequence - b.sequence);
}

function restOf(failures: number, { backoffFirst_ms, backoffMax_ms }: Backoff): number {
  return Math.min(backoffMax_ms, backoffFirst_ms * 2 ** (failures - 1));
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
