import type { Log, OnBatch, Reading } from "../../../actors/store/log.ts";
import { LogUnavailable } from "../../../actors/store/log.ts";

/** What happens to the next append: it fails before or after it was written, or it is held until `release`. */
export type Fault = "lost" | "written-but-unacknowledged" | "held";

/** A log between the writer and the true one that misbehaves as it is told. */
export class FaultyLog implements Log {
  readonly batchBytesMax: number;
  readonly faults: Fault[] = [];
  /** While set, nothing gets through. */
  down = false;
  appends = 0;
  readonly #log: Log;
  #held: (() => void)[] = [];

  constructor(log: Log, batchBytesMax: number = log.batchBytesMax) {
    this.#log = log;
    this.batchBytesMax = batchBytesMax;
  }

  async append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    this.appends++;
    const fault = this.faults.shift();
    if (fault === "lost" || this.down) throw new LogUnavailable("lost");
    if (fault === "held") await new Promise<void>((resolve) => this.#held.push(resolve));
    const sequence = await this.#log.append(batch, expectedLastSequence);
    if (fault === "written-but-unacknowledged") throw new LogUnavailable("acknowledgement lost");
    return sequence;
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const resolve of this.#held) resolve();
    this.#held = [];
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    return this.#log.read(fromSequence, onBatch);
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.#log.announce(fromSequence, onSequence);
  }

  async get(sequence: number): Promise<Uint8Array | undefined> {
    if (this.down) throw new LogUnavailable("down");
    return this.#log.get(sequence);
  }

  async lastSequence(): Promise<number> {
    if (this.down) throw new LogUnavailable("down");
    return this.#log.lastSequence();
  }
}
