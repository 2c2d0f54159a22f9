import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { Clock } from "../../../../runtime/mod.ts";
import { type Dialer, peerAt } from "../../../outbound/dialer.ts";
import { TokenRefused } from "../tokens.ts";
import type { JwtConfiguration } from "./configuration.ts";

const DISCOVERY = "/.well-known/openid-configuration";
const TIMEOUT_MS = 10_000;
const ANSWER_CHARS_MAX = 1_048_576;
/** Tokens of keys that are not there must not make us ask the issuer for each of them. */
const ASK_AGAIN_MS = 10_000;
/** What an issuer has taken back is believed no longer than this. */
const KEYS_AGE_MAX_MS = 10 * 60_000;

interface Keys {
  readonly ids: ReadonlySet<string>;
  readonly find: JWTVerifyGetKey;
}

/** The keys of one issuer, fetched when they are needed first, when they are old, and when a token names one that is not among them. */
export class IssuerKeys {
  readonly #configuration: JwtConfiguration;
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  #keys: Keys | undefined;
  #fetched_ms = Number.NEGATIVE_INFINITY;
  #fetching: Promise<Keys> | undefined;

  constructor(configuration: JwtConfiguration, dialer: Dialer, clock: Clock) {
    this.#configuration = configuration;
    this.#dialer = dialer;
    this.#clock = clock;
  }

  /** What finds the key of this name, if the issuer has it. Rejects with TokenRefused when there are no keys to be had. */
  async having(id: string | undefined): Promise<JWTVerifyGetKey> {
    const age_ms = this.#clock.monotonic_ms() - this.#fetched_ms;
    const keys = this.#keys;
    const known = keys !== undefined && (id === undefined || keys.ids.has(id));
    if (keys !== undefined && age_ms < (known ? KEYS_AGE_MAX_MS : ASK_AGAIN_MS)) return keys.find;
    if (keys === undefined && age_ms < ASK_AGAIN_MS) throw unreachable(this.#configuration.url);
    try {
      this.#fetching ??= this.#fetch();
      return (await this.#fetching).find;
    } catch (error) {
      // An issuer that is away for a while is no reason to lock out those whose keys are known.
      if (keys !== undefined && known) return keys.find;
      throw error;
    } finally {
      this.#fetching = undefined;
    }
  }

  async #fetch(): Promise<Keys> {
    this.#fetched_ms = this.#clock.monotonic_ms();
    const { url, discoveryUrl } = this.#configuration;
    const document = (await this.#get(discoveryUrl ?? `${url.replace(/\/$/, "")}${DISCOVERY}`)) as { issuer?: unknown; jwks_uri?: unknown };
    if (document.issuer !== url) throw new TokenRefused(`oidc: issuer ${url} says of itself that it is ${JSON.stringify(document.issuer)}`);
    if (typeof document.jwks_uri !== "string" || !URL.canParse(document.jwks_uri) || new URL(document.jwks_uri).protocol !== "https:")
      throw new TokenRefused(`oidc: issuer ${url} names no jwks_uri of https`);
    const set = (await this.#get(document.jwks_uri)) as JSONWebKeySet;
    if (!Array.isArray(set.keys)) throw new TokenRefused(`oidc: issuer ${url} has no keys at its jwks_uri`);
    const { createLocalJWKSet } = await import("jose");
    const keys = { ids: new Set(set.keys.flatMap(({ kid }) => kid ?? [])), find: createLocalJWKSet(set) };
    this.#keys = keys;
    return keys;
  }

  async #get(url: string): Promise<unknown> {
    const target = new URL(url);
    const { authority } = this.#configuration;
    try {
      const pool = await this.#dialer.reach(peerAt(target, authority === undefined ? "system" : { ca: authority }));
      const { statusCode, body } = await pool.request({
        method: "GET",
        path: `${target.pathname}${target.search}`,
        headers: { host: target.host, accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await body.text();
      if (statusCode !== 200 || text.length > ANSWER_CHARS_MAX) throw unreachable(url);
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw error instanceof TokenRefused ? error : unreachable(url);
    }
  }
}

function unreachable(url: string): TokenRefused {
  return new TokenRefused(`oidc: authenticator for issuer ${JSON.stringify(url)} is not initialized`);
}
