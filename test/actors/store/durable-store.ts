import { connect, type NatsConnection } from "nats";
import { AppendGate } from "../../../actors/store/append-gate.ts";
import { createStoreClient } from "../../../actors/store/client.ts";
import type { Transformer } from "../../../actors/store/encryption/transformer.ts";
import { type Follower, follow } from "../../../actors/store/follow.ts";
import { HighWaterFile, readHighWater } from "../../../actors/store/high-water.ts";
import { JetStreamLog, LOG_CONNECTION_OPTIONS } from "../../../actors/store/jetstream-log.ts";
import { JetStreamSnapshots } from "../../../actors/store/jetstream-snapshots.ts";
import { type Recovered, recover } from "../../../actors/store/recovery.ts";
import type { Replica } from "../../../actors/store/replica.ts";
import { SCRUBBER_ADDRESS, type ScrubberMessage, scrubberKind } from "../../../actors/store/scrubber.ts";
import { SNAPSHOTTER_ADDRESS, type SnapshotterMessage, snapshotterKind } from "../../../actors/store/snapshotter.ts";
import { StoreCondition } from "../../../actors/store/store-condition.ts";
import type { StoreClient } from "../../../actors/store/transaction.ts";
import { WRITER_ADDRESS, writerKind } from "../../../actors/store/writer.ts";
import { Host, seededRandom, silentLogger, systemClock } from "../../../runtime/mod.ts";
import type { NatsServer } from "./nats-server.ts";

export const LOG = "store-log";

export interface DurableStoreOptions {
  readonly everyRevisions?: number;
  readonly historyRevisions?: number;
  /** A file for the high-water mark. */
  readonly mark?: string;
  readonly salvage?: boolean;
  /** What lies on the disk is checked again and again, this long after each round. */
  readonly checkEvery_ms?: number;
  readonly transformer?: Transformer;
}

const clock = systemClock();
const random = seededRandom(11);

/** A whole store as boot puts it together: log, snapshots, mark, recovery, writer, snapshotter. */
export class DurableStore {
  readonly log: JetStreamLog;
  readonly snapshots: JetStreamSnapshots;
  readonly replica: Replica;
  readonly damages: readonly string[];
  readonly client: StoreClient;
  readonly condition: StoreCondition = new StoreCondition();
  readonly #connection: NatsConnection;
  readonly #host: Host;
  readonly #follower: Follower;
  readonly #mark: HighWaterFile | undefined;

  private constructor(
    connection: NatsConnection,
    log: JetStreamLog,
    snapshots: JetStreamSnapshots,
    { replica, damages }: Recovered,
    options: DurableStoreOptions,
  ) {
    this.#connection = connection;
    this.log = log;
    this.snapshots = snapshots;
    this.replica = replica;
    this.damages = damages;
    const mark = options.mark === undefined ? undefined : new HighWaterFile(options.mark, log.id);
    this.#mark = mark;
    this.#follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
    this.#host = new Host({ name: "durable", clock, random, log: silentLogger });
    const gate = new AppendGate();
    this.#host.register(
      writerKind({
        log,
        replica,
        gate,
        ...(mark === undefined ? {} : { noteHighWater: (sequence, revision) => mark.note(sequence, revision) }),
      }),
    );
    const { everyRevisions, checkEvery_ms } = options;
    const { condition } = this;
    this.#host.register(
      snapshotterKind({ log, snapshots, replica, gate, condition, ...(everyRevisions === undefined ? {} : { everyRevisions }) }),
    );
    this.#host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "start" });
    if (damages.length > 0) this.#host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "damaged", snapshot: undefined });
    if (checkEvery_ms !== undefined) {
      const pace = { first_ms: 0, every_ms: checkEvery_ms, batches_per_s: 100_000, bytes_per_s: 1e9 };
      const markFile = options.mark === undefined ? {} : { markFile: options.mark };
      this.#host.register(scrubberKind({ log, snapshots, replica, condition, pace, ...markFile }));
      this.#host.messenger.tell<ScrubberMessage>(SCRUBBER_ADDRESS, { type: "start" });
    }
    this.client = createStoreClient({ messenger: this.#host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  }

  /** Rejects with what recovery says. */
  static async open(server: NatsServer, options: DurableStoreOptions = {}): Promise<DurableStore> {
    const connection = await connect({ ...LOG_CONNECTION_OPTIONS, servers: server.url });
    try {
      const log = await JetStreamLog.open({ connection, clock, stream: LOG });
      const snapshots = await JetStreamSnapshots.open({ connection, prefix: LOG });
      const { historyRevisions, salvage = false, transformer } = options;
      const mark = options.mark === undefined ? undefined : readHighWater(options.mark);
      const recovered = await recover({
        log,
        snapshots,
        clock,
        logger: silentLogger,
        salvage,
        marks: mark === undefined || mark === "damaged" ? [] : [mark],
        replica: { ...(historyRevisions === undefined ? {} : { historyRevisions }), ...(transformer === undefined ? {} : { transformer }) },
      });
      return new DurableStore(connection, log, snapshots, recovered, options);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** All that it holds, to compare. */
  contents(): { readonly revision: number; readonly entries: readonly unknown[] } {
    const entries = ["configmaps", "pods"].flatMap((resource) => this.replica.list(resource));
    return { revision: this.replica.revision, entries: entries.map(({ key, revision, text }) => [key, revision, text]) };
  }

  async close(): Promise<void> {
    await this.#host.stop();
    this.#follower.stop();
    this.#mark?.close();
    await this.#connection.close();
  }
}
