import type { IncomingMessage } from "node:http";
import { tooManyRequests, unauthorized } from "../../../actors/kinds/errors.ts";
import type { Clock } from "../../../runtime/mod.ts";
import { Expiring } from "../expiring.ts";
import type { Identity } from "../identity.ts";
import { ANONYMOUS } from "../identity.ts";
import { type AnonymousRule, mayBeAnonymous } from "./anonymous.ts";
import { shownBy } from "./certificates.ts";
import { FailedAttempts } from "./failed-attempts.ts";
import type { TokenAuthenticator } from "./tokens.ts";
import { TokenRefused } from "./tokens.ts";

/** Who asks. Synchronous where it can be, as it stands in the way of every request. Throws 401 for who says something wrong. */
export interface Authenticator {
  identify(request: IncomingMessage): Identity | Promise<Identity>;
}

export interface AuthenticatorOptions {
  readonly clock: Clock;
  readonly tokens: TokenAuthenticator;
  /** Whom tokens must be for. */
  readonly audiences: readonly string[];
  readonly anonymous: AnonymousRule;
}

/** A browser cannot send headers with a WebSocket; it says its token among the protocols. Source: apiserver's websocket/protocol.go. */
const TOKEN_PROTOCOL = "base64url.bearer.authorization.k8s.io.";

/** Tokens that were right a moment ago, and are looked at however many wrong ones come from the same address. */
const BELIEVED_MAX = 4_096;
const BELIEVED_MS = 5 * 60_000;
const RETRY_AFTER_S = 1;

/**
 * Client certificates first, bearer tokens next; whoever shows neither is anonymous. Whoever shows something that is not right is nobody at all: 401; and
 * whoever does so again and again has to wait: 429. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export function createAuthenticator({ clock, tokens, audiences, anonymous }: AuthenticatorOptions): Authenticator {
  const attempts = new FailedAttempts(clock);
  const believed = new Expiring<true>(clock, BELIEVED_MAX);
  const byToken = async (token: string, address: string): Promise<Identity> => {
    if (believed.get(token) === undefined && !attempts.mayTry(address))
      throw tooManyRequests("too many failed attempts to authenticate from this address, please try again later", RETRY_AFTER_S);
    try {
      const verified = await tokens.verify(token, audiences);
      if (verified !== undefined) {
        believed.set(token, true, BELIEVED_MS);
        return verified.identity;
      }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
    }
    attempts.failed(address);
    throw unauthorized();
  };
  return {
    identify(request) {
      const shown = shownBy(request, clock.now_ms());
      if (shown !== undefined && shown !== "refused") return shown;
      const token = tokenOf(request);
      if (token !== undefined) return byToken(token, request.socket.remoteAddress ?? "");
      if (shown === "refused" || hasTokenInUrl(request.url) || !mayBeAnonymous(anonymous, request.url)) throw unauthorized();
      return ANONYMOUS;
    },
  };
}

/** The bearer token of a request; undefined when it has none. */
export function tokenOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const [scheme = "", token = ""] = (headers.authorization ?? "").trim().split(" ", 3);
  if (scheme.toLowerCase() === "bearer" && token !== "") return token;
  for (const protocol of headers["sec-websocket-protocol"]?.split(",") ?? []) {
    const name = protocol.trim();
    if (name.startsWith(TOKEN_PROTOCOL)) return Buffer.from(name.slice(TOKEN_PROTOCOL.length), "base64url").toString();
  }
  return undefined;
}

/** What stands in a URL stands in logs and histories: a token there is not read but refused, so that nobody gets used to it (RFC 6750, section 5.3). */
function hasTokenInUrl(url: string | undefined): boolean {
  return url !== undefined && /[?&](access_token|token)=/.test(url);
}
