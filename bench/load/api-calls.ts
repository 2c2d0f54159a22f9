import { setTimeout as delay } from "node:timers/promises";
import { type Answer, type ApiClient, messageOf, type Request } from "../driver/api-client.ts";
import { BenchFailure } from "../failure.ts";
import { Samples } from "./samples.ts";

/** What Kubernetes' service levels tell apart: the verb, the resource with its subresource, and how much of it a call is about. */
export interface CallKind {
  readonly verb: "get" | "list" | "create" | "patch" | "delete";
  readonly resource: string;
  readonly scope: "resource" | "namespace" | "cluster";
}

/** Answers that mean "not now": the server sheds load, and says so. */
const BUSY_STATUSES: readonly number[] = [429, 503];
const BUSY_WAIT_MS = 1_000;
const BUSY_TRIES_MAX = 120;

/**
 * The calls of a run, each timed from its sending to the last byte of its answer. A busy server is left alone as long as it asks and tried again,
 * which is counted; each try is a call of its own.
 */
export class ApiCalls {
  readonly #client: ApiClient;
  readonly #signal: AbortSignal;
  readonly #times = new Map<string, { readonly kind: CallKind; readonly samples: Samples }>();
  /** Calls that were told to come again. */
  busy = 0;

  constructor(client: ApiClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  get times(): Iterable<{ readonly kind: CallKind; readonly samples: Samples }> {
    return this.#times.values();
  }

  /** Sends a request that must succeed. `mayMiss`: what it is about may be gone already. Throws BenchFailure. */
  async send(kind: CallKind, request: Request, mayMiss = false): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      this.#signal.throwIfAborted();
      const sent_ms = performance.now();
      const answer = await this.#client.send(request, request.method === "GET" && kind.scope === "resource").catch((error: Error) => {
        throw new BenchFailure(`${request.method} ${request.path} was not answered: ${error.message}; is the API server still up?`);
      });
      this.#samplesOf(kind).add(performance.now(), performance.now() - sent_ms);
      if (answer.status < 300 || (mayMiss && answer.status === 404)) return answer;
      // A server that was too busy to say so had made it.
      if (answer.status === 409 && kind.verb === "create" && tries > 1) return answer;
      if (!BUSY_STATUSES.includes(answer.status) || tries >= BUSY_TRIES_MAX)
        throw new BenchFailure(`${request.method} ${request.path} was answered ${answer.status}: ${messageOf(answer.body)}`);
      this.busy++;
      await delay(answer.retryAfter_s * 1_000 || BUSY_WAIT_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  #samplesOf(kind: CallKind): Samples {
    const key = `${kind.verb} ${kind.resource} ${kind.scope}`;
    let found = this.#times.get(key);
    if (found === undefined) {
      found = { kind, samples: new Samples() };
      this.#times.set(key, found);
    }
    return found.samples;
  }
}
