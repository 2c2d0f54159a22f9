import type { Msg, NatsConnection } from "nats";
import { createInbox, headers, NatsError } from "nats";
import type { Clock, Timer } from "../../runtime/mod.ts";
import { APPEND_TIMEOUT_MS } from "./limits.ts";
import { AppendFenced, LogUnavailable } from "./log.ts";

/** What JetStream answers to a message for a stream. Source: nats-server's JSPubAckResponse. */
interface Acknowledgement {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** From nats-server's server/errors.json. */
const WRONG_LAST_SEQUENCE = 10071;
const EXPECTED_LAST_SEQUENCE = "Nats-Expected-Last-Sequence";
/** The server's word that nobody listens on a subject. */
const NO_RESPONDERS = 503;

/** There is no such stream, or it has no leader now. */
export class NobodyListens extends LogUnavailable {
  constructor() {
    super("JetStream did not take the batch: nobody listens on the stream's subject");
  }
}

interface Waiting {
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Error) => void;
  readonly expectedLastSequence: number;
  timer: Timer | undefined;
}

/**
 * Sends batches to a stream and hears its answers. What the NATS client's own requests do beside that (errors made in advance for their stack traces,
 * a timer and several promises each) took a fifth of the processor time of a single put.
 */
export class JetStreamAppending {
  readonly #connection: NatsConnection;
  readonly #clock: Clock;
  readonly #subject: string;
  readonly #inbox: string = createInbox();
  /** By the last token of the subject that the answer comes to. */
  readonly #waiting = new Map<string, Waiting>();
  #sent = 0;

  constructor(connection: NatsConnection, clock: Clock, subject: string) {
    this.#connection = connection;
    this.#clock = clock;
    this.#subject = subject;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#hear(message);
      },
    });
  }

  /** Resolves to the sequence that the batch got. Rejects with AppendFenced or LogUnavailable. */
  append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const token = (this.#sent++).toString(36);
      const expectation = headers();
      expectation.set(EXPECTED_LAST_SEQUENCE, String(expectedLastSequence));
      try {
        this.#connection.publish(this.#subject, batch, { reply: `${this.#inbox}.${token}`, headers: expectation });
      } catch (error) {
        if (error instanceof NatsError) reject(new LogUnavailable(`the batch cannot be sent: ${error.message}`, { cause: error }));
        else reject(error);
        return;
      }
      const timer = this.#clock.after(APPEND_TIMEOUT_MS, () =>
        this.#take(token)?.reject(new LogUnavailable(`JetStream did not answer within ${APPEND_TIMEOUT_MS} ms`)),
      );
      this.#waiting.set(token, { resolve, reject, expectedLastSequence, timer });
    });
  }

  /** Ends all that wait for an answer, which will not come. */
  interrupt(why: string): void {
    for (const token of [...this.#waiting.keys()]) this.#take(token)?.reject(new LogUnavailable(why));
  }

  #hear(message: Msg): void {
    const waiting = this.#take(message.subject.slice(this.#inbox.length + 1));
    if (waiting === undefined) return;
    if (message.headers?.code === NO_RESPONDERS) {
      waiting.reject(new NobodyListens());
      return;
    }
    const { seq, error } = JSON.parse(Buffer.from(message.data).toString()) as Acknowledgement;
    if (error?.err_code === WRONG_LAST_SEQUENCE) waiting.reject(new AppendFenced(waiting.expectedLastSequence));
    else if (error !== undefined || seq === undefined)
      waiting.reject(new LogUnavailable(`JetStream did not take the batch: ${error?.description ?? "its answer has no sequence"}`));
    else waiting.resolve(seq);
  }

  #take(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiting?.timer?.cancel();
    return waiting;
  }
}
