import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { INVALID_SINCE } from "../../../actors/controllers/accounts/legacy-tokens.ts";
import type { Secret } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Clock } from "../../../runtime/mod.ts";
import type { Identity } from "../identity.ts";
import { AUTHENTICATED, serviceAccountGroups, serviceAccountUser } from "../identity.ts";
import type { SigningKey } from "./signing-key.ts";
import { TOKEN_ALGORITHM } from "./signing-key.ts";
import type { TokenAuthenticator, Verified } from "./tokens.ts";
import { issuerOf, TokenRefused } from "./tokens.ts";

/** Tokens whose signature was checked and is remembered: the check costs more than the rest of a small request. */
const VERIFIED_MAX = 4_096;
/** What is being deleted counts for so long as it may take clocks and caches to agree. Source: jwt.DefaultLeeway. */
const LEEWAY_MS = 60_000;

/** An object that a token dies with. */
export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

/** What a service account token says beside its times. */
export interface TokenContent {
  readonly namespace: string;
  readonly serviceAccount: BoundObject;
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
}

/** What is private in Kubernetes' tokens. Source: pkg/serviceaccount/claims.go. */
interface Claims extends JWTPayload {
  readonly "kubernetes.io"?: {
    readonly namespace?: string;
    readonly serviceaccount?: BoundObject;
    readonly pod?: BoundObject;
    readonly secret?: BoundObject;
    readonly node?: BoundObject;
  };
  /** Those of tokens that live in secrets. */
  readonly "kubernetes.io/serviceaccount/namespace"?: string;
  readonly "kubernetes.io/serviceaccount/secret.name"?: string;
  readonly "kubernetes.io/serviceaccount/service-account.name"?: string;
  readonly "kubernetes.io/serviceaccount/service-account.uid"?: string;
}

/** The issuer of tokens that live in secrets. Source: serviceaccount.LegacyIssuer. */
export const LEGACY_ISSUER = "kubernetes/serviceaccount";

export interface ServiceAccountTokensOptions {
  readonly key: SigningKey;
  /** Who says so: the `iss` of tokens. */
  readonly issuer: string;
  readonly clock: Clock;
}

/** Makes tokens. */
export class TokenIssuer {
  readonly #options: ServiceAccountTokensOptions;

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  /** A token for these audiences, from now for so many seconds. */
  async issue(content: TokenContent, audiences: readonly string[], seconds: number): Promise<{ token: string; expires_ms: number }> {
    const now_s = Math.floor(this.#options.clock.now_ms() / 1_000);
    const { namespace, serviceAccount, ...bound } = content;
    const claims = {
      aud: [...audiences],
      exp: now_s + seconds,
      iat: now_s,
      iss: this.#options.issuer,
      jti: randomUUID(),
      "kubernetes.io": { namespace, ...bound, serviceaccount: serviceAccount },
      nbf: now_s,
      sub: serviceAccountUser(namespace, serviceAccount.name),
    };
    return { token: await this.#sign(claims), expires_ms: (now_s + seconds) * 1_000 };
  }

  /** A token that never ends but with its secret. */
  issueForSecret(namespace: string, secret: string, account: BoundObject): Promise<string> {
    return this.#sign({
      iss: LEGACY_ISSUER,
      "kubernetes.io/serviceaccount/namespace": namespace,
      "kubernetes.io/serviceaccount/secret.name": secret,
      "kubernetes.io/serviceaccount/service-account.name": account.name,
      "kubernetes.io/serviceaccount/service-account.uid": account.uid,
      sub: serviceAccountUser(namespace, account.name),
    });
  }

  /** The public keys that tokens are checked with (RFC 7517). */
  async publicKeys(): Promise<object> {
    const { exportJWK } = await import("jose");
    const { key } = this.#options;
    return { keys: [{ use: "sig", ...(await exportJWK(key.publicKey)), kid: key.id, alg: TOKEN_ALGORITHM }] };
  }

  async #sign(claims: JWTPayload): Promise<string> {
    // Only who signs or checks a token pays for the library.
    const { SignJWT } = await import("jose");
    const { key } = this.#options;
    return new SignJWT(claims).setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: key.id }).sign(key.privateKey);
  }
}

/** A token whose signature is right. Its objects are looked up again each time, since they may have gone. */
interface Checked {
  /** As the secret has it that it lives in; undefined where it lives in none. */
  readonly copy: string | undefined;
  readonly claims: Claims;
  readonly content: TokenContent;
  readonly identity: Identity;
}

/**
 * Checks service account tokens. It promises: signed by the one key with the one algorithm, of our issuer, for an audience that was asked for, in its time,
 * and everything that it is bound to is there and the same. Source: pkg/serviceaccount of Kubernetes 1.34.
 */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  readonly #view: View;
  readonly #catchUp: () => Promise<void>;
  readonly #used: (secret: Secret) => void;
  readonly #checked = new Map<string, Checked>();

  /** `catchUp` resolves when the view shows all that was committed before. `used` is told of each use of a token that lives in a secret. */
  constructor(options: ServiceAccountTokensOptions, view: View, catchUp: () => Promise<void>, used: (secret: Secret) => void) {
    this.#options = options;
    this.#view = view;
    this.#catchUp = catchUp;
    this.#used = used;
  }

  verify(token: string, audiences: readonly string[]): Verified | undefined | Promise<Verified | undefined> {
    const known = this.#checked.get(token);
    return known === undefined ? this.#verifyAnew(token, audiences) : this.#validate(known, audiences);
  }

  async #verifyAnew(token: string, audiences: readonly string[]): Promise<Verified | undefined> {
    if (!this.#isOfOurs(token)) return undefined;
    const checked = await this.#check(token);
    try {
      const verified = this.#validate(checked, audiences);
      this.#remember(token, checked);
      return verified;
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
    }
    // What it is bound to may have been made somewhere else a moment ago.
    await this.#catchUp();
    const verified = this.#validate(checked, audiences);
    this.#remember(token, checked);
    return verified;
  }

  /** Whether it says to be of our issuers; who checks tokens of others is asked next. */
  #isOfOurs(token: string): boolean {
    const issuer = issuerOf(token);
    return issuer === this.#options.issuer || issuer === LEGACY_ISSUER;
  }

  async #check(token: string): Promise<Checked> {
    const { compactVerify, errors } = await import("jose");
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, this.#options.key.publicKey, { algorithms: [TOKEN_ALGORITHM] }));
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new TokenRefused("invalid bearer token");
      throw error;
    }
    const claims = JSON.parse(Buffer.from(payload).toString()) as Claims;
    const content = contentOf(claims);
    if (content === undefined)
      throw new TokenRefused("service account token claims could not be validated due to unexpected private claim");
    const copy = claims.iss === LEGACY_ISSUER ? Buffer.from(token).toString("base64") : undefined;
    return { copy, claims, content, identity: identityOf(content, claims.jti) };
  }

  #remember(token: string, checked: Checked): void {
    if (this.#checked.size >= VERIFIED_MAX) {
      const [oldest] = this.#checked.keys();
      if (oldest !== undefined) this.#checked.delete(oldest);
    }
    this.#checked.set(token, checked);
  }

  #validate({ copy, claims, content, identity }: Checked, wanted: readonly string[]): Verified {
    const { aud } = claims;
    const own = aud === undefined ? [this.#options.issuer] : typeof aud === "string" ? [aud] : aud;
    const audiences = own.filter((one) => wanted.includes(one));
    if (audiences.length === 0)
      throw new TokenRefused(`token audiences ${listed(own)} is invalid for the target audiences ${listed(wanted)}`);
    const now_ms = this.#options.clock.now_ms();
    if (claims.exp !== undefined && now_ms >= claims.exp * 1_000) throw new TokenRefused("service account token has expired");
    if (claims.nbf !== undefined && now_ms + LEEWAY_MS < claims.nbf * 1_000)
      throw new TokenRefused("service account token is not valid yet");
    this.#findBound(content, now_ms);
    if (copy !== undefined) this.#use(content, copy);
    return { identity, audiences };
  }

  /** Of a token that lives in a secret: it counts as used, too, where it is refused because nobody had used it. */
  #use({ namespace, serviceAccount, secret }: TokenContent, copy: string): void {
    const home = this.#view.get<Secret>(`secrets/${namespace}/${secret?.name}`);
    if (home?.data?.token !== copy) throw new TokenRefused("token does not match server's copy");
    this.#used(home);
    if (home.metadata.labels?.[INVALID_SINCE])
      throw new TokenRefused(
        `the token in secret ${namespace}/${home.metadata.name} for service account ${namespace}/${serviceAccount.name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`,
      );
  }

  #findBound({ namespace, serviceAccount, pod, secret, node }: TokenContent, now_ms: number): void {
    const account = this.#view.get(`serviceaccounts/${namespace}/${serviceAccount.name}`);
    if (account === undefined) throw new TokenRefused(`serviceaccounts ${JSON.stringify(serviceAccount.name)} not found`);
    if (isGoing(account, now_ms)) throw new TokenRefused(`service account ${namespace}/${serviceAccount.name} has been deleted`);
    if (account.metadata.uid !== serviceAccount.uid)
      throw new TokenRefused(`service account UID (${account.metadata.uid}) does not match claim (${serviceAccount.uid})`);
    this.#findOne(`secrets/${namespace}`, "secret", secret, now_ms);
    this.#findOne(`pods/${namespace}`, "pod", pod, now_ms);
    // A pod's node is told, not asked for: the pod dies with it.
    if (pod === undefined) this.#findOne("nodes", "node", node, now_ms);
  }

  #findOne(place: string, what: "secret" | "pod" | "node", bound: BoundObject | undefined, now_ms: number): void {
    if (bound === undefined) return;
    const found = this.#view.get(`${place}/${bound.name}`);
    if (found === undefined || isGoing(found, now_ms)) throw new TokenRefused("service account token has been invalidated");
    if (bound.uid !== "" && found.metadata.uid !== bound.uid)
      throw new TokenRefused(`${what} UID (${found.metadata.uid}) does not match service account ${what} ref claim (${bound.uid})`);
  }
}

function isGoing({ metadata }: KubeObject, now_ms: number): boolean {
  return metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) + LEEWAY_MS < now_ms;
}

/** Undefined when the claims do not say whose token it is. */
function contentOf(claims: Claims): TokenContent | undefined {
  if (claims.iss === LEGACY_ISSUER) {
    const namespace = claims["kubernetes.io/serviceaccount/namespace"];
    const secret = claims["kubernetes.io/serviceaccount/secret.name"];
    const name = claims["kubernetes.io/serviceaccount/service-account.name"];
    const uid = claims["kubernetes.io/serviceaccount/service-account.uid"];
    if (!namespace || !secret || !name || !uid || claims.sub !== serviceAccountUser(namespace, name)) return undefined;
    return { namespace, serviceAccount: { name, uid }, secret: { name: secret, uid: "" } };
  }
  const { namespace, serviceaccount, pod, secret, node } = claims["kubernetes.io"] ?? {};
  // Without an end, or for nobody, is how a token of ours never was.
  if (!namespace || !serviceaccount?.name || !serviceaccount.uid || claims.exp === undefined || claims.aud === undefined) return undefined;
  if (claims.sub !== serviceAccountUser(namespace, serviceaccount.name)) return undefined;
  return {
    namespace,
    serviceAccount: serviceaccount,
    ...(pod === undefined ? {} : { pod }),
    ...(secret === undefined ? {} : { secret }),
    ...(node === undefined ? {} : { node }),
  };
}

/** Source: serviceaccount.ServiceAccountInfo.UserInfo. */
function identityOf({ namespace, serviceAccount, pod, node }: TokenContent, jti: string | undefined): Identity {
  const told = "authentication.kubernetes.io";
  const extra = {
    ...(jti === undefined ? {} : { [`${told}/credential-id`]: [`JTI=${jti}`] }),
    ...(node === undefined ? {} : { [`${told}/node-name`]: [node.name], [`${told}/node-uid`]: [node.uid] }),
    ...(pod === undefined ? {} : { [`${told}/pod-name`]: [pod.name], [`${told}/pod-uid`]: [pod.uid] }),
  };
  return {
    user: serviceAccountUser(namespace, serviceAccount.name),
    uid: serviceAccount.uid,
    groups: [...serviceAccountGroups(namespace), AUTHENTICATED],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function listed(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}
