import type { ConnectionOptions, JetStreamManager, NatsConnection, StreamConfig, StreamInfo } from "nats";
import { DiscardPolicy, NatsError, nanos, RetentionPolicy, StorageType } from "nats";
import type { Clock } from "../../runtime/mod.ts";
import { JetStreamAppending, NobodyListens } from "./jetstream-appending.ts";
import { JetStreamReading } from "./jetstream-reading.ts";
import { APPEND_BATCH_BYTES, LOG_LOST_MS, LOG_LOST_REPLICATED_MS } from "./limits.ts";
import type { CuttableLog, HowLost, LogBounds, OnBatch, Reading } from "./log.ts";
import { AppendFenced, LogLost, LogMissing, LogUnavailable } from "./log.ts";

export interface JetStreamLogOptions {
  /** Should reconnect for ever (LOG_CONNECTION_OPTIONS); while it is away, appends fail with LogUnavailable and readings wait. */
  readonly connection: NatsConnection;
  readonly clock: Clock;
  /** The stream's name; the subject of its batches is `<stream>.batch`. */
  readonly stream: string;
  /** Copies of the stream in a NATS cluster, at least. Default 1. */
  readonly replicas?: number;
  /** Whether a stream that is not there is made. Default true. */
  readonly make?: boolean;
}

/**
 * What a connection under a log needs: come back as soon as the server does, for ever, and leave one of several that stands still, which nothing but
 * its silence shows, within three pings.
 */
export const LOG_CONNECTION_OPTIONS: ConnectionOptions = {
  pingInterval: 2_500,
  maxPingOut: 2,
  timeout: 2_000,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
  reconnectJitter: 20,
  reconnectJitterTLS: 20,
  waitOnFirstConnect: true,
  // A stack trace for each request, in case it fails, costs more than the request; what fails here is named by who asked.
  noAsyncTraces: true,
};

/** JetStream's error codes, from nats-server's server/errors.json. */
const STREAM_NOT_FOUND = 10059;
const NO_MESSAGE_FOUND = 10037;

/** Room in a message for what is not payload: headers, the subject, protocol. */
const MESSAGE_OVERHEAD_BYTES = 4096;
const API_TIMEOUT_MS = 2_000;

/** The stream of a log: a file with no limits, from which only a purge of its beginning can take anything. */
function streamConfig(options: JetStreamLogOptions): Partial<StreamConfig> {
  return {
    name: options.stream,
    subjects: [`${options.stream}.batch`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: options.replicas ?? 1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msg_size: -1,
    max_consumers: -1,
    duplicate_window: nanos(100),
    deny_delete: true,
    allow_direct: true,
  };
}

/**
 * The log as a JetStream stream: batch n is the message with stream sequence n. The fence is JetStream's expected last sequence, which the
 * stream's leader checks under the lock that orders its messages.
 */
export class JetStreamLog implements CuttableLog {
  readonly id: string;
  readonly batchBytesMax: number;
  readonly #options: JetStreamLogOptions;
  readonly #appending: JetStreamAppending;
  readonly #manager: JetStreamManager;
  readonly #readings = new Set<JetStreamReading>();
  #connected = true;
  /** The log was seen to reach this far. */
  #reached: number;
  /** Since when it looks as if it were not what it was. */
  #suspected_ms: number | undefined;

  private constructor(options: JetStreamLogOptions, manager: JetStreamManager, { created, state }: StreamInfo) {
    this.id = String(created);
    this.#reached = state.last_seq;
    this.#options = options;
    this.#appending = new JetStreamAppending(options.connection, options.clock, `${options.stream}.batch`);
    this.#manager = manager;
    const payloadMax = options.connection.info?.max_payload ?? 0;
    this.batchBytesMax = Math.min(APPEND_BATCH_BYTES, payloadMax - MESSAGE_OVERHEAD_BYTES);
    void this.#watchConnection();
  }

  /** Opens the stream, or makes it. Rejects with LogMissing, or with LogUnavailable when JetStream does not answer, or refuses. */
  static async open(options: JetStreamLogOptions): Promise<JetStreamLog> {
    try {
      const manager = await options.connection.jetstreamManager({ timeout: API_TIMEOUT_MS });
      return new JetStreamLog(options, manager, await ensureStream(manager, streamConfig(options), options.make ?? true));
    } catch (error) {
      if (error instanceof LogMissing) throw error;
      throw unavailable(`cannot open stream ${options.stream}`, error);
    }
  }

  get reached(): number {
    return this.#reached;
  }

  async append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    // The client would keep the message and send it when it is connected again; refused now, it cannot arrive late.
    if (!this.#connected) throw new LogUnavailable("not connected to NATS");
    // Another log might take it.
    if (this.#suspected_ms !== undefined) await this.lastSequence();
    const sequence = await this.#send(batch, expectedLastSequence);
    if (sequence !== expectedLastSequence + 1) {
      throw new Error(`JetStream stored the batch after ${expectedLastSequence} as ${sequence}: the stream was cut behind the log's back`);
    }
    this.#reached = sequence;
    return sequence;
  }

  async #send(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    try {
      return await this.#appending.append(batch, expectedLastSequence);
    } catch (error) {
      // Somebody else wrote, or nobody listens; or it is no longer this log, which asking for its end finds out.
      if (error instanceof AppendFenced || error instanceof NobodyListens) await this.lastSequence();
      throw error;
    }
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    return this.#read(fromSequence, onBatch, false);
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.#read(fromSequence, onSequence, true);
  }

  #read(fromSequence: number, onBatch: OnBatch, headersOnly: boolean): Reading {
    const { connection, clock, stream } = this.#options;
    const note: OnBatch = (sequence, bytes) => {
      this.#reached = Math.max(this.#reached, sequence);
      onBatch(sequence, bytes);
    };
    const reading = new JetStreamReading({ connection, clock, stream, manager: this.#manager, fromSequence, onBatch: note, headersOnly });
    this.#readings.add(reading);
    const forget = (): void => void this.#readings.delete(reading);
    reading.done.then(forget, forget);
    return reading;
  }

  async get(sequence: number): Promise<Uint8Array | undefined> {
    try {
      // From the stream's leader, not by direct get: a copy that lags would not know the message yet.
      return (await this.#manager.streams.getMessage(this.#options.stream, { seq: sequence })).data;
    } catch (error) {
      if (apiCode(error) === NO_MESSAGE_FOUND) return undefined;
      throw unavailable(`cannot read batch ${sequence}`, error);
    }
  }

  async copy(sequence: number): Promise<Uint8Array | undefined> {
    const { connection, stream } = this.#options;
    try {
      const request = JSON.stringify({ seq: sequence });
      const answer = await connection.request(`$JS.API.DIRECT.GET.${stream}`, request, { timeout: API_TIMEOUT_MS });
      if ((answer.headers?.code ?? 0) < 300) return answer.data;
    } catch {
      // As when it says no: servers before 2.9 know no direct get. The leader's word counts.
    }
    return this.get(sequence);
  }

  async lastSequence(): Promise<number> {
    return (await this.#info("cannot ask for the log's end")).last_seq;
  }

  async bounds(): Promise<LogBounds> {
    const { first_seq, last_seq, bytes } = await this.#info("cannot ask for the log's bounds");
    return { first: Math.max(first_seq, 1), last: last_seq, bytes };
  }

  /** What the stream says of itself, held to what is known of it. */
  async #info(purpose: string): Promise<StreamInfo["state"]> {
    // An append that is acknowledged while this question travels may overtake the answer.
    const reached = this.#reached;
    let info: StreamInfo;
    try {
      info = await this.#manager.streams.info(this.#options.stream);
    } catch (error) {
      if (apiCode(error) === STREAM_NOT_FOUND) this.#suspect("gone", "it is gone, deleted by somebody or lost by JetStream", 1);
      throw unavailable(purpose, error);
    }
    const { created, config, state } = info;
    const replicas = config.num_replicas;
    if (String(created) !== this.id)
      this.#suspect("replaced", `another, made ${created}, stands in its place; this one was made ${this.id}`, replicas);
    if (state.last_seq < reached)
      this.#suspect("shortened", `it ends at sequence ${state.last_seq}, and reached sequence ${reached} before`, replicas);
    this.#suspected_ms = undefined;
    return state;
  }

  /** Throws LogUnavailable: LogLost when it has looked so for longer than a server may take that knows it only later. */
  #suspect(how: HowLost, what: string, replicas: number): never {
    const now_ms = this.#options.clock.monotonic_ms();
    this.#suspected_ms ??= now_ms;
    const lost_ms = replicas > 1 || (this.#options.replicas ?? 1) > 1 ? LOG_LOST_REPLICATED_MS : LOG_LOST_MS;
    if (now_ms - this.#suspected_ms < lost_ms) throw new LogUnavailable(`the log of the store may not be what it was: ${what}`);
    throw new LogLost(how, what);
  }

  async cutBefore(sequence: number): Promise<void> {
    try {
      await this.#manager.streams.purge(this.#options.stream, { seq: sequence });
    } catch (error) {
      throw unavailable(`cannot cut the log before ${sequence}`, error);
    }
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.connection.status()) {
      if (status.type === "disconnect") {
        this.#disconnected("the connection to NATS was lost");
      } else if (status.type === "reconnect") {
        this.#connected = true;
        for (const reading of this.#readings) reading.restart();
      }
    }
    this.#disconnected("the connection to NATS is closed");
  }

  #disconnected(what: string): void {
    this.#connected = false;
    // Their answers are lost too.
    this.#appending.interrupt(what);
  }
}

/**
 * Opens or makes the stream; the moment of its making, to the nanosecond, it keeps for life. One that may be made may also be brought to the
 * form that it is made in now; copies are never taken from it.
 */
async function ensureStream(manager: JetStreamManager, wanted: Partial<StreamConfig>, make: boolean): Promise<StreamInfo> {
  const name = wanted.name ?? "";
  try {
    const found = await manager.streams.info(name);
    const { config } = found;
    const num_replicas = Math.max(config.num_replicas, wanted.num_replicas ?? 1);
    if (make && (config.num_replicas < num_replicas || config.allow_direct !== wanted.allow_direct))
      await manager.streams.update(name, { ...config, ...wanted, num_replicas });
    return found;
  } catch (error) {
    if (apiCode(error) !== STREAM_NOT_FOUND) throw error;
    if (!make) throw new LogMissing(name);
    return manager.streams.add(wanted);
  }
}

function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

function unavailable(what: string, error: unknown): LogUnavailable {
  if (error instanceof LogUnavailable) return error;
  const why = error instanceof NatsError ? (error.api_error?.description ?? error.message) : String(error);
  return new LogUnavailable(`${what}: ${why}`, { cause: error });
}
