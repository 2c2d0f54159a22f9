import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, required, tooLong } from "../field-error.ts";
import { domainPrefixedPath, immutable, oneOf, requiredName } from "../field-rules.ts";
import type { IngressClass, IngressClassParametersReference } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsLabel, dnsSubdomain, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";

const CONTROLLER_BYTES_MAX = 250;
const SCOPES: readonly string[] = ["Cluster", "Namespace"];

/** Source: validateIngressClassParametersReference. */
function validateParameters(parameters: IngressClassParametersReference | undefined): FieldError[] {
  if (parameters === undefined) return [];
  const field = "spec.parameters";
  const { apiGroup, kind, name, scope, namespace } = parameters;
  const errors = apiGroup === undefined ? [] : dnsSubdomain(apiGroup).map((words) => invalid(`${field}.apiGroup`, apiGroup, words));
  errors.push(...requiredName(pathSegment, kind, `${field}.kind`), ...requiredName(pathSegment, name, `${field}.name`));
  if (scope === undefined) return [...errors, required(`${field}.scope`)];
  errors.push(...oneOf(scope, SCOPES, `${field}.scope`));
  const path = `${field}.namespace`;
  if (scope === "Namespace") {
    if (namespace === undefined) errors.push(required(path, "`parameters.scope` is set to 'Namespace'"));
    else errors.push(...dnsLabel(namespace).map((words) => invalid(path, namespace, words)));
  }
  if (scope === "Cluster" && namespace !== undefined) errors.push(forbidden(path, "`parameters.scope` is set to 'Cluster'"));
  return errors;
}

function parametersOf({ spec }: IngressClass): string {
  const parameters = spec?.parameters;
  if (parameters === undefined) return NONE;
  return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ""}/${parameters.name}`;
}

export const IngressClassKind: Kind<IngressClass> = defineKind<IngressClass>({
  group: "networking.k8s.io",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
  tracksGeneration: true,
  applyDefaults: ({ spec }) => {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= "Cluster";
  },
  updateChecks: ["metadata", "changes", "whole"],
  nameRule: dnsSubdomain,
  validate: ({ spec }) => [
    ...((spec?.controller?.length ?? 0) > CONTROLLER_BYTES_MAX ? [tooLong("spec.controller", CONTROLLER_BYTES_MAX)] : []),
    ...domainPrefixedPath(spec?.controller, "spec.controller"),
    ...validateParameters(spec?.parameters),
  ],
  validateUpdate: (next, current) => immutable(next.spec?.controller ?? "", current.spec?.controller ?? "", "spec.controller"),
  columns: [NAME_COLUMN, column("Controller", "Who serves its ingresses"), column("Parameters", "Where its settings are"), AGE_COLUMN],
  cells: (ingressClass, now_ms) => [
    ingressClass.metadata.name,
    ingressClass.spec?.controller ?? "",
    parametersOf(ingressClass),
    ageOf(ingressClass, now_ms),
  ],
});
