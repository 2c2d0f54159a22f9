import { SIGNING_ALGORITHMS } from "../access/authentication/jwt/algorithms.ts";
import { AUTHORIZERS, type AuthorizerName } from "../access/authorization/authorizer-names.ts";
import type { Values } from "./flag.ts";
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

/** The names of kube-apiserver. */
export const ACCESS_FLAGS = {
  "service-account-issuer": {
    value: "URL",
    // A name that tells the tokens of this cluster's issuer from those of others; whoever wants other systems to trust them names a URL that these reach.
    // kube-apiserver has no default, kubeadm gives `https://kubernetes.default.svc.cluster.local`. This one is what the recordings of Kubernetes were made
    // with that the tests compare with, and the answer to a request for a token names it: a cluster that is started without flags answers as they do.
    default: "https://k",
    help: "who signs service account tokens, as they say it",
    section: "Who is it",
  },
  "token-auth-file": {
    value: "FILE",
    help: 'tokens that hold beside all others: token,user,uid,"group,group" a line',
    section: "Who is it",
  },
  "authentication-config": {
    value: "FILE",
    help: "an AuthenticationConfiguration: issuers of ID tokens (OpenID Connect) and who may be anonymous",
    section: "Who is it",
  },
  "anonymous-auth": {
    value: "true|false",
    choices: ["true", "false"],
    help: "whether who shows nothing is let in, as system:anonymous",
    section: "Who is it",
  },
  "oidc-issuer-url": { value: "URL", help: "the issuer of ID tokens, of https", section: "Who is it" },
  "oidc-client-id": { value: "ID", help: "for whom ID tokens are to be", section: "Who is it" },
  "oidc-username-claim": { value: "CLAIM", help: "the claim that is the user's name (sub, if not given)", section: "Who is it" },
  "oidc-username-prefix": { value: "PREFIX", help: "what stands before the name; - for nothing", section: "Who is it" },
  "oidc-groups-claim": { value: "CLAIM", help: "the claim that names the user's groups", section: "Who is it" },
  "oidc-groups-prefix": { value: "PREFIX", help: "what stands before each group", section: "Who is it" },
  "oidc-required-claim": { value: "CLAIM=VALUE", many: true, help: "a claim that ID tokens must make", section: "Who is it" },
  "oidc-signing-algs": { value: "ALG[,ALG]", help: "by which ID tokens are signed (RS256, if not given)", section: "Who is it" },
  "oidc-ca-file": { value: "FILE", help: "the authorities by which the issuer is known", section: "Who is it" },
  "authentication-token-webhook-config-file": { value: "FILE", help: "a kubeconfig of who knows other tokens", section: "Who is it" },
  "authentication-token-webhook-cache-ttl": {
    value: "D",
    default: "2m",
    help: "how long its answers hold",
    section: "Who is it",
  },
  "authorization-config": {
    value: "FILE",
    help: "an AuthorizationConfiguration: who is asked who may do what, in place of the flags below",
    section: "Who may do what",
  },
  "authorization-mode": {
    value: "MODE[,MODE]",
    help: "who is asked, in this order (Node,RBAC, if not given), also Webhook; AlwaysAllow: everybody may do everything",
    section: "Who may do what",
  },
  "authorization-webhook-config-file": { value: "FILE", help: "a kubeconfig of who else decides", section: "Who may do what" },
  "authorization-webhook-cache-authorized-ttl": {
    value: "D",
    default: "5m",
    help: "how long its yes holds",
    section: "Who may do what",
  },
  "authorization-webhook-cache-unauthorized-ttl": {
    value: "D",
    default: "30s",
    help: "how long its no holds",
    section: "Who may do what",
  },
} as const;

type AccessValues = Values<typeof ACCESS_FLAGS>;

/** What they mean. Throws WrongUsage. */
export function accessFlags(values: AccessValues): AccessFlags {
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
    issuer: issuerUrl(values["service-account-issuer"]),
    tokenFile: values["token-auth-file"],
    authenticationConfig,
    oidc,
    anonymous,
    tokenWebhook:
      tokenFile === undefined
        ? undefined
        : {
            file: tokenFile,
            ttl_ms: duration_ms("--authentication-token-webhook-cache-ttl", values["authentication-token-webhook-cache-ttl"]),
          },
    authorizationConfig,
    authorizers,
    accessWebhook:
      accessFile === undefined
        ? undefined
        : {
            file: accessFile,
            allowed_ms: duration_ms("--authorization-webhook-cache-authorized-ttl", values["authorization-webhook-cache-authorized-ttl"]),
            refused_ms: duration_ms(
              "--authorization-webhook-cache-unauthorized-ttl",
              values["authorization-webhook-cache-unauthorized-ttl"],
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

function oidcOf(values: AccessValues): OidcFlags | undefined {
  const issuerUrl = values["oidc-issuer-url"];
  const clientId = values["oidc-client-id"];
  if (issuerUrl === undefined && clientId === undefined) {
    const alone = Object.entries(values).find(([name, value]) => name.startsWith("oidc-") && value !== undefined && value.length > 0)?.[0];
    if (alone !== undefined) throw new WrongUsage(`--${alone} needs --oidc-issuer-url and --oidc-client-id`);
    return undefined;
  }
  if (issuerUrl === undefined || clientId === undefined) throw new WrongUsage("--oidc-issuer-url and --oidc-client-id go together");
  if (!isHttps(issuerUrl)) throw new WrongUsage(`--oidc-issuer-url ${issuerUrl} is not a URL of https`);
  const algorithms = (values["oidc-signing-algs"] ?? "RS256").split(",");
  const unknown = algorithms.find((name) => !SIGNING_ALGORITHMS.includes(name));
  if (unknown !== undefined) throw new WrongUsage(`--oidc-signing-algs: ${unknown} is none of ${SIGNING_ALGORITHMS.join(", ")}`);
  const required = values["oidc-required-claim"].map((pair): [string, string] => {
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
