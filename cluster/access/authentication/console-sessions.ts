import { randomUUID } from "node:crypto";
import { badRequest, forbidden } from "../../../actors/kinds/errors.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import type { Clock } from "../../../runtime/mod.ts";
import { Expiring } from "../expiring.ts";
import type { Identity } from "../identity.ts";
import { certificateEnd_ms } from "./certificates.ts";
import { type SigningKey, TOKEN_ALGORITHM } from "./signing-key.ts";
import { issuerOf, type TokenAuthenticator, TokenRefused, type Verified } from "./tokens.ts";

/** Who says so, and whom it is for: no other token of the cluster has these, and no other key makes them. */
const ISSUER = "troupe:console";
/** What the token says to be, so that none made for something else is taken for one (RFC 8725, section 3.11). */
const TYPE = "troupe-console+jwt";
const SECONDS_DEFAULT = 8 * 3_600;
const SECONDS_MAX = 12 * 3_600;
const SECONDS_MIN = 60;
const VERIFIED_MAX = 1_024;
const MS_PER_S = 1_000;

/** What the API answers. */
export interface ConsoleSession {
  readonly user: string;
  readonly token: string;
  readonly expirationTimestamp: string;
}

export interface ConsoleSessionsOptions {
  readonly key: SigningKey;
  readonly clock: Clock;
  /** For whom the API takes tokens. */
  readonly audiences: readonly string[];
}

/**
 * Tokens by which somebody with a client certificate is the same user in a browser, which has no use for a kubeconfig. It holds to this: only who showed a
 * certificate gets one, for themselves (not for whom they impersonate, and not for another token: so it cannot be renewed, and no token that dies with a pod
 * outlives it); it ends within hours, and never after the certificate; and the key, which signs nothing else, ends all of them when it is replaced.
 */
export class ConsoleSessions implements TokenAuthenticator {
  readonly #options: ConsoleSessionsOptions;
  readonly #verified: Expiring<{ readonly identity: Identity; readonly end_ms: number }>;

  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
    this.#verified = new Expiring(options.clock, VERIFIED_MAX);
  }

  /** A token for whoever asks, for so many seconds or less. Throws 400, and 403 for who has shown no certificate. */
  async issue(asker: Identity, asked: { readonly expirationSeconds?: unknown }): Promise<ConsoleSession> {
    const { key, clock } = this.#options;
    const certificate_ms = certificateEnd_ms(asker);
    if (certificate_ms === undefined)
      throw forbidden(undefined, "", "sessions of the console are given to client certificates only; a bearer token signs in by itself");
    const seconds = asked.expirationSeconds ?? SECONDS_DEFAULT;
    if (typeof seconds !== "number" || !Number.isInteger(seconds) || seconds < SECONDS_MIN || seconds > SECONDS_MAX)
      throw badRequest(`expirationSeconds is no whole number from ${SECONDS_MIN} to ${SECONDS_MAX}`);
    const now_s = Math.floor(clock.now_ms() / MS_PER_S);
    const exp = Math.min(now_s + seconds, Math.floor(certificate_ms / MS_PER_S));
    const { SignJWT } = await import("jose");
    const { user, groups, uid } = asker;
    const claims = { iss: ISSUER, aud: ISSUER, sub: user, groups: [...groups], iat: now_s, exp, jti: randomUUID() };
    const token = await new SignJWT(uid === undefined ? claims : { ...claims, uid })
      .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: key.id, typ: TYPE })
      .sign(key.privateKey);
    return { user, token, expirationTimestamp: timestamp(exp * MS_PER_S) };
  }

  async verify(token: string, audiences: readonly string[]): Promise<Verified | undefined> {
    const now_ms = this.#options.clock.now_ms();
    const known = this.#verified.get(token);
    if (known !== undefined && now_ms < known.end_ms) return this.#said(known.identity, audiences);
    if (issuerOf(token) !== ISSUER) return undefined;
    const { identity, end_ms } = await this.#check(token, now_ms);
    this.#verified.set(token, { identity, end_ms }, end_ms - now_ms);
    return this.#said(identity, audiences);
  }

  #said(identity: Identity, asked: readonly string[]): Verified | undefined {
    const audiences = asked.filter((one) => this.#options.audiences.includes(one));
    return audiences.length === 0 ? undefined : { identity, audiences };
  }

  async #check(token: string, now_ms: number): Promise<{ readonly identity: Identity; readonly end_ms: number }> {
    const { jwtVerify, errors } = await import("jose");
    try {
      const { payload } = await jwtVerify<{ groups: string[]; uid?: string }>(token, this.#options.key.publicKey, {
        algorithms: [TOKEN_ALGORITHM],
        issuer: ISSUER,
        audience: ISSUER,
        typ: TYPE,
        requiredClaims: ["sub", "groups", "exp", "jti"],
        currentDate: new Date(now_ms),
      });
      const { sub = "", groups, uid, exp = 0, jti = "" } = payload;
      const extra = { "authentication.kubernetes.io/credential-id": [`JTI=${jti}`] };
      return { identity: { user: sub, groups, ...(uid === undefined ? {} : { uid }), extra }, end_ms: exp * MS_PER_S };
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new TokenRefused("this session of the console has ended, or is none");
      throw error;
    }
  }
}
