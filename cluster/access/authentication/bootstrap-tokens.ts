import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../../actors/kinds/generated/types.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Clock } from "../../../runtime/mod.ts";
import { AUTHENTICATED } from "../identity.ts";
import type { TokenAuthenticator } from "./tokens.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const BOOTSTRAPPERS = "system:bootstrappers";
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const SECRET_TYPE = "bootstrap.kubernetes.io/token";

/**
 * Tokens by which a machine that has nothing else may ask to become a node: secrets of their own type in kube-system.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export function bootstrapTokens(view: View, clock: Clock): TokenAuthenticator {
  return {
    verify(token) {
      const [, id, secret] = TOKEN.exec(token) ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const stored = view.get<Secret>(`secrets/kube-system/bootstrap-token-${id}`);
      if (stored === undefined || stored.type !== SECRET_TYPE || stored.metadata.deletionTimestamp !== undefined) return undefined;
      const of = (name: string): string => Buffer.from(stored.data?.[name] ?? "", "base64").toString();
      if (of("token-id") !== id || !sameSecret(of("token-secret"), secret)) return undefined;
      const expiration = of("expiration");
      // What cannot be read has expired.
      if (expiration !== "" && !(Date.parse(expiration) > clock.now_ms())) return undefined;
      if (of("usage-bootstrap-authentication") !== "true") return undefined;
      const extra = of("auth-extra-groups")
        .split(",")
        .filter((group) => group !== "");
      if (!extra.every((group) => GROUP.test(group))) return undefined;
      return { identity: { user: `system:bootstrap:${id}`, groups: [BOOTSTRAPPERS, ...extra, AUTHENTICATED] } };
    },
  };
}

/** Takes as long for a secret that is nearly right as for any other. */
export function sameSecret(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
