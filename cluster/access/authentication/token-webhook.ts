import { createHash } from "node:crypto";
import type { TokenReview } from "../../../actors/kinds/generated/types.ts";
import type { Clock, Logger } from "../../../runtime/mod.ts";
import type { ReviewClient } from "../../outbound/review-client.ts";
import { ReviewFailure } from "../../outbound/review-client.ts";
import { Expiring } from "../expiring.ts";
import { AUTHENTICATED } from "../identity.ts";
import type { TokenAuthenticator, Verified } from "./tokens.ts";
import { TokenRefused } from "./tokens.ts";

const REMEMBERED_MAX = 4_096;

export interface TokenWebhookOptions {
  readonly client: Pick<ReviewClient, "post">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long an answer holds, also a refusal: `--authentication-token-webhook-cache-ttl`. */
  readonly ttl_ms: number;
}

/** Asks somebody outside whose a bearer token is. Source: apiserver's plugin/pkg/authenticator/token/webhook. */
export class TokenWebhook implements TokenAuthenticator {
  readonly #options: TokenWebhookOptions;
  readonly #known: Expiring<Verified | "refused">;

  constructor(options: TokenWebhookOptions) {
    this.#options = options;
    this.#known = new Expiring(options.clock, REMEMBERED_MAX);
  }

  async verify(token: string, audiences: readonly string[]): Promise<Verified | undefined> {
    // The token itself is not kept: it opens doors elsewhere too.
    const key = createHash("sha256")
      .update(JSON.stringify([token, audiences]))
      .digest("base64");
    const known = this.#known.get(key);
    if (known !== undefined) return known === "refused" ? undefined : known;
    const verified = await this.#ask(token, audiences);
    this.#known.set(key, verified ?? "refused", this.#options.ttl_ms);
    return verified;
  }

  async #ask(token: string, audiences: readonly string[]): Promise<Verified | undefined> {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", metadata: {}, spec: { token, audiences } };
    let answer: TokenReview;
    try {
      answer = (await this.#options.client.post(review)) as TokenReview;
    } catch (error) {
      if (!(error instanceof ReviewFailure)) throw error;
      this.#options.log.warn({ error: error.message }, "the webhook for tokens could not be asked; its tokens are refused meanwhile");
      throw new TokenRefused("the authentication webhook could not be asked");
    }
    const { authenticated, user, audiences: for_ = [], error } = answer.status ?? {};
    if (authenticated !== true) {
      if (error !== undefined && error !== "") throw new TokenRefused(error);
      return undefined;
    }
    const { username = "", uid, groups = [], extra } = user ?? {};
    const told = for_.filter((one) => audiences.includes(one));
    // Who is asked for an audience and names another speaks of another door.
    if (username === "" || (for_.length > 0 && told.length === 0)) return undefined;
    const identity = {
      user: username,
      groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED],
      ...(uid === undefined || uid === "" ? {} : { uid }),
      ...(extra === undefined ? {} : { extra }),
    };
    return told.length === 0 ? { identity } : { identity, audiences: told };
  }
}
