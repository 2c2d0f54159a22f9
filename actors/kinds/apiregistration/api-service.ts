import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { APIService } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dns1035Label, dnsSubdomain, pathSegment, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";

const PORT = 443;
const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1_000;

/** Source: kube-aggregator's ValidateAPIService. */
function validate({ metadata, spec }: APIService): FieldError[] {
  const { group = "", version = "", service, groupPriorityMinimum, versionPriority } = spec;
  const expected = `${version}.${group}`;
  const errors = validateObjectMeta(metadata, false, (name) =>
    name === expected ? pathSegment(name) : [...pathSegment(name), `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`],
  );
  if (group !== "") errors.push(...namedBy(dnsSubdomain, group, "spec.group"));
  else if (version !== "v1") errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (version === "") errors.push(required("spec.version"));
  else errors.push(...namedBy(dns1035Label, version, "spec.version"));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > GROUP_PRIORITY_MAX) {
    errors.push(invalid("spec.groupPriorityMinimum", groupPriorityMinimum, "must be positive and less than 20000"));
  }
  if (versionPriority <= 0 || versionPriority > VERSION_PRIORITY_MAX) {
    errors.push(invalid("spec.versionPriority", versionPriority, "must be positive and less than 1000"));
  }
  if (service === undefined) {
    if (spec.caBundle) errors.push(invalid("spec.caBundle", spec.caBundle, "local APIServices may not have a caBundle"));
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

export const APIServiceKind: Kind<APIService> = defineKind<APIService>({
  group: "apiregistration.k8s.io",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  schema: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  applyDefaults: ({ spec }) => {
    if (spec?.service !== undefined) spec.service.port ??= PORT;
  },
  ...statusApart<APIService>(() => ({})),
  validate,
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
