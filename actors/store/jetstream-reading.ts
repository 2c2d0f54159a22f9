import type { JetStreamManager, Msg, NatsConnection, Subscription } from "nats";
import { AckPolicy, createInbox, DeliverPolicy, NatsError, nanos, ReplayPolicy } from "nats";
import type { Clock, Timer } from "../../runtime/mod.ts";
import { LOG_RETRY_MAX_MS, LOG_RETRY_MS } from "./limits.ts";
import type { OnBatch, Reading } from "./log.ts";
import { LogCut } from "./log.ts";

export interface JetStreamReadingOptions {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  readonly stream: string;
  readonly fromSequence: number;
  readonly onBatch: OnBatch;
  /** Only sequences are wanted: batches come empty. */
  readonly headersOnly: boolean;
}

/** The server says that it lives this often when there is nothing else to say; silence of three times that is a fault. */
const HEARTBEAT_MS = 1_000;
const SILENCE_MAX_MS: number = 3 * HEARTBEAT_MS;
/** The server forgets a consumer that nobody listens to after this long. */
const FORGET_MS = 10_000;

/**
 * Follows a stream by an ephemeral push consumer without acknowledgements, under JetStream's flow control. The sequences are checked here: a
 * batch that came before is dropped, and after a gap, silence, a lost consumer or a reconnection a new consumer begins at the next sequence.
 * Each consumer has an inbox of its own, so that what an old one still sends is not heard.
 */
export class JetStreamReading implements Reading {
  readonly done: Promise<void>;
  readonly #options: JetStreamReadingOptions;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #next: number;
  /** Counts the consumers; whatever belongs to an older one is void. */
  #generation = 0;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  #timer: Timer | undefined;
  #heard_ms = 0;
  #pause_ms: number = LOG_RETRY_MS;
  #ended = false;

  constructor(options: JetStreamReadingOptions) {
    this.#options = options;
    this.#next = options.fromSequence;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.restart();
  }

  stop(): void {
    if (this.#end()) this.#resolve();
  }

  /** Begins a new consumer at the next sequence. */
  restart(): void {
    if (this.#ended) return;
    this.#forget();
    void this.#begin(++this.#generation);
  }

  async #begin(generation: number): Promise<void> {
    const { connection, manager, stream } = this.#options;
    const inbox = createInbox();
    this.#subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (generation === this.#generation && !this.#ended && error === null) this.#receive(message);
      },
    });
    this.#heard_ms = this.#options.clock.monotonic_ms();
    this.#watch(generation, SILENCE_MAX_MS);
    try {
      const { name } = await manager.consumers.add(stream, {
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#next,
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        max_deliver: 1,
        headers_only: this.#options.headersOnly,
        flow_control: true,
        idle_heartbeat: nanos(HEARTBEAT_MS),
        inactive_threshold: nanos(FORGET_MS),
        mem_storage: true,
        num_replicas: 1,
      });
      if (generation === this.#generation && !this.#ended) this.#consumer = name;
      else this.#deleteConsumer(name);
    } catch {
      // Gone, restarting, or not yet recovered: what is wrong shows in appends; here it is enough to try until it works.
      if (generation === this.#generation && !this.#ended) this.#restartLater(generation);
    }
  }

  #receive(message: Msg): void {
    this.#heard_ms = this.#options.clock.monotonic_ms();
    const status = message.headers?.code ?? 0;
    if (status !== 0) {
      this.#receiveStatus(status, message);
      return;
    }
    const sequence = streamSequenceOf(message.reply);
    if (sequence === undefined || sequence < this.#next) return;
    if (sequence > this.#next) {
      this.#gap(sequence);
      return;
    }
    this.#next = sequence + 1;
    this.#pause_ms = LOG_RETRY_MS;
    try {
      this.#options.onBatch(sequence, message.data);
    } catch (error) {
      if (this.#end()) this.#reject(error);
    }
  }

  #receiveStatus(status: number, message: Msg): void {
    if (status === 100) {
      if (message.reply !== undefined && message.reply !== "") message.respond();
      const stalled = message.headers?.get("Nats-Consumer-Stalled");
      if (stalled !== undefined && stalled !== "") this.#options.connection.publish(stalled);
      const delivered = Number(message.headers?.get("Nats-Last-Stream") || 0);
      // A heartbeat comes after all that was sent before it: what it counts and we have not seen is lost.
      if (delivered >= this.#next) this.restart();
    } else {
      this.restart();
    }
  }

  /** A message is missing: lost on the way, or no longer in the stream, and only the stream knows which. */
  #gap(found: number): void {
    const generation = this.#generation;
    const wanted = this.#next;
    this.#forget();
    this.#generation++;
    this.#options.manager.streams.getMessage(this.#options.stream, { seq: wanted }).then(
      () => this.#restartIf(generation + 1),
      (error: unknown) => {
        const gone = error instanceof NatsError && error.api_error?.err_code === 10037;
        if (!gone) this.#restartLater(generation + 1);
        else if (generation + 1 === this.#generation && this.#end()) this.#reject(new LogCut(wanted, found));
      },
    );
  }

  /** Restarts when nothing has been heard for too long. */
  #watch(generation: number, delay_ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delay_ms, () => {
      const silent_ms = this.#options.clock.monotonic_ms() - this.#heard_ms;
      if (silent_ms >= SILENCE_MAX_MS) this.#restartIf(generation);
      else this.#watch(generation, SILENCE_MAX_MS - silent_ms);
    });
  }

  #restartLater(generation: number): void {
    if (this.#ended || generation !== this.#generation) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(this.#pause_ms, () => this.#restartIf(generation));
    this.#pause_ms = Math.min(this.#pause_ms * 2, LOG_RETRY_MAX_MS);
  }

  #restartIf(generation: number): void {
    if (generation === this.#generation) this.restart();
  }

  #forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    if (this.#consumer !== undefined) this.#deleteConsumer(this.#consumer);
    this.#consumer = undefined;
  }

  /** As a courtesy: the server would forget it by itself. */
  #deleteConsumer(name: string): void {
    this.#options.manager.consumers.delete(this.#options.stream, name).catch(() => {});
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#forget();
    return true;
  }
}

/** The stream sequence in an acknowledgement subject: `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>...`, or with domain and account before it. */
function streamSequenceOf(reply: string | undefined): number | undefined {
  const tokens = reply?.split(".") ?? [];
  const sequence = Number(tokens[tokens.length === 9 ? 5 : 7]);
  return tokens[1] === "ACK" && Number.isSafeInteger(sequence) ? sequence : undefined;
}
