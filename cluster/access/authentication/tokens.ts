import type { Identity } from "../identity.ts";

/** Who a bearer token says somebody is. */
export interface Verified {
  readonly identity: Identity;
  /** For whom the token was made, of those who were asked for; undefined where a token has no audience. */
  readonly audiences?: readonly string[];
}

/** Why a token is none, in words that its holder may read. Undefined words: it is nothing that this kind of token looks like. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}

/** No honest token is longer; more is not looked at. */
const TOKEN_CHARS_MAX = 16_384;

/** One kind of bearer token. `audiences`: whom it must be for. Undefined: not a token of this kind. Throws TokenRefused. */
export interface TokenAuthenticator {
  verify(token: string, audiences: readonly string[]): Verified | undefined | Promise<Verified | undefined>;
}

/** Who says to have made a token, which nobody has checked yet; undefined when it is no token of this form (RFC 7519). */
export function issuerOf(token: string): string | undefined {
  const parts = token.split(".");
  if (parts.length !== 3 || token.length > TOKEN_CHARS_MAX) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString()) as { readonly iss?: unknown };
    return typeof iss === "string" ? iss : undefined;
  } catch {
    return undefined;
  }
}

/** The first that knows the token decides. What the others had against it is said when none does. Source: apiserver's token/union. */
export function anyToken(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async verify(token, audiences) {
      const refusals: string[] = [];
      for (const authenticator of authenticators) {
        try {
          const verified = await authenticator.verify(token, audiences);
          if (verified !== undefined) return verified;
        } catch (error) {
          if (!(error instanceof TokenRefused)) throw error;
          refusals.push(error.message);
        }
      }
      if (refusals.length === 0) return undefined;
      throw new TokenRefused(refusals.length === 1 ? (refusals[0] ?? "") : `[${refusals.join(", ")}]`);
    },
  };
}
