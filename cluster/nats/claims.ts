import { randomUUID } from "node:crypto";
import type { KeyPair } from "nkeys.js";

/**
 * NATS' JSON web tokens, version 2 (github.com/nats-io/jwt): who has an operator's key says which accounts there are, who has an account's says who its users
 * are. The signature is an nkey's, which libraries for JOSE do not know, and the libraries for these tokens are no more than what stands here.
 */
const HEADER: string = part({ typ: "JWT", alg: "ed25519-nkey" });
const VERSION = 2;
const UNLIMITED = -1;

/** What a user may publish and subscribe to; absent: everything of the account. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface UserClaims {
  readonly name: string;
  /** Public nkey. */
  readonly publicKey: string;
  /** The token ends then, and the server closes the connection; absent: it does not end. */
  readonly expires_s?: number;
  readonly permissions?: Permissions;
  /** What else services are told of whoever asks, with their requests. */
  readonly tags?: readonly string[];
}

/** What an account lets another have, or takes from it. */
export interface Sharing {
  readonly name: string;
  readonly subject: string;
  readonly type: "service" | "stream";
  /** How many come to one request; default one. */
  readonly answers?: "Stream";
}

export interface AccountClaims {
  readonly name: string;
  readonly publicKey: string;
  readonly jetStream: boolean;
  readonly exports?: readonly Sharing[];
  readonly imports?: readonly (Sharing & { readonly account: string })[];
}

export function operatorToken(operator: KeyPair, name: string, systemAccount: string): string {
  return signed(operator, operator.getPublicKey(), name, { type: "operator", system_account: systemAccount });
}

export function accountToken(operator: KeyPair, { name, publicKey, jetStream, exports, imports }: AccountClaims): string {
  const limits = ["subs", "data", "payload", "imports", "exports", "conn", "leaf"].map((limit) => [limit, UNLIMITED] as const);
  const storage = ["mem_storage", "disk_storage", "streams", "consumer"].map((limit) => [limit, UNLIMITED] as const);
  return signed(operator, publicKey, name, {
    type: "account",
    limits: { ...Object.fromEntries([...limits, ...(jetStream ? storage : [])]), wildcards: true },
    default_permissions: { pub: {}, sub: {} },
    ...(exports === undefined ? {} : { exports: exports.map(exported) }),
    ...(imports === undefined ? {} : { imports: imports.map(imported) }),
  });
}

function exported({ name, subject, type, answers }: Sharing): object {
  return { name, subject, type, ...(answers === undefined ? {} : { response_type: answers }) };
}

/** Whoever answers is told who asks. */
function imported({ name, subject, type, account }: Sharing & { readonly account: string }): object {
  return { name, subject, type, account, ...(type === "service" ? { share: true } : {}) };
}

export function userToken(account: KeyPair, { name, publicKey, expires_s, permissions, tags }: UserClaims): string {
  const allow = (subjects: readonly string[] | undefined): object => {
    if (subjects === undefined) return {};
    // No list at all would be everything.
    return subjects.length === 0 ? { deny: [">"] } : { allow: subjects };
  };
  const user = {
    type: "user",
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
    pub: allow(permissions?.publish),
    sub: allow(permissions?.subscribe),
    ...(tags === undefined ? {} : { tags }),
  };
  return signed(account, publicKey, name, user, expires_s);
}

/** The text of a credentials file (`.creds`), which all clients of NATS read. */
export function credentialsText(token: string, seed: string): string {
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
}

function signed(issuer: KeyPair, subject: string, name: string, nats: object, expires_s?: number): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    name,
    ...(expires_s === undefined ? {} : { exp: expires_s }),
    nats: { ...nats, version: VERSION },
  };
  const content = `${HEADER}.${part(claims)}`;
  return `${content}.${Buffer.from(issuer.sign(Buffer.from(content))).toString("base64url")}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
