import { APPEND_BATCH_BYTES } from "./limits.ts";
import type { Log, OnBatch, Reading } from "./log.ts";
import { AppendFenced } from "./log.ts";

/** The log in memory, for simulation and tests: same order, same fence, nothing survives the process. Everything happens in microtasks. */
export class MemoryLog implements Log {
  readonly batchBytesMax: number = APPEND_BATCH_BYTES;
  /** Index i holds sequence i + 1. */
  readonly #batches: Uint8Array[] = [];
  readonly #wakes = new Set<() => void>();

  async append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    if (this.#batches.length !== expectedLastSequence) throw new AppendFenced(expectedLastSequence);
    this.#batches.push(batch.slice());
    for (const wake of this.#wakes) wake();
    return this.#batches.length;
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    let next = fromSequence;
    let running = false;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => {
      this.#wakes.delete(wake);
      resolve();
    };
    const wake = (): void => {
      if (running) return;
      running = true;
      queueMicrotask(() => {
        running = false;
        if (!this.#wakes.has(wake)) return;
        try {
          for (let batch = this.#batches[next - 1]; batch !== undefined; batch = this.#batches[next - 1]) onBatch(next++, batch);
        } catch (error) {
          this.#wakes.delete(wake);
          reject(error);
        }
      });
    };
    this.#wakes.add(wake);
    wake();
    return { done, stop };
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.read(fromSequence, onSequence);
  }

  /** All batches, in order. */
  all(): readonly Uint8Array[] {
    return this.#batches;
  }

  async get(sequence: number): Promise<Uint8Array | undefined> {
    return this.#batches[sequence - 1];
  }

  async lastSequence(): Promise<number> {
    return this.#batches.length;
  }
}
