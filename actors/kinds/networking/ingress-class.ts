import { defineKind } from "../define-kind.ts";
import { required, tooLong } from "../field-error.ts";
import { immutable, namedBy, oneOf } from "../field-rules.ts";
import type { IngressClass, IngressClassParametersReference } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, domainPrefixedPath, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";

const CONTROLLER_BYTES_MAX = 250;
const SCOPES: readonly string[] = ["Cluster", "Namespace"];

/** Source: validateIngressClassParametersReference. */
function validateParameters(parameters: IngressClassParametersReference | undefined): FieldError[] {
  if (parameters === undefined) return [];
  const field = "spec.parameters";
  const { apiGroup, kind, name, scope, namespace } = parameters;
  const errors = namedBy(dnsSubdomain, apiGroup, `${field}.apiGroup`);
  for (const [member, value] of [["kind", kind] as const, ["name", name] as const]) {
    errors.push(...(value ? namedBy(pathSegment, value, `${field}.${member}`) : [required(`${field}.${member}`)]));
  }
  errors.push(...(scope ? oneOf(scope, SCOPES, `${field}.scope`) : [required(`${field}.scope`)]));
  if (scope === "Namespace" && !namespace) {
    errors.push(required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  } else errors.push(...namedBy(dnsLabel, namespace, `${field}.namespace`));
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
  validate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, false, dnsSubdomain),
    ...((spec?.controller?.length ?? 0) > CONTROLLER_BYTES_MAX ? [tooLong("spec.controller", CONTROLLER_BYTES_MAX)] : []),
    ...(spec?.controller ? namedBy(domainPrefixedPath, spec.controller, "spec.controller") : [required("spec.controller")]),
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
