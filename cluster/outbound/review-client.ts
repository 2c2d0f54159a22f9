import type { Clock } from "../../runtime/mod.ts";
import { failureWords, statusWords } from "./call-words.ts";
import { type Dialer, type Peer, peerAt } from "./dialer.ts";
import type { ApiAccess } from "./kubeconfig.ts";

export const REVIEW_TIMEOUT_MS = 10_000;
/** As often, and after these pauses, one who does not answer is asked again. Source: apiserver's webhook.DefaultRetryBackoffWithInitialDelay. */
const PAUSES_MS: readonly number[] = [500, 750, 1_125];
const ANSWER_CHARS_MAX = 1_048_576;

/** The one who was asked gave no answer; the message says why. */
export class ReviewFailure extends Error {
  override readonly name = "ReviewFailure";
}

/** Posts reviews to somebody outside whom a kubeconfig names, and gives what came back. */
export class ReviewClient {
  readonly #access: ApiAccess;
  readonly #peer: Peer;
  readonly #dialer: Dialer;
  readonly #clock: Clock;

  readonly #timeout_ms: number;

  constructor(access: ApiAccess, dialer: Dialer, clock: Clock, timeout_ms: number = REVIEW_TIMEOUT_MS) {
    const { clientCertificate: cert, clientKey: key } = access;
    this.#access = access;
    this.#timeout_ms = timeout_ms;
    this.#dialer = dialer;
    this.#clock = clock;
    const trust = access.insecure ? "none" : access.authority === undefined ? "system" : { ca: access.authority };
    const peer = peerAt(new URL(access.origin), trust);
    this.#peer = {
      ...peer,
      serverName: access.serverName ?? peer.serverName,
      ...(cert === undefined || key === undefined ? {} : { credentials: { cert, key } }),
    };
  }

  /** Rejects with ReviewFailure. */
  async post(review: object): Promise<unknown> {
    const body = JSON.stringify(review);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#try(body);
      if (answer !== "again") return answer;
      const pause_ms = PAUSES_MS[attempt];
      if (pause_ms === undefined) throw new ReviewFailure(`${this.#access.origin} gives no answer`);
      await new Promise<void>((resolve) => this.#clock.after(pause_ms, resolve));
    }
  }

  /** `again`: it may be there in a moment. */
  async #try(body: string): Promise<unknown> {
    const { path, token } = this.#access;
    try {
      const pool = await this.#dialer.reach(this.#peer);
      const { statusCode, body: answer } = await pool.request({
        method: "POST",
        path,
        headers: {
          host: `${this.#peer.serverName}:${this.#peer.port}`,
          "content-type": "application/json",
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        signal: AbortSignal.timeout(this.#timeout_ms),
      });
      const text = await answer.text();
      if (statusCode === 429 || statusCode >= 500) return "again";
      if (statusCode >= 300) throw new ReviewFailure(statusWords(statusCode, text.slice(0, 2_048)));
      if (text.length > ANSWER_CHARS_MAX) throw new ReviewFailure("the answer is too long");
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (error instanceof ReviewFailure) throw error;
      if (error instanceof SyntaxError) throw new ReviewFailure("the answer is no JSON");
      const { code } = error as { readonly code?: string };
      if (code === "ECONNRESET" || code === "ECONNREFUSED" || code === "UND_ERR_SOCKET") return "again";
      throw new ReviewFailure(failureWords(error, `${this.#peer.host}:${this.#peer.port}`, this.#peer.host));
    }
  }
}
