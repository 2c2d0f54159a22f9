import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { namedBy, oneOf } from "../field-rules.ts";
import type { APIService, APIServiceCondition } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dns1035Label, dnsSubdomain, pathSegment, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";

const PORT = 443;
const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1_000;

/** Source: kube-aggregator's ValidateAPIService. */
function validate({ spec }: APIService): FieldError[] {
  const { group = "", version = "", service, groupPriorityMinimum, versionPriority } = spec;
  const errors: FieldError[] = [];
  if (group !== "") errors.push(...namedBy(dnsSubdomain, group, "spec.group"));
  else if (version !== "v1") errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  errors.push(...dns1035Label(version).map((words) => invalid("spec.version", version, words)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > GROUP_PRIORITY_MAX) {
    errors.push(invalid("spec.groupPriorityMinimum", groupPriorityMinimum, "must be positive and less than 20000"));
  }
  if (versionPriority <= 0 || versionPriority > VERSION_PRIORITY_MAX) {
    errors.push(invalid("spec.versionPriority", versionPriority, "must be positive and less than 1000"));
  }
  if (service === undefined) {
    const bytes = Buffer.byteLength(spec.caBundle ?? "", "base64");
    if (bytes > 0) errors.push(invalid("spec.caBundle", `${bytes} bytes`, "local APIServices may not have a caBundle"));
    if (spec.insecureSkipTLSVerify) {
      errors.push(invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify"));
    }
    return errors;
  }
  if (!service.namespace) errors.push(required("spec.service.namespace"));
  if (!service.name) errors.push(required("spec.service.name"));
  for (const message of portNumber(service.port ?? PORT)) {
    errors.push(invalid("spec.service.port", service.port, `port is not valid: ${message}`));
  }
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    errors.push(invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"));
  }
  return errors;
}

const STATUSES: readonly string[] = ["True", "False", "Unknown"];

/** Source: NewLocalAvailableAPIServiceCondition. */
function locallyAvailable(now_ms: number): APIServiceCondition {
  const lastTransitionTime = `${new Date(now_ms).toISOString().slice(0, 19)}Z`;
  return { lastTransitionTime, message: "Local APIServices are always available", reason: "Local", status: "True", type: "Available" };
}

export const APIServiceKind: Kind<APIService> = defineKind<APIService>({
  group: "apiregistration.k8s.io",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  namespaced: false,
  updatesNameRevision: true,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  schema: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  applyDefaults: ({ spec }) => {
    if (spec?.service !== undefined) spec.service.port ??= PORT;
  },
  ...statusApart<APIService>(() => ({})),
  prepareForCreate: (service, { now_ms }) => {
    service.status = service.spec.service === undefined ? { conditions: [locallyAvailable(now_ms)] } : {};
  },
  updateChecks: ["metadata", "whole"],
  anyFinalizer: true,
  nameRule: (name, { spec: { version = "", group = "" } }) => {
    const expected = `${version}.${group}`;
    const wrong = pathSegment(name);
    return wrong.length > 0 || name === expected ? wrong : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`];
  },
  validate,
  validateStatus: ({ status }) =>
    (status?.conditions ?? []).flatMap((condition, index) => oneOf(condition.status, STATUSES, `status.conditions[${index}].status`)),
  columns: [NAME_COLUMN, column("Service", "Who serves it"), column("Available", "Whether they do"), AGE_COLUMN],
  cells: ({ metadata, spec, status, ...rest }, now_ms) => {
    const service = spec?.service;
    const available = status?.conditions?.find(({ type }) => type === "Available");
    const words =
      available === undefined ? "Unknown" : available.status === "True" ? "True" : `${available.status} (${available.reason ?? ""})`;
    return [
      metadata.name,
      service === undefined ? "Local" : `${service.namespace ?? ""}/${service.name ?? ""}`,
      words,
      ageOf({ metadata, ...rest }, now_ms),
    ];
  },
});
