import { defineKind } from "../define-kind.ts";
import { duplicate, forbidden, invalid, required } from "../field-error.ts";
import { namedBy, oneOf, requiredName, requiredOneOf } from "../field-rules.ts";
import type { ParamRef, ValidatingAdmissionPolicyBinding } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { defaultMatch, validateMatch } from "./match.ts";

const ACTIONS: readonly string[] = ["Audit", "Deny", "Warn"];
const NOT_FOUND_ACTIONS: readonly string[] = ["Deny", "Allow"];
const EXCLUSIVE = "name and selector are mutually exclusive";

/** Source: validateParamRef. */
function validateParam(param: ParamRef | undefined): FieldError[] {
  if (param === undefined) return [];
  const field = "spec.paramRef";
  const { name = "", selector, parameterNotFoundAction: action } = param;
  const both = name !== "" && selector !== undefined;
  return [
    ...namedBy(pathSegment, name, `${field}.name`),
    ...(both ? [forbidden(`${field}.name`, EXCLUSIVE)] : []),
    ...validateLabelSelector(selector, `${field}.selector`),
    ...(both ? [forbidden(`${field}.selector`, EXCLUSIVE)] : []),
    ...(name === "" && selector === undefined ? [required(field, "one of name or selector must be specified")] : []),
    ...requiredOneOf(action, NOT_FOUND_ACTIONS, `${field}.parameterNotFoundAction`),
  ];
}

/** Source: validateValidationActions. */
function validateActions(actions: readonly string[]): FieldError[] {
  const field = "spec.validationActions";
  if (actions.length === 0) return [required(field, "at least one validation action is required")];
  const errors = actions.flatMap((action, index) => {
    const path = `${field}[${index}]`;
    return [...oneOf(action, ACTIONS, path), ...(actions.indexOf(action) < index ? [duplicate(path, action)] : [])];
  });
  if (!actions.includes("Deny") || !actions.includes("Warn")) return errors;
  const words =
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
  return [...errors, invalid(field, actions, words)];
}

export const ValidatingAdmissionPolicyBindingKind: Kind<ValidatingAdmissionPolicyBinding> = defineKind<ValidatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  categories: ["api-extensions"],
  namespaced: false,
  updatesNameRevision: true,
  tracksGeneration: true,
  applyDefaults: ({ spec }) => defaultMatch(spec?.matchResources),
  updateChecks: ["whole"],
  anyFinalizer: true,
  nameRule: dnsSubdomain,
  validate: ({ spec = {} }) => [
    ...requiredName(dnsSubdomain, spec.policyName, "spec.policyName"),
    ...validateParam(spec.paramRef),
    ...(spec.matchResources === undefined ? [] : validateMatch(spec.matchResources, "spec.matchResources")),
    ...validateActions(spec.validationActions ?? []),
  ],
  columns: [NAME_COLUMN, column("PolicyName", "The policy that it puts to work"), column("ParamRef", "Its parameters"), AGE_COLUMN],
  cells: (binding, now_ms) => {
    const param = binding.spec?.paramRef;
    const shown = param === undefined ? UNSET : param.namespace ? `${param.namespace}/${param.name ?? "*"}` : (param.name ?? "*");
    return [binding.metadata.name, binding.spec?.policyName ?? "", shown, ageOf(binding, now_ms)];
  },
});
