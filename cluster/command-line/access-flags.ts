import { SIGNING_ALGORITHMS } from "../access/authentication/jwt/algorithms.ts";
import { AUTHORIZERS, type AuthorizerName } from "../access/authorization/authorizer-names.ts";
import { duration_ms, WrongUsage } from "./wrong-usage.ts";

/** What `troupe up` was asked for about who may do what. The flags are kube-apiserver's. */
export interface AccessFlags {
  /** Who says so in service account tokens. */
  readonly issuer: string;
  /** A file of tokens that hold beside all others. */
  readonly tokenFile: string | undefined;
  /** A file with an AuthenticationConfiguration. */
  readonly authenticationConfig: string | undefined;
  readonly oidc: OidcFlags | undefined;
  /** Whether who shows nothing is let in as anonymous; undefined where the flag was not given. */
  readonly anonymous: boolean | undefined;
  readonly tokenWebhook: { readonly file: string; readonly ttl_ms: number } | undefined;
  /** A file with an AuthorizationConfiguration, which says what the next two would. */
  readonly authorizationConfig: string | undefined;
  /** Who is asked, in this order. */
  readonly authorizers: readonly AuthorizerName[];
  readonly accessWebhook: { readonly file: string; readonly allowed_ms: number; readonly refused_ms: number } | undefined;
}

const DEFAULT_AUTHORIZERS = "Node,RBAC";

/** One issuer of ID tokens. */
export interface OidcFlags {
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly usernameClaim: string;
  readonly usernamePrefix: string | undefined;
  readonly groupsClaim: string | undefined;
  readonly groupsPrefix: string;
  readonly caFile: string | undefined;
  readonly requiredClaims: Readonly<Record<string, string>>;
  readonly algorithms: readonly string[];
}

/**
 * A name that tells the tokens of this cluster's issuer from those of others; whoever wants other systems to trust them names a URL that these reach.
 * kube-apiserver has no default, kubeadm gives `https://kubernetes.default.svc.cluster.local`. This one is what the recordings of Kubernetes were made
 * with that the tests compare with, and the answer to a request for a token names it: a cluster that is started without flags answers as they do.
 */
const DEFAULT_ISSUER = "https://k";

type TextFlag =
  | "service-account-issuer"
  | "token-auth-file"
  | "authentication-config"
  | "anonymous-auth"
  | "oidc-issuer-url"
  | "oidc-client-id"
  | "oidc-username-claim"
  | "oidc-username-prefix"
  | "oidc-groups-claim"
  | "oidc-groups-prefix"
  | "oidc-ca-file"
  | "oidc-signing-algs"
  | "authentication-token-webhook-config-file"
  | "authentication-token-webhook-cache-ttl"
  | "authorization-config"
  | "authorization-mode"
  | "authorization-webhook-config-file"
  | "authorization-webhook-cache-authorized-ttl"
  | "authorization-webhook-cache-unauthorized-ttl";

type AccessOptions = Readonly<Record<TextFlag, { readonly type: "string"; readonly default?: string }>> & {
  readonly "oidc-required-claim": { readonly type: "string"; readonly multiple: true };
};

/** For parseArgs. */
export const ACCESS_OPTIONS: AccessOptions = {
  "service-account-issuer": { type: "string", default: DEFAULT_ISSUER },
  "token-auth-file": { type: "string" },
  "authentication-config": { type: "string" },
  "anonymous-auth": { type: "string" },
  "oidc-issuer-url": { type: "string" },
  "oidc-client-id": { type: "string" },
  "oidc-username-claim": { type: "string" },
  "oidc-username-prefix": { type: "string" },
  "oidc-groups-claim": { type: "string" },
  "oidc-groups-prefix": { type: "string" },
  "oidc-ca-file": { type: "string" },
  "oidc-required-claim": { type: "string", multiple: true },
  "oidc-signing-algs": { type: "string" },
  "authentication-token-webhook-config-file": { type: "string" },
  "authentication-token-webhook-cache-ttl": { type: "string", default: "2m" },
  "authorization-config": { type: "string" },
  "authorization-mode": { type: "string" },
  "authorization-webhook-config-file": { type: "string" },
  "authorization-webhook-cache-authorized-ttl": { type: "string", default: "5m" },
  "authorization-webhook-cache-unauthorized-ttl": { type: "string", default: "30s" },
};

type Values = { readonly [Name in TextFlag]?: string } & { readonly "oidc-required-claim"?: readonly string[] };

/** Reads what parseArgs found. Throws WrongUsage. */
export function accessFlags(values: Values): AccessFlags {
  const accessFile = values["authorization-webhook-config-file"];
  const authorizationConfig = values["authorization-config"];
  if (authorizationConfig !== undefined && (values["authorization-mode"] !== undefined || accessFile !== undefined))
    throw new WrongUsage(
      "--authorization-config says what --authorization-mode and --authorization-webhook-... would say; give the one or the others",
    );
  const authorizers = authorizersOf(values["authorization-mode"] ?? DEFAULT_AUTHORIZERS);
  if (authorizers.includes("Webhook") !== (accessFile !== undefined))
    throw new WrongUsage("--authorization-mode Webhook and --authorization-webhook-config-file FILE go together");
  const oidc = oidcOf(values);
  const authenticationConfig = values["authentication-config"];
  const anonymous = yesOrNo("--anonymous-auth", values["anonymous-auth"]);
  if (authenticationConfig !== undefined && (oidc !== undefined || anonymous !== undefined))
    throw new WrongUsage("--authentication-config says what --oidc-... and --anonymous-auth would say; give the one or the others");
  const tokenFile = values["authentication-token-webhook-config-file"];
  return {
    issuer: issuerUrl(values["service-account-issuer"] ?? ""),
    tokenFile: values["token-auth-file"],
    authenticationConfig,
    oidc,
    anonymous,
    tokenWebhook:
      tokenFile === undefined
        ? undefined
        : {
            file: tokenFile,
            ttl_ms: duration_ms("--authentication-token-webhook-cache-ttl", values["authentication-token-webhook-cache-ttl"] ?? ""),
          },
    authorizationConfig,
    authorizers,
    accessWebhook:
      accessFile === undefined
        ? undefined
        : {
            file: accessFile,
            allowed_ms: duration_ms(
              "--authorization-webhook-cache-authorized-ttl",
              values["authorization-webhook-cache-authorized-ttl"] ?? "",
            ),
            refused_ms: duration_ms(
              "--authorization-webhook-cache-unauthorized-ttl",
              values["authorization-webhook-cache-unauthorized-ttl"] ?? "",
            ),
          },
  };
}

/** OpenID Connect wants a URL of https; only relying parties ever call it. */
function issuerUrl(value: string): string {
  if (isHttps(value)) return value;
  throw new WrongUsage(`--service-account-issuer ${value} is not a URL such as https://kubernetes.default.svc`);
}

function isHttps(value: string): boolean {
  return URL.canParse(value) && new URL(value).protocol === "https:";
}

function authorizersOf(value: string): readonly AuthorizerName[] {
  const names = value.split(",").map((name) => {
    const known = AUTHORIZERS.find((each) => each === name);
    if (known === undefined) throw new WrongUsage(`--authorization-mode ${value}: ${name} is none of ${AUTHORIZERS.join(", ")}`);
    return known;
  });
  if (new Set(names).size < names.length) throw new WrongUsage(`--authorization-mode ${value} names one of them twice`);
  return names;
}

function oidcOf(values: Values): OidcFlags | undefined {
  const issuerUrl = values["oidc-issuer-url"];
  const clientId = values["oidc-client-id"];
  if (issuerUrl === undefined && clientId === undefined) {
    const alone = Object.keys(values).find((name) => name.startsWith("oidc-"));
    if (alone !== undefined) throw new WrongUsage(`--${alone} needs --oidc-issuer-url and --oidc-client-id`);
    return undefined;
  }
  if (issuerUrl === undefined || clientId === undefined) throw new WrongUsage("--oidc-issuer-url and --oidc-client-id go together");
  if (!isHttps(issuerUrl)) throw new WrongUsage(`--oidc-issuer-url ${issuerUrl} is not a URL of https`);
  const algorithms = (values["oidc-signing-algs"] ?? "RS256").split(",");
  const unknown = algorithms.find((name) => !SIGNING_ALGORITHMS.includes(name));
  if (unknown !== undefined) throw new WrongUsage(`--oidc-signing-algs: ${unknown} is none of ${SIGNING_ALGORITHMS.join(", ")}`);
  const required = (values["oidc-required-claim"] ?? []).map((pair): [string, string] => {
    const equals = pair.indexOf("=");
    if (equals < 1) throw new WrongUsage(`--oidc-required-claim ${pair} is not claim=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return {
    issuerUrl,
    clientId,
    usernameClaim: values["oidc-username-claim"] ?? "sub",
    usernamePrefix: values["oidc-username-prefix"],
    groupsClaim: values["oidc-groups-claim"],
    groupsPrefix: values["oidc-groups-prefix"] ?? "",
    caFile: values["oidc-ca-file"],
    requiredClaims: Object.fromEntries(required),
    algorithms,
  };
}

function yesOrNo(flag: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === "true" || value === "false") return value === "true";
  throw new WrongUsage(`${flag} ${value} is neither true nor false`);
}
