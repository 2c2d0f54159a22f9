import type { Secret } from "../../kinds/generated/types.ts";
import type { View } from "../../store/view.ts";

export const SECRETS = "secrets";
const NAMESPACE = "kube-system";
const TYPE = "bootstrap.kubernetes.io/token";
const PREFIX = "bootstrap-token-";

/** A token by which a machine that has nothing else may ask to become a node. */
export interface BootstrapToken {
  readonly secret: Secret;
  readonly id: string;
  /** Its second half, which is told to nobody. */
  readonly value: string;
  /** Whether the cluster's description may be signed with it. */
  readonly signs: boolean;
  /** Infinity: it does not expire. What cannot be read has expired: -Infinity. */
  readonly expires_ms: number;
}

/** The token in this secret; undefined where there is none. Source: pkg/controller/bootstrap/util.go. */
export function bootstrapTokenOf(secret: Secret | undefined): BootstrapToken | undefined {
  if (secret?.type !== TYPE || secret.metadata.namespace !== NAMESPACE) return undefined;
  const of = (name: string): string => Buffer.from(secret.data?.[name] ?? "", "base64").toString();
  const expiration = of("expiration");
  const expires_ms = expiration === "" ? Number.POSITIVE_INFINITY : Date.parse(expiration);
  return {
    secret,
    id: of("token-id"),
    value: of("token-secret"),
    signs: of("usage-bootstrap-signing") === "true",
    expires_ms: Number.isNaN(expires_ms) ? Number.NEGATIVE_INFINITY : expires_ms,
  };
}

/** Whether the secret is called as its token is, and both halves of that are there. */
export function isWellNamed({ secret, id, value }: BootstrapToken): boolean {
  return id !== "" && value !== "" && secret.metadata.name === `${PREFIX}${id}`;
}

export function bootstrapTokens(view: View): readonly BootstrapToken[] {
  return view
    .list(SECRETS, NAMESPACE)
    .filter(({ key }) => key.startsWith(`${SECRETS}/${NAMESPACE}/${PREFIX}`))
    .flatMap((entry) => bootstrapTokenOf(view.decode<Secret>(entry)) ?? []);
}

/** Whether this is the key of a secret that may hold one. */
export function mayBeBootstrapToken(key: string): boolean {
  return key.startsWith(`${SECRETS}/${NAMESPACE}/`);
}
