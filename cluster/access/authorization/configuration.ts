import { isAbsolute } from "node:path";
import { CelFailure, celProgram } from "../../../actors/kinds/cel/cel.ts";
import { ConfigurationError, flag, list, need, object, oneOf, text } from "../../../actors/kinds/configuration/fields.ts";
import { dnsSubdomain } from "../../../actors/kinds/names.ts";
import { type ApiAccess, KubeconfigFailure, readKubeconfig } from "../../outbound/kubeconfig.ts";
import { AUTHORIZERS, type AuthorizerName } from "./authorizer-names.ts";

/** One of those who are asked who may do what; plain data that crosses threads. */
export type AuthorizerSettings =
  | { readonly type: Exclude<AuthorizerName, "Webhook"> }
  | { readonly type: "Webhook"; readonly webhook: WebhookSettings };

export interface WebhookSettings {
  readonly access: ApiAccess;
  /** How long what it allowed is remembered, and what it did not; 0: not at all. */
  readonly allowed_ms: number;
  readonly refused_ms: number;
  readonly timeout_ms: number;
  /** The version of SubjectAccessReview that it speaks. */
  readonly version: "v1" | "v1beta1";
  /** What it says when it cannot be asked. */
  readonly onFailure: "NoOpinion" | "Deny";
  /** It is asked where all of these are true. */
  readonly conditions: readonly string[];
}

const CONDITIONS_MAX = 64;
const TIMEOUT_MAX_MS = 30_000;
const DEFAULT_TTL = { authorized: "5m", unauthorized: "30s" } as const;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const webhook = object({
  authorizedTTL: text,
  cacheAuthorizedRequests: flag,
  unauthorizedTTL: text,
  cacheUnauthorizedRequests: flag,
  timeout: text,
  subjectAccessReviewVersion: oneOf("v1", "v1beta1"),
  matchConditionSubjectAccessReviewVersion: oneOf("v1"),
  failurePolicy: oneOf("NoOpinion", "Deny"),
  connectionInfo: object({ type: oneOf("KubeConfigFile", "InClusterConfig"), kubeConfigFile: text }),
  matchConditions: list(object({ expression: text })),
});
const configuration = object({
  apiVersion: oneOf("apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1", "apiserver.config.k8s.io/v1alpha1"),
  kind: oneOf("AuthorizationConfiguration"),
  authorizers: list(object({ type: text, name: text, webhook })),
});

/**
 * Reads kube-apiserver's AuthorizationConfiguration, parsed from its file, and the kubeconfigs that it names. Throws ConfigurationError, which names the field.
 * Source: apiserver's apis/apiserver/validation of Kubernetes 1.34.
 */
export function readAuthorizationConfiguration(value: unknown): readonly AuthorizerSettings[] {
  const read = configuration(value, "");
  need(read.apiVersion, "apiVersion");
  need(read.kind, "kind");
  const given = read.authorizers ?? [];
  if (given.length === 0) throw new ConfigurationError("authorizers", "at least one authorization mode must be defined");
  return given.map((each, index) => {
    const at = `authorizers[${index}]`;
    const type = typeOf(need(each.type, `${at}.type`), `${at}.type`);
    const before = given.slice(0, index);
    if (type !== "Webhook" && before.some((other) => other.type === type))
      throw new ConfigurationError(`${at}.type`, `is there twice, ${JSON.stringify(type)}`);
    const name = need(each.name, `${at}.name`);
    if (before.some((other) => other.name === name)) throw new ConfigurationError(`${at}.name`, `is there twice, ${JSON.stringify(name)}`);
    const [wrong] = dnsSubdomain(name);
    if (wrong !== undefined) throw new ConfigurationError(`${at}.name`, `authorizer name is invalid: ${wrong}`);
    if (type === "Webhook") return { type, webhook: webhookOf(need(each.webhook, `${at}.webhook`), `${at}.webhook`) };
    if (each.webhook !== undefined) throw new ConfigurationError(`${at}.webhook`, "may only be specified when type=Webhook");
    return { type };
  });
}

function typeOf(type: string, at: string): AuthorizerName {
  const known = AUTHORIZERS.find((name) => name === type);
  if (known === undefined) throw new ConfigurationError(at, `must be one of ${AUTHORIZERS.join(", ")}, not ${JSON.stringify(type)}`);
  return known;
}

function webhookOf(read: ReturnType<typeof webhook>, at: string): WebhookSettings {
  const timeout_ms = duration_ms(need(read.timeout, `${at}.timeout`), `${at}.timeout`);
  if (timeout_ms > TIMEOUT_MAX_MS) throw new ConfigurationError(`${at}.timeout`, "must be > 0s and <= 30s");
  const ttl = (value: string | undefined, preset: string, kept: boolean | undefined, name: string): number => {
    const wanted_ms = duration_ms(value ?? preset, `${at}.${name}`);
    return kept === false ? 0 : wanted_ms;
  };
  const conditions = (read.matchConditions ?? []).map(({ expression = "" }, index) => {
    const place = `${at}.matchConditions[${index}].expression`;
    if (expression.trim() === "") throw new ConfigurationError(place, "must be set");
    return compiled(expression, place);
  });
  if (conditions.length > CONDITIONS_MAX)
    throw new ConfigurationError(`${at}.matchConditions`, `must have at most ${CONDITIONS_MAX} items`);
  const twice = conditions.findIndex((each, index) => conditions.indexOf(each) < index);
  if (twice >= 0) throw new ConfigurationError(`${at}.matchConditions[${twice}].expression`, "is there twice");
  if (conditions.length > 0) need(read.matchConditionSubjectAccessReviewVersion, `${at}.matchConditionSubjectAccessReviewVersion`);
  return {
    access: accessOf(need(read.connectionInfo, `${at}.connectionInfo`), `${at}.connectionInfo`),
    allowed_ms: ttl(read.authorizedTTL, DEFAULT_TTL.authorized, read.cacheAuthorizedRequests, "authorizedTTL"),
    refused_ms: ttl(read.unauthorizedTTL, DEFAULT_TTL.unauthorized, read.cacheUnauthorizedRequests, "unauthorizedTTL"),
    timeout_ms,
    version: need(read.subjectAccessReviewVersion, `${at}.subjectAccessReviewVersion`),
    onFailure: need(read.failurePolicy, `${at}.failurePolicy`),
    conditions,
  };
}

function accessOf({ type, kubeConfigFile }: { readonly type?: string; readonly kubeConfigFile?: string }, at: string): ApiAccess {
  // The API server would ask itself.
  if (need(type, `${at}.type`) === "InClusterConfig")
    throw new ConfigurationError(`${at}.type`, "InClusterConfig is for other API servers; name a kubeConfigFile");
  const file = need(kubeConfigFile, `${at}.kubeConfigFile`);
  if (!isAbsolute(file)) throw new ConfigurationError(`${at}.kubeConfigFile`, `must be an absolute path, not ${JSON.stringify(file)}`);
  try {
    return readKubeconfig(file);
  } catch (error) {
    if (!(error instanceof KubeconfigFailure)) throw error;
    throw new ConfigurationError(`${at}.kubeConfigFile`, error.message);
  }
}

function compiled(expression: string, at: string): string {
  try {
    celProgram(expression);
  } catch (error) {
    if (!(error instanceof CelFailure)) throw error;
    throw new ConfigurationError(at, `compilation failed: ${error.message}`);
  }
  return expression;
}

/** As Go writes durations, such as 30s or 1m30s; more than nothing. */
function duration_ms(value: string, at: string): number {
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const sum = parts.reduce((total, [, number, unit = ""]) => total + Number(number) * (UNITS_MS[unit] ?? 0), 0);
  if (parts.map(([part]) => part).join("") !== value || sum <= 0)
    throw new ConfigurationError(at, `must be a duration of more than 0s such as 30s, not ${JSON.stringify(value)}`);
  return sum;
}
