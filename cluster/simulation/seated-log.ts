import { AppendFenced, type CuttableLog, LogCut, LogUnavailable, type OnBatch, type Reading } from "../../actors/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";
import type { BatchFollower, SharedStore } from "./shared-store.ts";

const LOG_ID = "simulated";
const BATCH_BYTES_MAX: number = 4 * 1024 * 1024;
/** A reader that was not told of something notices so late, as by the heartbeats that are missing. */
const NOTICED_MS = 1_000;

/** The log as one host reaches it: calls take time, and their answers may get lost. */
export class SeatedLog implements CuttableLog {
  readonly id: string = LOG_ID;
  readonly batchBytesMax: number = BATCH_BYTES_MAX;
  reached = 0;
  readonly #store: SharedStore;
  readonly #seat: Seat;

  constructor(store: SharedStore, seat: Seat) {
    this.#store = store;
    this.#seat = seat;
  }

  append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    // The caller's buffer is its own again when this returns.
    const bytes = batch.slice();
    return this.#call(() => this.#reach(this.#store.append(bytes, expectedLastSequence)));
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    return new SeatedReading(this.#store, this.#seat, fromSequence, (sequence, batch) => {
      this.#reach(sequence);
      onBatch(sequence, batch);
    });
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.read(fromSequence, onSequence);
  }

  get(sequence: number): Promise<Uint8Array | undefined> {
    return this.#call(() => this.#store.get(sequence));
  }

  copy(sequence: number): Promise<Uint8Array | undefined> {
    return this.get(sequence);
  }

  lastSequence(): Promise<number> {
    return this.#call(() => this.#reach(this.#store.last));
  }

  bounds(): Promise<{ readonly first: number; readonly last: number; readonly bytes: number }> {
    return this.#call(() => ({ first: this.#store.first, last: this.#store.last, bytes: this.#store.bytes }));
  }

  cutBefore(sequence: number): Promise<void> {
    return this.#call(() => this.#store.cutBefore(sequence));
  }

  #reach(sequence: number): number {
    this.reached = Math.max(this.reached, sequence);
    return sequence;
  }

  #call<Result>(operation: () => Result | Promise<Result>): Promise<Result> {
    return remotely(this.#seat, operation);
  }
}

/** One host follows the log: it asks for what there is, and is told of what comes, as by a consumer of JetStream. */
class SeatedReading implements Reading, BatchFollower {
  readonly done: Promise<void>;
  readonly #store: SharedStore;
  readonly #seat: Seat;
  readonly #onBatch: OnBatch;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #next: number;
  #stopped = false;
  /** It asks, or will when it has noticed that it missed something. */
  #asking = false;

  constructor(store: SharedStore, seat: Seat, next: number, onBatch: OnBatch) {
    this.#store = store;
    this.#seat = seat;
    this.#next = next;
    this.#onBatch = onBatch;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ask();
  }

  stop(): void {
    this.#stopped = true;
    this.#store.unfollow(this);
    this.#resolve();
  }

  heard(sequence: number, batch: Uint8Array): void {
    // One that was stopped while its question was under way follows since.
    if (this.#stopped || !this.#seat.alive) this.#store.unfollow(this);
    else
      this.#seat.told(
        () => this.#deliver(sequence, batch),
        () => this.#missed(),
      );
  }

  #deliver(sequence: number, batch: Uint8Array): void {
    if (this.#stopped || sequence !== this.#next) return;
    this.#next += 1;
    try {
      this.#onBatch(sequence, batch);
    } catch (error) {
      this.#fail(error);
    }
  }

  #missed(): void {
    this.#store.unfollow(this);
    if (this.#asking || this.#stopped) return;
    this.#asking = true;
    this.#seat.clock.after(NOTICED_MS, () => this.#ask());
  }

  #ask(): void {
    this.#asking = true;
    this.#catchUp().then(
      () => {
        this.#asking = false;
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Until there is nothing more to ask for, and it is told of the rest. */
  async #catchUp(): Promise<void> {
    while (!this.#stopped) {
      const from = this.#next;
      try {
        const batches = await remotely(this.#seat, () => this.#store.from(from, this));
        if (batches.length === 0) return;
        for (const [index, batch] of batches.entries()) this.#deliver(from + index, batch);
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
      }
    }
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#store.unfollow(this);
    this.#reject(error);
  }
}

/** Errors of the store itself are passed on; that no answer came means that it is unavailable. */
export async function remotely<Result>(seat: Seat, operation: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await seat.remote(operation);
  } catch (error) {
    throw error instanceof AppendFenced || error instanceof LogCut ? error : new LogUnavailable(String(error));
  }
}
