import { setTimeout as delay } from "node:timers/promises";
import { BenchFailure } from "../failure.ts";
import { type ApiClient, messageOf } from "./api-client.ts";

/** Answers that mean "not now": the server sheds load, and says so. */
const BUSY_STATUSES: readonly number[] = [429, 503];
const BUSY_WAIT_MS = 1000;

export interface Creates {
  readonly client: ApiClient;
  readonly path: string;
  readonly count: number;
  readonly concurrency: number;
  readonly body: (index: number) => string;
  /** Told of each object when its create was answered; milliseconds of `performance.now()`. */
  readonly created: (index: number, sent_ms: number, answered_ms: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Creates objects one by one, each with a request of its own, `concurrency` at a time: each of so many loops sends its next when its last is
 * answered. A busy server is left alone as long as it asks and tried again; any other refusal ends it. Throws BenchFailure.
 */
export async function createAll({ client, path, count, concurrency, body, created, signal }: Creates): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count && !signal.aborted) {
      const index = next++;
      const sent_ms = performance.now();
      for (;;) {
        const answer = await client.send({ method: "POST", path, body: body(index) });
        if (answer.status === 201) break;
        if (!BUSY_STATUSES.includes(answer.status) || signal.aborted) {
          next = count;
          throw new BenchFailure(`creating object ${index + 1} of ${count} was answered ${answer.status}: ${messageOf(answer.body)}`);
        }
        await delay(answer.retryAfter_s * 1000 || BUSY_WAIT_MS);
      }
      created(index, sent_ms, performance.now());
    }
  };
  const loops = await Promise.allSettled(Array.from({ length: Math.min(concurrency, count) }, loop));
  const failed = loops.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return;
  if (failed.reason instanceof BenchFailure) throw failed.reason;
  throw new BenchFailure(`a create was not answered: ${(failed.reason as Error).message}; is the API server still up?`);
}
