import type { Registry } from "../../actors/registry/registry.ts";
import type { View } from "../../actors/store/view.ts";
import type { Clock, Logger } from "../../runtime/mod.ts";
import type { Dialer } from "../outbound/dialer.ts";
import { ReviewClient } from "../outbound/review-client.ts";
import type { Authenticator } from "./authentication/authenticator.ts";
import { createAuthenticator } from "./authentication/authenticator.ts";
import { bootstrapTokens } from "./authentication/bootstrap-tokens.ts";
import { ConsoleSessions } from "./authentication/console-sessions.ts";
import { Impersonation } from "./authentication/impersonation.ts";
import { IssuedTokens } from "./authentication/jwt/issued-tokens.ts";
import { LegacyTokenUse } from "./authentication/legacy-token-use.ts";
import { ServiceAccountTokens, TokenIssuer } from "./authentication/service-account-tokens.ts";
import { readSigningKey } from "./authentication/signing-key.ts";
import { staticTokens } from "./authentication/token-file.ts";
import { TokenWebhook } from "./authentication/token-webhook.ts";
import type { TokenAuthenticator } from "./authentication/tokens.ts";
import { anyToken } from "./authentication/tokens.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { ALWAYS_ALLOW, ALWAYS_DENY, anyOf, MASTERS_ONLY } from "./authorization/authorizer.ts";
import type { AuthorizerSettings } from "./authorization/configuration.ts";
import { followRoles } from "./authorization/follow-roles.ts";
import { NodeAuthorizer } from "./authorization/node-authorizer.ts";
import type { RoleIndex } from "./authorization/role-index.ts";
import { WebhookAuthorizer } from "./authorization/webhook-authorizer.ts";
import type { AccessSettings } from "./settings.ts";

/** Who somebody is, and what they may do: all that the doors of a host ask. */
export interface Access {
  readonly authenticator: Authenticator;
  readonly impersonation: Impersonation;
  readonly authorizer: Authorizer;
  /** For who decides about roles themselves. */
  readonly roles: RoleIndex;
  readonly tokens: TokenAuthenticator;
  readonly issuer: TokenIssuer;
  readonly consoleSessions: ConsoleSessions;
  /** Whom a token is for when nobody says it: the API itself. */
  readonly audiences: readonly string[];
  /** Resolves when what is decided by is as new as the store. */
  newest(): Promise<void>;
  stop(): void;
}

export interface AccessOptions {
  readonly settings: AccessSettings;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reaches those outside who are asked. */
  readonly dialer: Dialer;
  /** Resolves when the view shows all that was committed before. */
  readonly newest: () => Promise<void>;
  /** What is written of the use of tokens is written through it. Asked when there is something. */
  readonly registry: () => Pick<Registry, "modify">;
}

export function createAccess({ settings, view, clock, log, dialer, newest, registry }: AccessOptions): Access {
  const { issuer, tokenWebhook } = settings;
  const signing = { key: readSigningKey(settings.signingKey), issuer, clock };
  const audiences = [issuer];
  const consoleSessions = new ConsoleSessions({ key: readSigningKey(settings.consoleKey), clock, audiences });
  const use = new LegacyTokenUse(registry, clock, log);
  const tokens = anyToken([
    staticTokens(settings.staticTokens),
    new ServiceAccountTokens(signing, view, newest, (secret) => use.used(secret)),
    bootstrapTokens(view, clock),
    consoleSessions,
    ...settings.authentication.jwt.map((each) => new IssuedTokens(each, audiences, dialer, clock)),
    ...(tokenWebhook === undefined
      ? []
      : [new TokenWebhook({ client: new ReviewClient(tokenWebhook.access, dialer, clock), clock, log, ttl_ms: tokenWebhook.ttl_ms })]),
  ]);
  const roles = followRoles(view);
  const authorizerOf = (wanted: AuthorizerSettings): Authorizer => {
    switch (wanted.type) {
      case "Node":
        return new NodeAuthorizer(view);
      case "RBAC":
        return roles;
      case "AlwaysAllow":
        return ALWAYS_ALLOW;
      case "AlwaysDeny":
        return ALWAYS_DENY;
      case "Webhook": {
        const { access, ...own } = wanted.webhook;
        return new WebhookAuthorizer({ client: new ReviewClient(access, dialer, clock, own.timeout_ms), clock, log, settings: own });
      }
    }
  };
  const authorizer = anyOf([MASTERS_ONLY, ...settings.authorizers.map(authorizerOf)]);
  return {
    authenticator: createAuthenticator({ clock, tokens, audiences, anonymous: settings.authentication.anonymous }),
    impersonation: new Impersonation(authorizer),
    authorizer,
    roles,
    tokens,
    issuer: new TokenIssuer(signing),
    consoleSessions,
    audiences,
    newest,
    stop: () => roles.cancel(),
  };
}
