/** What webhooks of both kinds share. Source: pkg/apis/admissionregistration/v1/defaults.go and validation. */
import { duplicate, invalid, notSupported, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { AdmissionregistrationWebhookClientConfig, MutatingWebhook, ValidatingWebhook } from "../generated/types.ts";
import type { Column } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dns1035Label, dnsSubdomain, portNumber } from "../names.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, column, NAME_COLUMN } from "../table.ts";
import { matchConditionErrors } from "./expression-rules.ts";
import { defaultRules, FAILURE_POLICIES, MATCH_POLICIES, validateRule } from "./match.ts";

const TIMEOUT_S = 10;
const TIMEOUT_S_MAX = 30;
const PORT = 443;
const REINVOCATION_POLICIES: readonly string[] = ["IfNeeded", "Never"];
const SIDE_EFFECTS: readonly string[] = ["None", "NoneOnDryRun"];
/** The versions of AdmissionReview that an API server can speak. */
const REVIEW_VERSIONS: readonly string[] = ["v1", "v1beta1"];

export type Webhook = MutatingWebhook | ValidatingWebhook;

export interface WebhookConfiguration extends KubeObject {
  webhooks?: Webhook[];
}

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= "Fail";
  webhook.matchPolicy ??= "Equivalent";
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= TIMEOUT_S;
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= PORT;
  defaultRules(webhook.rules);
}

function validateClient({ url, service }: AdmissionregistrationWebhookClientConfig, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(field, "exactly one of url or service is required")];
  if (url !== undefined) return validateUrl(url, `${field}.url`);
  const errors: FieldError[] = [];
  if (!service?.name) errors.push(required(`${field}.service.name`, "service name is required"));
  if (!service?.namespace) errors.push(required(`${field}.service.namespace`, "service namespace is required"));
  for (const message of portNumber(service?.port ?? PORT)) {
    errors.push(invalid(`${field}.service.port`, service?.port ?? PORT, `port is not valid: ${message}`));
  }
  return errors;
}

function validateUrl(text: string, field: string): FieldError[] {
  const form = "; desired format: https://host[/path]";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return [required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI for request${form}`)];
  const errors: FieldError[] = [];
  if (url.protocol !== "https:") errors.push(invalid(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`));
  if (url.host === "") errors.push(invalid(field, "", `host must be specified${form}`));
  if (url.username !== "") errors.push(invalid(field, url.username, "user information is not permitted in the URL"));
  if (url.hash !== "") errors.push(invalid(field, url.hash.slice(1), "fragments are not permitted in the URL"));
  if (url.search !== "") errors.push(invalid(field, url.search.slice(1), "query parameters are not permitted in the URL"));
  return errors;
}

/** A domain of at least three labels. Source: ValidateFullyQualifiedName. */
function validateName(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return wrong.map((message) => invalid(field, name, message));
  return name.split(".").length < 3 ? [invalid(field, name, "should be a domain with at least three segments separated by dots")] : [];
}

function validateVersions(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [required(field, `must specify one of ${REVIEW_VERSIONS.join(", ")}`)];
  const errors: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.push(invalid(`${field}[${index}]`, version, "duplicate version"));
    for (const message of dns1035Label(version)) errors.push(invalid(`${field}[${index}]`, version, message));
  }
  if (errors.length === 0 && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(", ")}`));
  }
  return errors;
}

function validateWebhook(webhook: Webhook, field: string): FieldError[] {
  const { timeoutSeconds = TIMEOUT_S, sideEffects } = webhook;
  const errors = validateName(webhook.name, `${field}.name`);
  errors.push(...(webhook.rules ?? []).flatMap((rule, index) => validateRule(rule, `${field}.rules[${index}]`)));
  errors.push(
    ...oneOf(webhook.failurePolicy, FAILURE_POLICIES, `${field}.failurePolicy`),
    ...oneOf(webhook.matchPolicy, MATCH_POLICIES, `${field}.matchPolicy`),
    ...("reinvocationPolicy" in webhook ? oneOf(webhook.reinvocationPolicy, REINVOCATION_POLICIES, `${field}.reinvocationPolicy`) : []),
  );
  if (!sideEffects) errors.push(required(`${field}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(", ")}`));
  else if (!SIDE_EFFECTS.includes(sideEffects)) errors.push(notSupported(`${field}.sideEffects`, sideEffects, SIDE_EFFECTS));
  if (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_S_MAX) {
    errors.push(invalid(`${field}.timeoutSeconds`, timeoutSeconds, "the timeout value must be between 1 and 30 seconds"));
  }
  return [
    ...errors,
    ...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...validateClient(webhook.clientConfig ?? {}, `${field}.clientConfig`),
    ...matchConditionErrors(webhook.matchConditions, false, `${field}.matchConditions`),
    ...validateVersions(webhook.admissionReviewVersions ?? [], `${field}.admissionReviewVersions`),
  ];
}

export function validateConfiguration({ metadata, webhooks = [] }: WebhookConfiguration): FieldError[] {
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  for (const [index, webhook] of webhooks.entries()) {
    const field = `webhooks[${index}]`;
    errors.push(...validateWebhook(webhook, field));
    if (webhooks.findIndex(({ name }) => name === webhook.name) < index) errors.push(duplicate(`${field}.name`, webhook.name));
  }
  return errors;
}

export const WEBHOOK_COLUMNS: readonly Column[] = [NAME_COLUMN, column("Webhooks", "How many webhooks it has", "integer"), AGE_COLUMN];
