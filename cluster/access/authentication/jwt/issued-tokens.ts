import type { Clock } from "../../../../runtime/mod.ts";
import type { Dialer } from "../../../outbound/dialer.ts";
import { Expiring } from "../../expiring.ts";
import type { Identity } from "../../identity.ts";
import type { TokenAuthenticator, Verified } from "../tokens.ts";
import { issuerOf, TokenRefused } from "../tokens.ts";
import { SIGNING_ALGORITHMS } from "./algorithms.ts";
import { ClaimMapping, type Claims } from "./claims.ts";
import type { JwtConfiguration } from "./configuration.ts";
import { IssuerKeys } from "./issuer-keys.ts";

const REMEMBERED_MAX = 4_096;
/** A token that was believed is believed so long, and never past its end. */
const REMEMBERED_MS = 10_000;
const MS_PER_S = 1_000;

/** Checks the ID tokens of one issuer. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens */
export class IssuedTokens implements TokenAuthenticator {
  readonly #configuration: JwtConfiguration;
  readonly #clock: Clock;
  readonly #keys: IssuerKeys;
  readonly #mapping: ClaimMapping;
  readonly #known: Expiring<{ readonly identity: Identity; readonly end_ms: number }>;
  /** For whom the API takes tokens: those of this issuer have audiences of their own, and are for it all the same. */
  readonly #own: readonly string[];

  constructor(configuration: JwtConfiguration, own: readonly string[], dialer: Dialer, clock: Clock) {
    this.#configuration = configuration;
    this.#own = own;
    this.#clock = clock;
    this.#keys = new IssuerKeys(configuration, dialer, clock);
    this.#mapping = new ClaimMapping(configuration);
    this.#known = new Expiring(clock, REMEMBERED_MAX);
  }

  async verify(token: string, audiences: readonly string[]): Promise<Verified | undefined> {
    const known = this.#known.get(token);
    if (known !== undefined && this.#clock.now_ms() < known.end_ms) return this.#said(known.identity, audiences);
    if (issuerOf(token) !== this.#configuration.url) return undefined;
    const claims = await this.#claims(token);
    const identity = this.#mapping.identityOf(claims);
    this.#known.set(token, { identity, end_ms: Number(claims.exp) * MS_PER_S }, REMEMBERED_MS);
    return this.#said(identity, audiences);
  }

  #said(identity: Identity, audiences: readonly string[]): Verified | undefined {
    const own = audiences.filter((one) => this.#own.includes(one));
    return own.length === 0 ? undefined : { identity, audiences: own };
  }

  async #claims(token: string): Promise<Claims> {
    const { decodeProtectedHeader, errors, jwtVerify } = await import("jose");
    const { url, audiences, algorithms = SIGNING_ALGORITHMS } = this.#configuration;
    try {
      const keys = await this.#keys.having(decodeProtectedHeader(token).kid);
      const { payload } = await jwtVerify(token, keys, {
        issuer: url,
        audience: [...audiences],
        algorithms: [...algorithms],
        requiredClaims: ["exp"],
        currentDate: new Date(this.#clock.now_ms()),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) throw new TokenRefused(`oidc: verify token: ${error.message}`);
      throw error;
    }
  }
}
