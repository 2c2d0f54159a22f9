import { CelFailure, celProgram } from "../../../../actors/kinds/cel/cel.ts";
import { ConfigurationError, flag, list, need, object, oneOf, text } from "../../../../actors/kinds/configuration/fields.ts";

import { ANYBODY, type AnonymousRule } from "../anonymous.ts";

/** Whose tokens are believed, and what they mean; plain data that crosses threads. Source: apiserver.config.k8s.io/v1 AuthenticationConfiguration. */
export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtConfiguration[];
  readonly anonymous: AnonymousRule;
}

/** One issuer of tokens. */
export interface JwtConfiguration {
  /** `iss` of its tokens; its discovery document is below it, or at `discoveryUrl`. */
  readonly url: string;
  readonly discoveryUrl: string | undefined;
  /** PEM; undefined: whom this machine trusts. */
  readonly authority: string | undefined;
  readonly audiences: readonly string[];
  readonly requiredClaims: Readonly<Record<string, string>>;
  readonly claimRules: readonly Rule[];
  readonly userRules: readonly Rule[];
  readonly username: Mapped;
  readonly groups: Mapped | undefined;
  readonly uid: Mapped | undefined;
  readonly extra: readonly { readonly key: string; readonly expression: string }[];
  /** Undefined: all that are safe. */
  readonly algorithms: readonly string[] | undefined;
}

/** An expression that must be true, and what to say when it is not. */
export interface Rule {
  readonly expression: string;
  readonly message: string;
}

/** Where a part of an identity comes from. */
export type Mapped = { readonly claim: string; readonly prefix: string } | { readonly expression: string };

/** Issuers at once. Source: apiserver's apis/apiserver/validation. */
const ISSUERS_MAX = 64;
const EXTRA_KEY = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[a-z0-9._~!$&'()*+,;=:@%/-]+$/;

const mapping = object({ claim: text, prefix: text, expression });
const jwt = object({
  issuer: object({
    url: text,
    discoveryURL: text,
    certificateAuthority: text,
    audiences: list(text),
    audienceMatchPolicy: oneOf("MatchAny"),
    egressSelectorType: text,
  }),
  claimValidationRules: list(object({ claim: text, requiredValue: text, expression, message: text })),
  claimMappings: object({
    username: mapping,
    groups: mapping,
    uid: object({ claim: text, expression }),
    extra: list(object({ key: text, valueExpression: expression })),
  }),
  userValidationRules: list(object({ expression, message: text })),
});
const configuration = object({
  apiVersion: oneOf("apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"),
  kind: oneOf("AuthenticationConfiguration"),
  jwt: list(jwt),
  anonymous: object({ enabled: flag, conditions: list(object({ path: text })) }),
});

/** Reads kube-apiserver's AuthenticationConfiguration, parsed from its file. Throws ConfigurationError, which names the field. */
export function readAuthenticationConfiguration(value: unknown): AuthenticationConfiguration {
  const read = configuration(value, "");
  need(read.apiVersion, "apiVersion");
  need(read.kind, "kind");
  const issuers = (read.jwt ?? []).map((each, index) => issuerOf(each, `jwt[${index}]`));
  if (issuers.length > ISSUERS_MAX) throw new ConfigurationError("jwt", `must have at most ${ISSUERS_MAX} items`);
  for (const [index, { url }] of issuers.entries()) {
    if (issuers.findIndex((other) => other.url === url) < index)
      throw new ConfigurationError(`jwt[${index}].issuer.url`, `is the same as that of another, ${JSON.stringify(url)}`);
  }
  return { jwt: issuers, anonymous: anonymousOf(read.anonymous) };
}

function anonymousOf(read: { readonly enabled?: boolean; readonly conditions?: readonly { readonly path?: string }[] } | undefined) {
  if (read === undefined) return ANYBODY;
  const { enabled = false, conditions } = read;
  if (!enabled && conditions !== undefined && conditions.length > 0)
    throw new ConfigurationError("anonymous.conditions", "must not be there when enabled is false");
  const paths = conditions?.map(({ path }, index) => need(path, `anonymous.conditions[${index}].path`));
  return { enabled, paths: paths === undefined || paths.length === 0 ? undefined : paths };
}

type JwtRead = ReturnType<typeof jwt>;

function issuerOf(
  { issuer = {}, claimValidationRules = [], claimMappings = {}, userValidationRules = [] }: JwtRead,
  at: string,
): JwtConfiguration {
  const url = httpsUrl(need(issuer.url, `${at}.issuer.url`), `${at}.issuer.url`);
  const discoveryUrl = issuer.discoveryURL === undefined ? undefined : httpsUrl(issuer.discoveryURL, `${at}.issuer.discoveryURL`);
  if (discoveryUrl !== undefined && discoveryUrl.replace(/\/$/, "") === url.replace(/\/$/, ""))
    throw new ConfigurationError(`${at}.issuer.discoveryURL`, "must be different from url");
  if (issuer.egressSelectorType !== undefined)
    throw new ConfigurationError(`${at}.issuer.egressSelectorType`, "is not spoken here; leave it out");
  const audiences = issuer.audiences ?? [];
  if (audiences.length === 0) throw new ConfigurationError(`${at}.issuer.audiences`, "must name at least one audience");
  if (audiences.length > 1 && issuer.audienceMatchPolicy === undefined)
    throw new ConfigurationError(`${at}.issuer.audienceMatchPolicy`, "must be MatchAny for several audiences");
  const requiredClaims: Record<string, string> = {};
  const claimRules: Rule[] = [];
  for (const [index, rule] of claimValidationRules.entries()) {
    const place = `${at}.claimValidationRules[${index}]`;
    if ((rule.claim === undefined) === (rule.expression === undefined))
      throw new ConfigurationError(place, "must have exactly one of claim and expression");
    if (rule.claim !== undefined) requiredClaims[rule.claim] = rule.requiredValue ?? "";
    else claimRules.push(ruleOf(rule, place));
  }
  const username = mappedOf(need(claimMappings.username, `${at}.claimMappings.username`), `${at}.claimMappings.username`);
  if (username === undefined) throw new ConfigurationError(`${at}.claimMappings.username`, "must have claim and prefix, or expression");
  const mappings = `${at}.claimMappings`;
  return {
    url,
    discoveryUrl,
    authority: issuer.certificateAuthority === "" ? undefined : issuer.certificateAuthority,
    audiences,
    requiredClaims,
    claimRules,
    userRules: userValidationRules.map((rule, index) => ruleOf(rule, `${at}.userValidationRules[${index}]`)),
    username: verifiedEmail(username, claimRules, claimMappings, `${mappings}.username`),
    groups: mappedOf(claimMappings.groups ?? {}, `${mappings}.groups`),
    uid: uidOf(claimMappings.uid ?? {}, `${mappings}.uid`),
    extra: (claimMappings.extra ?? []).map(({ key, valueExpression }, index) => {
      const place = `${mappings}.extra[${index}]`;
      const name = need(key, `${place}.key`);
      if (!EXTRA_KEY.test(name))
        throw new ConfigurationError(`${place}.key`, "must be a domain-prefixed path in small letters, such as example.org/team");
      return { key: name, expression: need(valueExpression, `${place}.valueExpression`) };
    }),
    algorithms: undefined,
  };
}

function ruleOf({ expression, message }: { readonly expression?: string; readonly message?: string }, at: string): Rule {
  const given = need(expression, `${at}.expression`);
  return { expression: given, message: message ?? `expression '${given}' is false` };
}

/** Undefined: that part is not taken from the token. */
function mappedOf(
  read: { readonly claim?: string; readonly prefix?: string; readonly expression?: string },
  at: string,
): Mapped | undefined {
  const { claim, prefix, expression } = read;
  if (expression !== undefined) {
    if (claim !== undefined || prefix !== undefined) throw new ConfigurationError(at, "must have claim and prefix, or expression");
    return { expression };
  }
  if (claim === undefined) {
    if (prefix !== undefined) throw new ConfigurationError(`${at}.claim`, "must be set where prefix is");
    return undefined;
  }
  // An empty prefix is written down by who means it: users of the token's issuer could be named as any other then.
  return { claim, prefix: need(prefix, `${at}.prefix`) };
}

function uidOf({ claim, expression }: { readonly claim?: string; readonly expression?: string }, at: string): Mapped | undefined {
  if (claim !== undefined && expression !== undefined) throw new ConfigurationError(at, "must have one of claim and expression");
  if (expression !== undefined) return { expression };
  return claim === undefined ? undefined : { claim, prefix: "" };
}

type Mappings = NonNullable<JwtRead["claimMappings"]>;

/** An address that nobody verified is anybody's. Source: apiserver's validation of the username expression. */
function verifiedEmail(username: Mapped, rules: readonly Rule[], { extra = [] }: Mappings, at: string): Mapped {
  if ("claim" in username || !/\bclaims\.email\b/.test(username.expression)) return username;
  const all = [username.expression, ...rules.map((rule) => rule.expression), ...extra.map(({ valueExpression = "" }) => valueExpression)];
  if (all.some((each) => /\bclaims\.\??email_verified\b/.test(each))) return username;
  throw new ConfigurationError(
    `${at}.expression`,
    "uses claims.email, so claims.email_verified must be used here, in extra or in claimValidationRules",
  );
}

function httpsUrl(value: string, at: string): string {
  if (!URL.canParse(value) || new URL(value).protocol !== "https:")
    throw new ConfigurationError(at, `must be a URL of https, not ${JSON.stringify(value)}`);
  const { username, search, hash } = new URL(value);
  if (username !== "" || search !== "" || hash !== "")
    throw new ConfigurationError(at, "must not contain a username, password, query or fragment");
  return value;
}

function expression(value: unknown, path: string): string {
  const given = text(value, path);
  try {
    celProgram(given);
  } catch (error) {
    if (!(error instanceof CelFailure)) throw error;
    throw new ConfigurationError(path, `compilation failed: ${error.message}`);
  }
  return given;
}
