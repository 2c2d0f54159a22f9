import { createHash, randomInt } from "node:crypto";
import { WrongUsage } from "../command-line/wrong-usage.ts";
import { NODE_TOKEN_GROUP } from "./objects.ts";

/** A bootstrap token: `abcdef.0123456789abcdef`. */
export interface JoinToken {
  /** What may be known. */
  readonly id: string;
  readonly secret: string;
}

const ID_CHARS = 6;
const SECRET_CHARS = 16;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

export const TOKEN_TTL_MS: number = 24 * 3_600_000;

export function newToken(): JoinToken {
  const chars = (count: number): string => Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return { id: chars(ID_CHARS), secret: chars(SECRET_CHARS) };
}

/** Throws WrongUsage. */
export function parseToken(text: string): JoinToken {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  // It is not repeated: it may be one with a slip.
  if (id === undefined || secret === undefined) throw new WrongUsage("the token is none such as abcdef.0123456789abcdef");
  return { id, secret };
}

export function tokenText({ id, secret }: JoinToken): string {
  return `${id}.${secret}`;
}

export interface TokenUse {
  /** Undefined: it does not end. */
  readonly expires_ms: number | undefined;
  readonly description: string | undefined;
  readonly groups: readonly string[];
}

/** What a token is good for where nothing else is said. */
export const TOKEN_GROUPS: readonly string[] = [NODE_TOKEN_GROUP];

export const SECRETS_PATH = "/api/v1/namespaces/kube-system/secrets";

export function secretName({ id }: Pick<JoinToken, "id">): string {
  return `bootstrap-token-${id}`;
}

/** Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
export function secretOf(token: JoinToken, { expires_ms, description, groups }: TokenUse): object {
  return {
    metadata: { name: secretName(token) },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": token.id,
      "token-secret": token.secret,
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": groups.join(","),
      ...(expires_ms === undefined ? {} : { expiration: new Date(expires_ms).toISOString().replace(/\.\d+Z$/, "Z") }),
      ...(description === undefined ? {} : { description }),
    },
  };
}

/** By which a machine that joins knows the authority: the SHA-256 of its public key. Source: kubeadm's pubkeypin. */
export function authorityHash(publicKey: Buffer): string {
  return `sha256:${createHash("sha256").update(publicKey).digest("hex")}`;
}
