import { defineKind, statusApart } from "../define-kind.ts";
import { required } from "../field-error.ts";
import { requiredOneOf } from "../field-rules.ts";
import type { ValidatingAdmissionPolicy } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { policyExpressionErrors } from "./expression-rules.ts";
import { defaultMatch, FAILURE_POLICIES, validateMatch } from "./match.ts";

/** Source: validateValidatingAdmissionPolicySpec. */
function validate({ metadata, spec = {} }: ValidatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, validations = [], auditAnnotations = [] } = spec;
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  errors.push(...requiredOneOf(failurePolicy, FAILURE_POLICIES, "spec.failurePolicy"));
  if (paramKind !== undefined) {
    if (!paramKind.apiVersion) errors.push(required("spec.paramKind.apiVersion"));
    if (!paramKind.kind) errors.push(required("spec.paramKind.kind"));
  }
  if (matchConstraints === undefined) errors.push(required("spec.matchConstraints"));
  else {
    errors.push(...validateMatch(matchConstraints, "spec.matchConstraints"));
    if ((matchConstraints.resourceRules ?? []).length === 0) errors.push(required("spec.matchConstraints.resourceRules"));
  }
  if (validations.length === 0 && auditAnnotations.length === 0) {
    errors.push(required("spec.validations", "validations or auditAnnotations must contain at least one item"));
    errors.push(required("spec.auditAnnotations", "validations or auditAnnotations must contain at least one item"));
  }
  return [...errors, ...policyExpressionErrors(metadata.name, spec)];
}

export const ValidatingAdmissionPolicyKind: Kind<ValidatingAdmissionPolicy> = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  categories: ["api-extensions"],
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.failurePolicy ??= "Fail";
    defaultMatch(spec.matchConstraints);
  },
  ...statusApart<ValidatingAdmissionPolicy>(() => ({})),
  validate,
  columns: [
    NAME_COLUMN,
    column("Validations", "How many expressions it has", "integer"),
    column("ParamKind", "What its parameters are"),
    AGE_COLUMN,
  ],
  cells: (policy, now_ms) => {
    const kind = policy.spec?.paramKind;
    return [
      policy.metadata.name,
      policy.spec?.validations?.length ?? 0,
      kind === undefined ? UNSET : `${kind.apiVersion ?? ""}/${kind.kind ?? ""}`,
      ageOf(policy, now_ms),
    ];
  },
});
