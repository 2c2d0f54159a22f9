/** What webhooks of both kinds share. Source: pkg/apis/admissionregistration/v1/defaults.go and validation. */
import { isDeepStrictEqual } from "node:util";
import { duplicate, invalid, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../generated/types.ts";
import type { Column } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { dns1035Label, dnsSubdomain } from "../names.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, column, NAME_COLUMN } from "../table.ts";
import { matchConditionErrors } from "./expression-rules.ts";
import { defaultRules, FAILURE_POLICIES, MATCH_POLICIES, validateRule } from "./match.ts";
import { validateClient, WEBHOOK_PORT } from "./webhook-client.ts";

const TIMEOUT_S = 10;
const TIMEOUT_S_MAX = 30;
const REINVOCATION_POLICIES: readonly string[] = ["IfNeeded", "Never"];
const SIDE_EFFECTS: readonly string[] = ["None", "NoneOnDryRun"];
const ANY_SIDE_EFFECTS: readonly string[] = ["None", "NoneOnDryRun", "Some", "Unknown"];
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
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= WEBHOOK_PORT;
  defaultRules(webhook.rules);
}

/** A domain of at least three labels. Source: validation.IsFullyQualifiedName. */
function validateName(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return [invalid(field, name, wrong.join(","))];
  return name.split(".").length < 3 ? [invalid(field, name, "should be a domain with at least three segments separated by dots")] : [];
}

/** `recognized`: one of them must be known. Source: validateAdmissionReviewVersions. */
function validateVersions(versions: readonly string[], recognized: boolean, field: string): FieldError[] {
  if (versions.length === 0) return [required(field, `must specify one of ${REVIEW_VERSIONS.join(", ")}`)];
  const errors = versions.flatMap((version, index) => {
    const path = `${field}[${index}]`;
    if (versions.indexOf(version) < index) return [invalid(path, version, "duplicate version")];
    return dns1035Label(version).map((words) => invalid(path, version, words));
  });
  if (!recognized || versions.some((version) => REVIEW_VERSIONS.includes(version))) return errors;
  return [...errors, invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(", ")}`)];
}

/** What is asked of webhooks; what was wrong before is let through. */
interface Demands {
  readonly sideEffects: readonly string[];
  readonly recognized: boolean;
  readonly unique: boolean;
  readonly conditions: boolean;
}

/** Source: ValidateValidatingWebhookConfigurationUpdate. */
function demandsOf(webhooks: readonly Webhook[], before: readonly Webhook[] | undefined): Demands {
  if (before === undefined) return { sideEffects: SIDE_EFFECTS, recognized: true, unique: true, conditions: true };
  const conditions = (list: readonly Webhook[]): unknown[] => list.map(({ matchConditions }) => matchConditions ?? []);
  return {
    sideEffects: before.every(({ sideEffects }) => SIDE_EFFECTS.includes(sideEffects)) ? SIDE_EFFECTS : ANY_SIDE_EFFECTS,
    recognized: before.every(({ admissionReviewVersions: versions = [] }) => {
      return versions.length === 0 || versions.some((version) => REVIEW_VERSIONS.includes(version));
    }),
    unique: new Set(before.map(({ name }) => name)).size === before.length,
    conditions: !isDeepStrictEqual(conditions(webhooks), conditions(before)),
  };
}

function validateWebhook(webhook: Webhook, demands: Demands, field: string): FieldError[] {
  const { timeoutSeconds = TIMEOUT_S, sideEffects } = webhook;
  const errors = validateName(webhook.name, `${field}.name`);
  errors.push(
    ...(webhook.rules ?? []).flatMap((rule, index) => validateRule(rule, `${field}.rules[${index}]`)),
    ...oneOf(webhook.failurePolicy, FAILURE_POLICIES, `${field}.failurePolicy`),
    ...oneOf(webhook.matchPolicy, MATCH_POLICIES, `${field}.matchPolicy`),
  );
  if (!sideEffects) errors.push(required(`${field}.sideEffects`, `must specify one of ${demands.sideEffects.join(", ")}`));
  else errors.push(...oneOf(sideEffects, demands.sideEffects, `${field}.sideEffects`));
  if (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_S_MAX) {
    errors.push(invalid(`${field}.timeoutSeconds`, timeoutSeconds, "the timeout value must be between 1 and 30 seconds"));
  }
  return [
    ...errors,
    ...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...("reinvocationPolicy" in webhook ? oneOf(webhook.reinvocationPolicy, REINVOCATION_POLICIES, `${field}.reinvocationPolicy`) : []),
    ...validateClient(webhook.clientConfig ?? {}, `${field}.clientConfig`),
    ...(demands.conditions ? matchConditionErrors(webhook.matchConditions, false, `${field}.matchConditions`) : []),
    ...validateVersions(webhook.admissionReviewVersions ?? [], demands.recognized, `${field}.admissionReviewVersions`),
  ];
}

export function validateConfiguration({ webhooks = [] }: WebhookConfiguration, current?: WebhookConfiguration): FieldError[] {
  const demands = demandsOf(webhooks, current === undefined ? undefined : (current.webhooks ?? []));
  return webhooks.flatMap((webhook, index) => {
    const field = `webhooks[${index}]`;
    const again = webhook.name !== "" && webhooks.findIndex(({ name }) => name === webhook.name) < index;
    return [...validateWebhook(webhook, demands, field), ...(again && demands.unique ? [duplicate(`${field}.name`, webhook.name)] : [])];
  });
}

export const WEBHOOK_COLUMNS: readonly Column[] = [NAME_COLUMN, column("Webhooks", "How many webhooks it has", "integer"), AGE_COLUMN];
