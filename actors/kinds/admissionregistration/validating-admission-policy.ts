import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { ParamKind, ValidatingAdmissionPolicy } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dns1035Label, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { policyExpressionErrors } from "./expression-rules.ts";
import { defaultMatch, FAILURE_POLICIES, validateMatch } from "./match.ts";

/** Source: validateParamKind. */
function validateParamKind({ apiVersion = "", kind = "" }: ParamKind): FieldError[] {
  const field = "spec.paramKind";
  const errors = apiVersion === "" ? [required(`${field}.apiVersion`)] : validateApiVersion(apiVersion, `${field}.apiVersion`);
  if (kind === "") return [...errors, required(`${field}.kind`)];
  const wrong = dns1035Label(kind.toLowerCase());
  if (wrong.length === 0) return errors;
  return [...errors, invalid(`${field}.kind`, kind, `may have mixed case, but should otherwise match: ${wrong.join(",")}`)];
}

function validateApiVersion(apiVersion: string, field: string): FieldError[] {
  const parts = apiVersion.split("/");
  if (parts.length > 2) return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const version = parts.at(-1) ?? "";
  const group = parts.length > 1 ? (parts[0] ?? "") : "";
  const joined = (text: string, wrong: readonly string[]): FieldError[] =>
    wrong.length === 0 ? [] : [invalid(field, text, wrong.join(","))];
  const errors = group === "" ? [] : joined(group, dnsSubdomain(group));
  if (version === "") return [...errors, invalid(field, apiVersion, "version must be specified")];
  return [...errors, ...joined(version, dns1035Label(version))];
}

/** Source: validateValidatingAdmissionPolicySpec. */
function validate({ metadata, spec = {} }: ValidatingAdmissionPolicy, current?: ValidatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints } = spec;
  const errors = oneOf(failurePolicy, FAILURE_POLICIES, "spec.failurePolicy");
  if (paramKind !== undefined) errors.push(...validateParamKind(paramKind));
  if (matchConstraints === undefined) errors.push(required("spec.matchConstraints"));
  else {
    errors.push(...validateMatch(matchConstraints, "spec.matchConstraints"));
    if ((matchConstraints.resourceRules ?? []).length === 0) errors.push(required("spec.matchConstraints.resourceRules"));
  }
  return [...errors, ...policyExpressionErrors(metadata.name, spec, current?.spec)];
}

export const ValidatingAdmissionPolicyKind: Kind<ValidatingAdmissionPolicy> = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  categories: ["api-extensions"],
  namespaced: false,
  updatesNameRevision: true,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.failurePolicy ??= "Fail";
    defaultMatch(spec.matchConstraints);
  },
  ...statusApart<ValidatingAdmissionPolicy>(() => ({})),
  updateChecks: ["whole"],
  anyFinalizer: true,
  nameRule: dnsSubdomain,
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
