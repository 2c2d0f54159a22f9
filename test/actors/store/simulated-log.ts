import type { Log, OnBatch, Reading } from "../../../actors/store/log.ts";
import { AppendFenced, LogUnavailable } from "../../../actors/store/log.ts";
import type { MemoryLog } from "../../../actors/store/memory-log.ts";
import type { Seat } from "../../../runtime/simulator/mod.ts";

/** A reader looks this often for what is new, at most. */
const POLL_MS = 20;
const BATCHES_AT_ONCE = 64;

/** One log for all hosts of a simulation, reached over its bad network: calls take time, and their answers may get lost. */
export class SimulatedLog implements Log {
  readonly batchBytesMax: number;
  readonly #log: MemoryLog;
  readonly #seat: Seat;

  constructor(log: MemoryLog, seat: Seat) {
    this.#log = log;
    this.#seat = seat;
    this.batchBytesMax = log.batchBytesMax;
  }

  append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    return this.#call(() => this.#log.append(batch, expectedLastSequence));
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    let stopped = false;
    let next = fromSequence;
    const poll = async (): Promise<void> => {
      const batches = await this.#call(() => this.#batchesFrom(next)).catch(() => []);
      for (const batch of batches) if (!stopped) onBatch(next++, batch);
      if (!stopped) this.#seat.clock.after(this.#seat.random.below(POLL_MS), () => void poll().catch(reject));
    };
    void poll().catch(reject);
    const stop = (): void => {
      stopped = true;
      resolve();
    };
    return { done, stop };
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.read(fromSequence, onSequence);
  }

  get(sequence: number): Promise<Uint8Array | undefined> {
    return this.#call(() => this.#log.get(sequence));
  }

  lastSequence(): Promise<number> {
    return this.#call(() => this.#log.lastSequence());
  }

  async #batchesFrom(sequence: number): Promise<Uint8Array[]> {
    const batches: Uint8Array[] = [];
    for (let at = sequence; batches.length < BATCHES_AT_ONCE; at++) {
      const batch = await this.#log.get(at);
      if (batch === undefined) break;
      batches.push(batch);
    }
    return batches;
  }

  async #call<Result>(operation: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#seat.remote(operation);
    } catch (error) {
      throw error instanceof AppendFenced ? error : new LogUnavailable(String(error));
    }
  }
}
