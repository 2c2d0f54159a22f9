import type { Happening } from "./operation.ts";

/** A change as a watcher is told of it: nobody says which transaction it belongs to. */
export type WatchedChange = Omit<Happening, "transaction">;

/** What a watcher saw, in order. */
export type Seen =
  /** It began, or began again, to watch after this revision. */
  | { readonly type: "started"; readonly since: number }
  /** Events that came in one piece. */
  | { readonly type: "events"; readonly events: readonly WatchedChange[] }
  /** It was promised that everything up to this revision had been told. */
  | { readonly type: "bookmark"; readonly revision: number };

export interface WatchRecord {
  readonly watcher: string;
  /** Which keys it asked for. */
  takes(key: string): boolean;
  /** Whether pieces are to hold whole transactions. A watch of the Kubernetes API has no pieces: there every event comes alone. */
  readonly pieces: boolean;
  readonly seen: readonly Seen[];
}

/** etcd's guarantees of watches. Source: "etcd API guarantees" of its documentation. */
export type Guarantee = "ordered" | "unique" | "reliable" | "atomic" | "resumable" | "bookmarkable";

export interface WatchFault {
  readonly guarantee: Guarantee;
  readonly what: string;
}

/**
 * What a watcher saw that etcd's guarantees do not allow, given the whole log (in revision order). A watch that was cut off because its
 * revision had expired is simply started anew at a later one. Whoever wants to know that nothing is missing at the end adds a bookmark of his own.
 */
export function watchFaults(record: WatchRecord, log: readonly Happening[]): WatchFault[] {
  return new Checker(record, log).run();
}

class Checker {
  readonly #record: WatchRecord;
  /** What the watcher should see. */
  readonly #wanted: readonly Happening[];
  readonly #faults: WatchFault[] = [];
  /** Index in #wanted of the next event. */
  #next = 0;
  /** Everything up to here was told, or not asked for. */
  #position = 0;
  /** Revisions told since the watch was last started. */
  #told = new Set<number>();
  #starts = 0;

  constructor(record: WatchRecord, log: readonly Happening[]) {
    this.#record = record;
    this.#wanted = log.filter(({ key }) => record.takes(key));
  }

  run(): WatchFault[] {
    for (const seen of this.#record.seen) {
      if (seen.type === "started") this.#start(seen.since);
      else if (seen.type === "bookmark") this.#bookmark(seen.revision);
      else this.#piece(seen.events);
    }
    return this.#faults;
  }

  #start(since: number): void {
    this.#starts++;
    this.#told = new Set();
    this.#position = since;
    this.#next = this.#wanted.findIndex(({ revision }) => revision > since);
    if (this.#next < 0) this.#next = this.#wanted.length;
  }

  #bookmark(revision: number): void {
    const missing = this.#wanted[this.#next];
    if (revision < this.#position) this.#fault("ordered", `bookmark ${revision} after ${this.#position}`);
    else if (missing !== undefined && missing.revision <= revision)
      this.#fault("bookmarkable", `bookmark ${revision}, but ${missing.revision} was not told`);
    this.#moveTo(revision);
  }

  #piece(events: readonly WatchedChange[]): void {
    for (const event of events) this.#event(event);
    const last = this.#wanted[this.#next - 1];
    const rest = this.#wanted[this.#next];
    if (this.#record.pieces && events.length > 0 && last !== undefined && rest?.transaction === last.transaction)
      this.#fault("atomic", `a piece ended with ${last.revision}, but ${rest.revision} belongs to the same transaction`);
  }

  #event(event: WatchedChange): void {
    const wanted = this.#wanted[this.#next];
    if (this.#told.has(event.revision)) this.#fault("unique", `${event.revision} came again`);
    else if (event.revision <= this.#position) this.#fault("ordered", `${event.revision} came after ${this.#position}`);
    else if (wanted === undefined || event.revision < wanted.revision)
      this.#fault("reliable", `${event.revision} came, which the log does not have for this watcher`);
    else if (event.revision > wanted.revision) {
      const first = this.#told.size === 0 && this.#starts > 1;
      this.#fault(first ? "resumable" : "reliable", `${event.revision} came where ${wanted.revision} was next`);
    } else if (wanted.key !== event.key || wanted.type !== event.type || wanted.value !== event.value)
      this.#fault("reliable", `${event.revision} was told as ${JSON.stringify(event)}, and is ${JSON.stringify(wanted)}`);
    this.#told.add(event.revision);
    this.#moveTo(event.revision);
  }

  #moveTo(revision: number): void {
    this.#position = Math.max(this.#position, revision);
    while ((this.#wanted[this.#next]?.revision ?? Number.POSITIVE_INFINITY) <= this.#position) this.#next++;
  }

  #fault(guarantee: Guarantee, what: string): void {
    this.#faults.push({ guarantee, what: `${this.#record.watcher}: ${what}` });
  }
}
