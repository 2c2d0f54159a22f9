import { fromPublic } from "nkeys.js";
import { badRequest } from "../../actors/kinds/errors.ts";
import { timestamp } from "../../actors/registry/timestamps.ts";
import type { Access } from "../access/access.ts";
import { onResource } from "../access/authorization/attributes.ts";
import type { Identity } from "../access/identity.ts";
import type { NatsAccounts } from "./accounts.ts";
import { inboxPrefix, permissionsOf } from "./subjects.ts";

/** The cluster's own NATS server, as those find it who are given credentials. */
export interface NatsDoor {
  readonly accounts: NatsAccounts;
  readonly servers: readonly string[];
  /** The authority of its certificate, PEM; absent: it has none. */
  readonly ca: string | undefined;
}

/** What is asked for: that this key, whose other half stays with whoever asks, is theirs for so long. */
export interface CredentialsRequest {
  readonly publicKey: string;
  readonly expirationSeconds: number;
}

/** What comes back. With the key's other half it is what NATS calls credentials. */
export interface NatsCredentials {
  readonly kind: "NatsCredentials";
  readonly apiVersion: "troupe.dev/v1";
  readonly user: string;
  readonly servers: readonly string[];
  readonly certificateAuthority?: string;
  readonly jwt: string;
  readonly expirationTimestamp: string;
  /** Where answers come. */
  readonly inboxPrefix: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Until then what somebody may hear does not follow their roles; what they ask is decided anew each time. */
const LIFE_S = { min: 60, max: 86_400, default: 3_600 } as const;
/** Of a token, which a client sends as it connects. */
const TOKEN_CHARS_MAX = 192 * 1024;

/** Reads what was sent. Throws 400. */
export function readCredentialsRequest(body: unknown): CredentialsRequest {
  const { publicKey, expirationSeconds = LIFE_S.default } = (typeof body === "object" && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  if (typeof expirationSeconds !== "number" || !(expirationSeconds >= LIFE_S.min && expirationSeconds <= LIFE_S.max))
    throw badRequest(`expirationSeconds is no number from ${LIFE_S.min} to ${LIFE_S.max}`);
  return { publicKey: userKeyOf(publicKey), expirationSeconds: Math.floor(expirationSeconds) };
}

/** The public nkey of a user. Throws 400. */
export function userKeyOf(value: unknown): string {
  try {
    if (typeof value === "string" && value.startsWith("U")) return fromPublic(value).getPublicKey();
  } catch {
    // Said below.
  }
  throw badRequest("publicKey is no public nkey of a user such as UA...");
}

/** Credentials by which somebody says and hears over NATS what their roles allow, and nothing else. Throws 400. */
export async function issueCredentials(
  door: NatsDoor,
  access: Access,
  identity: Identity,
  { publicKey, expirationSeconds }: CredentialsRequest,
  now_ms: number,
): Promise<NatsCredentials> {
  await access.newest();
  const anything = onResource({ verb: "*", group: "*", resource: "*" });
  const everything = (await access.authorizer.authorize(identity, anything)).allowed;
  const permissions = permissionsOf(access.roles.allRulesFor(identity), everything, publicKey);
  const expires_s = Math.floor(now_ms / 1_000) + expirationSeconds;
  const jwt = door.accounts.certify("clients", { name: identity.user, publicKey, expires_s, permissions, tags: tagsOf(identity) });
  if (jwt.length > TOKEN_CHARS_MAX)
    throw badRequest(`the rules of ${identity.user} are more than credentials hold: bind fewer roles, or a role of wider rules`);
  return {
    kind: "NatsCredentials",
    apiVersion: "troupe.dev/v1",
    user: identity.user,
    servers: door.servers,
    ...(door.ca === undefined ? {} : { certificateAuthority: door.ca }),
    jwt,
    expirationTimestamp: timestamp(expires_s * 1_000),
    inboxPrefix: inboxPrefix(publicKey),
    ...permissions,
  };
}

const [UID, GROUP, EXTRA] = ["uid:", "group:", "extra:"] as const;

/** What the service behind a subject is told of who asks. */
function tagsOf({ uid, groups, extra = {} }: Identity): readonly string[] {
  return [
    ...(uid === undefined ? [] : [`${UID}${uid}`]),
    ...groups.map((group) => `${GROUP}${group}`),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => `${EXTRA}${JSON.stringify([key, value])}`)),
  ];
}

/** The header in which NATS says who asks; a client that sends one of its own does not get it through. */
export const REQUEST_INFO = "Nats-Request-Info";

/** Who asks, as credentials said it: for the service behind a subject, which decides again. */
export function identityIn(requestInfo: string): Identity {
  const { name_tag: user = "", tags = [] } = JSON.parse(requestInfo) as { readonly name_tag?: string; readonly tags?: readonly string[] };
  const after = (prefix: string): readonly string[] => tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length));
  const [uid] = after(UID);
  const extra: Record<string, string[]> = {};
  for (const text of after(EXTRA)) {
    const [key, value] = JSON.parse(text) as [string, string];
    extra[key] = [...(extra[key] ?? []), value];
  }
  return {
    user,
    groups: after(GROUP),
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
