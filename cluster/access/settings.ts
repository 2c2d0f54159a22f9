import { readFileSync } from "node:fs";
import { readFileOf } from "../boot/configuration-files.ts";
import { BootFailure } from "../boot/failure.ts";
import type { AccessFlags, OidcFlags } from "../command-line/access-flags.ts";
import { type ApiAccess, KubeconfigFailure, readKubeconfig } from "../outbound/kubeconfig.ts";
import { REVIEW_TIMEOUT_MS } from "../outbound/review-client.ts";
import { ANYBODY } from "./authentication/anonymous.ts";
import type { AuthenticationConfiguration, JwtConfiguration } from "./authentication/jwt/configuration.ts";
import { readTokenFile, type StaticToken } from "./authentication/token-file.ts";
import type { AuthorizerSettings } from "./authorization/configuration.ts";

/** How access is decided in a cluster. Plain data: it is cloned into threads. */
export interface AccessSettings {
  /** PEM of the key that signs service account tokens. */
  readonly signingKey: string;
  /** PEM of the key that signs sessions of the console. */
  readonly consoleKey: string;
  /** Who signs them, as they say it. */
  readonly issuer: string;
  readonly staticTokens: readonly StaticToken[];
  readonly authentication: AuthenticationConfiguration;
  readonly tokenWebhook: { readonly access: ApiAccess; readonly ttl_ms: number } | undefined;
  /** Who is asked, in this order. */
  readonly authorizers: readonly AuthorizerSettings[];
}

/** Reads the files that the flags name. Throws BootFailure, which names the file and what is wrong. */
export async function readAccessSettings(
  flags: AccessFlags,
  keys: Pick<AccessSettings, "signingKey" | "consoleKey">,
): Promise<AccessSettings> {
  const { tokenWebhook } = flags;
  return {
    ...keys,
    issuer: flags.issuer,
    staticTokens: flags.tokenFile === undefined ? [] : readTokenFile(flags.tokenFile),
    authentication: await authenticationOf(flags),
    tokenWebhook:
      tokenWebhook === undefined
        ? undefined
        : { access: webhookOf("--authentication-token-webhook-config-file", tokenWebhook.file), ttl_ms: tokenWebhook.ttl_ms },
    authorizers: await authorizersOf(flags),
  };
}

async function authenticationOf({ authenticationConfig, oidc, anonymous }: AccessFlags): Promise<AuthenticationConfiguration> {
  if (authenticationConfig !== undefined) {
    // Loads the reader of expressions, which most starts do not need.
    const { readAuthenticationConfiguration } = await import("./authentication/jwt/configuration.ts");
    return readFileOf("--authentication-config", authenticationConfig, readAuthenticationConfiguration);
  }
  return {
    jwt: oidc === undefined ? [] : [issuerOf(oidc)],
    anonymous: anonymous === false ? { ...ANYBODY, enabled: false } : ANYBODY,
  };
}

async function authorizersOf({ authorizationConfig, authorizers, accessWebhook }: AccessFlags): Promise<readonly AuthorizerSettings[]> {
  if (authorizationConfig !== undefined) {
    const { readAuthorizationConfiguration } = await import("./authorization/configuration.ts");
    return readFileOf("--authorization-config", authorizationConfig, readAuthorizationConfiguration);
  }
  return authorizers.flatMap((type): readonly AuthorizerSettings[] => {
    if (type !== "Webhook") return [{ type }];
    if (accessWebhook === undefined) return [];
    const { file, allowed_ms, refused_ms } = accessWebhook;
    const access = webhookOf("--authorization-webhook-config-file", file);
    const rest = { timeout_ms: REVIEW_TIMEOUT_MS, version: "v1", onFailure: "NoOpinion", conditions: [] } as const;
    return [{ type, webhook: { access, allowed_ms, refused_ms, ...rest } }];
  });
}

/** Source: kube-apiserver's oidc flags, pkg/kubeapiserver/options/authentication.go. */
function issuerOf(flags: OidcFlags): JwtConfiguration {
  const { issuerUrl, clientId, usernameClaim, usernamePrefix, groupsClaim, groupsPrefix, caFile, requiredClaims, algorithms } = flags;
  // But for addresses, what one issuer calls somebody is not to be mistaken for what another does; "-" says that it may.
  const prefix = usernamePrefix ?? (usernameClaim === "email" ? "" : `${issuerUrl}#`);
  return {
    url: issuerUrl,
    discoveryUrl: undefined,
    authority: caFile === undefined ? undefined : textOf("--oidc-ca-file", caFile),
    audiences: [clientId],
    requiredClaims,
    claimRules: [],
    userRules: [],
    username: { claim: usernameClaim, prefix: prefix === "-" ? "" : prefix },
    groups: groupsClaim === undefined ? undefined : { claim: groupsClaim, prefix: groupsPrefix },
    uid: undefined,
    extra: [],
    algorithms,
  };
}

function webhookOf(flag: string, file: string): ApiAccess {
  try {
    return readKubeconfig(file);
  } catch (error) {
    if (!(error instanceof KubeconfigFailure)) throw error;
    throw new BootFailure(`${flag}: ${error.message}`);
  }
}

function textOf(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new BootFailure(`cannot read ${flag} ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
}
