import type { View } from "../../actors/store/view.ts";
import type { Clock } from "../../runtime/mod.ts";
import type { Authenticator } from "./authentication/authenticator.ts";
import { createAuthenticator } from "./authentication/authenticator.ts";
import { bootstrapTokens } from "./authentication/bootstrap-tokens.ts";
import { Impersonation } from "./authentication/impersonation.ts";
import { ServiceAccountTokens, TokenIssuer } from "./authentication/service-account-tokens.ts";
import { readSigningKey } from "./authentication/signing-key.ts";
import type { StaticToken } from "./authentication/token-file.ts";
import { staticTokens } from "./authentication/token-file.ts";
import type { TokenAuthenticator } from "./authentication/tokens.ts";
import { anyToken } from "./authentication/tokens.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { ALWAYS_ALLOW, anyOf, MASTERS_ONLY } from "./authorization/authorizer.ts";
import { followRoles } from "./authorization/follow-roles.ts";
import { NodeAuthorizer } from "./authorization/node-authorizer.ts";
import type { RoleIndex } from "./authorization/role-index.ts";

/** How access is decided in a cluster. Plain data: it is cloned into threads. */
export interface AccessSettings {
  /** PEM of the key that signs service account tokens. */
  readonly signingKey: string;
  /** Who signs them, as they say it: `--service-account-issuer`. */
  readonly issuer: string;
  readonly staticTokens: readonly StaticToken[];
  readonly mode: "RBAC" | "AlwaysAllow";
}

/** Who somebody is, and what they may do: all that the doors of a host ask. */
export interface Access {
  readonly authenticator: Authenticator;
  readonly impersonation: Impersonation;
  readonly authorizer: Authorizer;
  /** For who decides about roles themselves. */
  readonly roles: RoleIndex;
  readonly tokens: TokenAuthenticator;
  readonly issuer: TokenIssuer;
  /** Whom a token is for when nobody says it: the API itself. */
  readonly audiences: readonly string[];
  /** Resolves when what is decided by is as new as the store. */
  newest(): Promise<void>;
  stop(): void;
}

/** `newest` resolves when the view shows all that was committed before. */
export function createAccess(settings: AccessSettings, view: View, clock: Clock, newest: () => Promise<void>): Access {
  const { issuer, mode } = settings;
  const signing = { key: readSigningKey(settings.signingKey), issuer, clock };
  const audiences = [issuer];
  const tokens = anyToken([
    staticTokens(settings.staticTokens),
    new ServiceAccountTokens(signing, view, newest),
    bootstrapTokens(view, clock),
  ]);
  const roles = followRoles(view);
  const authorizer = mode === "AlwaysAllow" ? ALWAYS_ALLOW : anyOf([MASTERS_ONLY, new NodeAuthorizer(view), roles]);
  return {
    authenticator: createAuthenticator({ clock, tokens, audiences }),
    impersonation: new Impersonation(authorizer),
    authorizer,
    roles,
    tokens,
    issuer: new TokenIssuer(signing),
    audiences,
    newest,
    stop: () => roles.cancel(),
  };
}
