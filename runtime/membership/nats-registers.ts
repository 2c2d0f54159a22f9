import type { KV, KvEntry, NatsConnection, QueuedIterator } from "nats";
import { NatsError, StorageType } from "nats";
import type { Clock, Timer } from "../time.ts";
import type { Registers, RegistersWatcher } from "./registers.ts";

/** A write without an answer for this long has an unknown outcome. */
const WRITE_TIMEOUT_MS = 1_000;

/** A watch that has not told of a write of our own for this long after it was acknowledged is deaf, and begins anew. */
const ECHO_MS = 1_000;

/** A watch that could not begin tries again after this long. */
const WATCH_RETRY_MS = 100;

/** JetStream's error code for a compare-and-set that failed, from nats-server's server/errors.json. */
const WRONG_LAST_SEQUENCE = 10071;

export interface NatsRegistersOptions {
  /** A connection that somebody else made, and closes. It should reconnect for ever. */
  readonly connection: NatsConnection;
  /** The name of the JetStream key-value bucket; made where it is not there. */
  readonly bucket: string;
  readonly clock: Clock;
  /** Copies that JetStream keeps. Default 1. */
  readonly replicas?: number;
}

/**
 * Registers as the keys of a JetStream key-value bucket on disk: a revision is a sequence of its stream, the compare-and-set JetStream's expected
 * last sequence for a subject. On disk also for leases, since a revocation that a restart of the server forgot would be no revocation.
 */
export class NatsRegisters implements Registers {
  readonly #options: NatsRegistersOptions;
  readonly #watches = new Set<Watch>();
  #bucket: Promise<KV> | undefined;
  #connected = true;

  constructor(options: NatsRegistersOptions) {
    this.#options = options;
    void this.#followConnection();
  }

  async write(register: string, value: unknown, expected: number): Promise<boolean> {
    // The client would keep it and send it when it is connected again, when it means nothing any more.
    if (!this.#connected) throw new Error("not connected to NATS");
    const bucket = await this.#open();
    try {
      const revision = await bucket.put(register, JSON.stringify(value), { previousSeq: expected });
      for (const watch of this.#watches) watch.expect(revision);
      return true;
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE) return false;
      throw error;
    }
  }

  watch(watcher: RegistersWatcher): () => void {
    const watch = new Watch(() => this.#open(), watcher, this.#options.clock);
    this.#watches.add(watch);
    watch.begin();
    return () => {
      this.#watches.delete(watch);
      watch.end();
    };
  }

  #open(): Promise<KV> {
    const { connection, bucket: name, replicas = 1 } = this.#options;
    this.#bucket ??= connection
      .jetstream({ timeout: WRITE_TIMEOUT_MS })
      .views.kv(name, { history: 1, storage: StorageType.File, replicas, timeout: WRITE_TIMEOUT_MS })
      .catch((error: unknown) => {
        this.#bucket = undefined;
        throw error;
      });
    return this.#bucket;
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) {
      if (type === "disconnect") this.#connected = false;
      if (type === "reconnect") {
        this.#connected = true;
        for (const watch of this.#watches) watch.begin();
      }
    }
    this.#connected = false;
  }
}

/** One watcher's view of the bucket. Begun anew, it tells what there is once more. */
class Watch {
  readonly #open: () => Promise<KV>;
  readonly #watcher: RegistersWatcher;
  readonly #clock: Clock;
  /** Counts the beginnings; what belongs to an older one is void. */
  #generation = 0;
  #entries: QueuedIterator<KvEntry> | undefined;
  /** The newest revision that was told. */
  #told = 0;
  #timer: Timer | undefined;

  constructor(open: () => Promise<KV>, watcher: RegistersWatcher, clock: Clock) {
    this.#open = open;
    this.#watcher = watcher;
    this.#clock = clock;
  }

  begin(): void {
    this.end();
    void this.#follow(this.#generation);
  }

  end(): void {
    this.#generation += 1;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#entries?.stop();
    this.#entries = undefined;
  }

  /** A register was written: the watch must come to tell of it. */
  expect(revision: number): void {
    if (revision <= this.#told || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(ECHO_MS, () => {
      this.#timer = undefined;
      if (revision > this.#told) this.begin();
    });
  }

  async #follow(generation: number): Promise<void> {
    try {
      const bucket = await this.#open();
      if (generation !== this.#generation) return;
      let complete = false;
      const initializedFn = (): void => {
        complete = true;
      };
      const entries = await bucket.watch({ ignoreDeletes: true, initializedFn });
      if (generation !== this.#generation) {
        entries.stop();
        return;
      }
      this.#entries = entries;
      // The client calls it complete when the last entry is in its queue.
      let current = complete && entries.getReceived() === 0;
      if (current) this.#watcher.current();
      for await (const entry of entries) {
        if (generation !== this.#generation) return;
        this.#told = Math.max(this.#told, entry.revision);
        this.#watcher.changed({ register: entry.key, revision: entry.revision, value: entry.json() });
        if (current || entry.delta !== 0) continue;
        current = true;
        this.#watcher.current();
      }
    } catch {
      // Not connected, or JetStream is not there yet; whoever writes hears why.
    }
    if (generation === this.#generation) this.#timer = this.#clock.after(WATCH_RETRY_MS, () => this.begin());
  }
}
