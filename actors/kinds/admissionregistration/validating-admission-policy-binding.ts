import { defineKind } from "../define-kind.ts";
import { forbidden, notSupported, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { ParamRef, ValidatingAdmissionPolicyBinding } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { defaultMatch, validateMatch } from "./match.ts";

const ACTIONS: readonly string[] = ["Audit", "Deny", "Warn"];
const NOT_FOUND_ACTIONS: readonly string[] = ["Allow", "Deny"];

function validateParam(param: ParamRef | undefined): FieldError[] {
  if (param === undefined) return [];
  const field = "spec.paramRef";
  const errors: FieldError[] = [];
  if (param.name && param.selector !== undefined) {
    errors.push(forbidden(`${field}.name`, "name and selector are mutually exclusive"));
    errors.push(forbidden(`${field}.selector`, "name and selector are mutually exclusive"));
  } else if (!param.name && param.selector === undefined) errors.push(required(field, "one of name or selector must be specified"));
  if (param.parameterNotFoundAction === undefined) errors.push(required(`${field}.parameterNotFoundAction`));
  return [...errors, ...oneOf(param.parameterNotFoundAction, NOT_FOUND_ACTIONS, `${field}.parameterNotFoundAction`)];
}

function validateActions(actions: readonly string[]): FieldError[] {
  const field = "spec.validationActions";
  if (actions.length === 0) return [required(field, "at least one validation action is required")];
  const errors = actions.flatMap((action, index) =>
    ACTIONS.includes(action) ? [] : [notSupported(`${field}[${index}]`, action, ACTIONS)],
  );
  if (actions.includes("Deny") && actions.includes("Warn")) {
    errors.push({
      reason: "FieldValueInvalid",
      field,
      message: `Invalid value: ${JSON.stringify(actions)}: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)`,
    });
  }
  return errors;
}

export const ValidatingAdmissionPolicyBindingKind: Kind<ValidatingAdmissionPolicyBinding> = defineKind<ValidatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  categories: ["api-extensions"],
  namespaced: false,
  tracksGeneration: true,
  applyDefaults: ({ spec }) => defaultMatch(spec?.matchResources),
  validate: ({ metadata, spec = {} }) => [
    ...validateObjectMeta(metadata, false, dnsSubdomain),
    ...(spec.policyName ? [] : [required("spec.policyName")]),
    ...validateParam(spec.paramRef),
    ...(spec.matchResources === undefined ? [] : validateMatch(spec.matchResources, "spec.matchResouces")),
    ...validateActions(spec.validationActions ?? []),
  ],
  columns: [NAME_COLUMN, column("PolicyName", "The policy that it puts to work"), column("ParamRef", "Its parameters"), AGE_COLUMN],
  cells: (binding, now_ms) => {
    const param = binding.spec?.paramRef;
    const shown = param === undefined ? UNSET : param.namespace ? `${param.namespace}/${param.name ?? "*"}` : (param.name ?? "*");
    return [binding.metadata.name, binding.spec?.policyName ?? "", shown, ageOf(binding, now_ms)];
  },
});
