import { crc32 } from "node:zlib";
import type { JetStreamClient, JetStreamManager, NatsConnection, StreamConfig } from "nats";
import { DiscardPolicy, NatsError, nanos, nuid, RetentionPolicy, StorageType } from "nats";
import type { HighWater } from "./high-water.ts";
import { LogUnavailable } from "./log.ts";
import { release } from "./release.ts";
import { SnapshotDamaged } from "./snapshot-frame.ts";
import { decodeSummary } from "./snapshot-loading.ts";
import type { PackedFrame } from "./snapshot-packing.ts";
import type { SnapshotEntry, Snapshots } from "./snapshots.ts";

export interface JetStreamSnapshotsOptions {
  readonly connection: NatsConnection;
  /** Begins the names of its streams: `<prefix>-snapshot-<id>` and `<prefix>-high-water`. Their subjects have a dot in place of the dash. */
  readonly prefix: string;
  readonly replicas?: number;
}

const API_TIMEOUT_MS = 5_000;
/** One frame, on a disk that is slow. */
const WRITE_TIMEOUT_MS = 30_000;
/** No stream found, no message found. */
const ABSENT: ReadonlySet<number> = new Set([10059, 10037]);

/**
 * Snapshots of the store in JetStream streams, one each, beside the log's: so every host finds them wherever it runs, they have as many replicas
 * as the log, and a file of JetStream's that goes bad takes one snapshot at most. Frames first, the summary last, each synced as the log is:
 * what has no summary is no snapshot. The high-water mark has a stream of its own.
 */
export class JetStreamSnapshots implements Snapshots {
  readonly #options: JetStreamSnapshotsOptions;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #highWater: string;

  private constructor(options: JetStreamSnapshotsOptions, manager: JetStreamManager) {
    this.#options = options;
    this.#client = options.connection.jetstream({ timeout: API_TIMEOUT_MS });
    this.#manager = manager;
    this.#highWater = `${options.prefix}-high-water`;
  }

  /** Opens them. Rejects with LogUnavailable. */
  static async open(options: JetStreamSnapshotsOptions): Promise<JetStreamSnapshots> {
    try {
      return new JetStreamSnapshots(options, await options.connection.jetstreamManager({ timeout: API_TIMEOUT_MS }));
    } catch (error) {
      throw unavailable("cannot reach JetStream", error);
    }
  }

  /**
   * All that have a summary, oldest first; among them, as damaged, those that have none and are older than one that has: what is not
   * finished is removed before the next is. Rejects with LogUnavailable.
   */
  async list(): Promise<readonly SnapshotEntry[]> {
    const entries = (await Promise.all((await this.#ids()).map((id) => this.#entry(id)))).sort(
      (a, b) => sequenceOf(a.id) - sequenceOf(b.id),
    );
    const newest = entries.findLastIndex(({ whole }) => whole);
    return entries.slice(0, newest + 1).map(({ entry }) => entry);
  }

  /** A frame's bytes, undefined when it is missing. Rejects with LogUnavailable. */
  frame(id: string, index: number): Promise<Buffer | undefined> {
    return this.#get(this.#stream(id), `${this.#subject(id)}.frame.${index}`);
  }

  /** Stores frames as they come and resolves when the whole is safe. Rejects with LogUnavailable, and then nothing counts. */
  async store(sequence: number, frames: AsyncIterable<PackedFrame>): Promise<string> {
    const id = `${sequence}-${nuid.next()}`;
    await this.#make(this.#stream(id), `${this.#subject(id)}.>`);
    try {
      for await (const { kind, index, bytes } of frames) {
        await this.#publish(`${this.#subject(id)}.${kind === "summary" ? kind : `frame.${index}`}`, bytes);
        release(bytes);
      }
      return id;
    } catch (error) {
      // It may be the room that they take which is missing.
      await this.#delete(id).catch(() => {});
      throw error;
    }
  }

  /** Removes all but these, and what attempts before them have left. Rejects with LogUnavailable. */
  async removeAllBut(kept: readonly SnapshotEntry[]): Promise<void> {
    const newest = Math.max(...kept.map(({ id }) => sequenceOf(id)));
    for (const id of await this.#ids()) {
      // What is newer is another's, on its way.
      if (sequenceOf(id) <= newest && !kept.some((entry) => entry.id === id)) await this.#delete(id);
    }
  }

  /** The mark that was written last; undefined when there is none, or none that is whole. Rejects with LogUnavailable. */
  async highWater(): Promise<HighWater | undefined> {
    const [checksum, json = ""] = (await this.#get(this.#highWater, this.#highWater))?.toString().split(" ", 2) ?? [];
    return checksum === String(crc32(json)) ? (JSON.parse(json) as HighWater) : undefined;
  }

  /** Rejects with LogUnavailable. */
  async setHighWater(mark: HighWater): Promise<void> {
    const json = JSON.stringify(mark);
    const publish = (): Promise<void> => this.#publish(this.#highWater, Buffer.from(`${crc32(json)} ${json}`));
    await publish().catch(async () => {
      await this.#make(this.#highWater, this.#highWater);
      await publish();
    });
  }

  #stream(id: string): string {
    return `${this.#options.prefix}-snapshot-${id}`;
  }

  #subject(id: string): string {
    return `${this.#options.prefix}-snapshot.${id}`;
  }

  async #entry(id: string): Promise<{ readonly id: string; readonly whole: boolean; readonly entry: SnapshotEntry }> {
    const name = `snapshot ${this.#stream(id)}`;
    const bytes = await this.#get(this.#stream(id), `${this.#subject(id)}.summary`);
    const damaged = (error: SnapshotDamaged): SnapshotEntry => ({ id, name, summary: error });
    if (bytes === undefined) return { id, whole: false, entry: damaged(new SnapshotDamaged(name, "its summary", "it is missing")) };
    try {
      // The summary is numbered after the frames before it, which only it knows.
      const summary = await decodeSummary(name, bytes.length >= 12 ? bytes.readUInt32LE(8) : 0, bytes);
      return { id, whole: true, entry: { id, name, summary } };
    } catch (error) {
      const damage = error instanceof SnapshotDamaged ? error : new SnapshotDamaged(name, "its summary", String(error));
      return { id, whole: true, entry: damaged(damage) };
    }
  }

  /** Of all snapshots, whole or not. */
  async #ids(): Promise<readonly string[]> {
    const prefix = this.#stream("");
    const ids: string[] = [];
    try {
      for await (const name of this.#manager.streams.names(`${this.#options.prefix}-snapshot.>`)) {
        if (name.startsWith(prefix)) ids.push(name.slice(prefix.length));
      }
      return ids;
    } catch (error) {
      throw unavailable("cannot list the snapshots", error);
    }
  }

  async #get(stream: string, subject: string): Promise<Buffer | undefined> {
    try {
      // Raw bytes, where the other way costs base64 in JSON.
      const answer = await this.#options.connection.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, undefined, {
        timeout: API_TIMEOUT_MS,
      });
      if ((answer.headers?.code ?? 0) < 300) return bufferOf(answer.data);
    } catch {
      // As when it says no: a copy that lags may not have it yet, and servers before 2.9 know no direct get. The leader's word counts.
    }
    try {
      return bufferOf((await this.#manager.streams.getMessage(stream, { last_by_subj: subject })).data);
    } catch (error) {
      if (error instanceof NatsError && ABSENT.has(error.api_error?.err_code ?? 0)) return undefined;
      throw unavailable(`cannot read ${subject}`, error);
    }
  }

  async #publish(subject: string, bytes: Buffer): Promise<void> {
    try {
      await this.#client.publish(subject, bytes, { timeout: WRITE_TIMEOUT_MS });
    } catch (error) {
      throw unavailable(`cannot write ${subject}`, error);
    }
  }

  async #make(stream: string, subject: string): Promise<void> {
    const config: Partial<StreamConfig> = {
      name: stream,
      subjects: [subject],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      num_replicas: this.#options.replicas ?? 1,
      // A mark takes the place of the one before; a frame that is written again would.
      max_msgs_per_subject: 1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msg_size: -1,
      max_consumers: -1,
      duplicate_window: nanos(100),
      allow_direct: true,
    };
    try {
      await this.#manager.streams.add(config);
    } catch (error) {
      throw unavailable(`cannot make stream ${stream}`, error);
    }
  }

  async #delete(id: string): Promise<void> {
    try {
      await this.#manager.streams.delete(this.#stream(id));
    } catch (error) {
      throw unavailable(`cannot remove ${this.#stream(id)}`, error);
    }
  }
}

/** The sequence that a snapshot's id begins with. */
function sequenceOf(id: string): number {
  return Number.parseInt(id, 10);
}

function unavailable(what: string, error: unknown): LogUnavailable {
  const why = error instanceof NatsError ? (error.api_error?.description ?? error.message) : String(error);
  return new LogUnavailable(`${what}: ${why}`, { cause: error });
}

/** The same bytes, of which nobody else has any use. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
