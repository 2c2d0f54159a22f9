/** What expressions of webhooks and policies must obey. Source: pkg/apis/admissionregistration/validation. */
import { admissionChecker, type Declared, expressionProblem } from "../cel/admission-variables.ts";
import type { CelChecker, CelType } from "../cel/check.ts";
import { duplicate, invalid, notSupported, required, tooMany } from "../field-error.ts";
import type { AuditAnnotation, MatchCondition, ValidatingAdmissionPolicy, Validation, Variable } from "../generated/types.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

type PolicySpec = NonNullable<ValidatingAdmissionPolicy["spec"]>;

const CONDITIONS_MAX = 64;
const ANNOTATIONS_MAX = 20;
const VALUE_BYTES_MAX = 5 * 1_024;
const REASONS: readonly string[] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED: ReadonlySet<string> = new Set([
  ...["false", "in", "null", "true", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop"],
  ...["package", "namespace", "return", "var", "void", "while"],
]);
const LINE_BREAK = /[\n\r]/;

function expressionErrors(checker: CelChecker, expression: string, wanted: readonly string[], field: string): FieldError[] {
  const problem = expressionProblem(checker, expression, wanted);
  return problem === undefined ? [] : [invalid(field, expression, problem)];
}

/** `params`: whether parameters can be seen. */
export function matchConditionErrors(conditions: readonly MatchCondition[] | undefined, params: boolean, field: string): FieldError[] {
  if (conditions === undefined) return [];
  const errors = conditions.length > CONDITIONS_MAX ? [tooMany(field, conditions.length, CONDITIONS_MAX)] : [];
  for (const [index, { name, expression }] of conditions.entries()) {
    const path = `${field}[${index}]`;
    const trimmed = expression?.trim() ?? "";
    if (trimmed === "") errors.push(required(`${path}.expression`));
    else errors.push(...expressionErrors(admissionChecker({ params, authorizer: true }), trimmed, ["bool"], `${path}.expression`));
    if (!name) errors.push(required(`${path}.name`));
    else {
      errors.push(...qualifiedName(name).map((words) => invalid(`${path}.name`, name, words)));
      if (conditions.findIndex((one) => one.name === name) < index) errors.push(duplicate(`${path}.name`, name));
    }
  }
  return errors;
}

/** All expressions of a policy. What is as it was in `current` may be wrong. */
export function policyExpressionErrors(policyName: string, spec: PolicySpec, current: PolicySpec | undefined): FieldError[] {
  const { paramKind, matchConditions, variables = [], validations = [], auditAnnotations = [] } = spec;
  const params = paramKind !== undefined;
  const asBefore = current !== undefined && semanticEqual([paramKind, matchConditions], [current.paramKind, current.matchConditions]);
  const errors = asBefore ? [] : matchConditionErrors(matchConditions, params, "spec.matchConditions");
  const { types, errors: wrong } = variableTypes(variables, params);
  errors.push(...wrong);
  const declared: Declared = { params, authorizer: true, ...(variables.length === 0 ? {} : { variables: types }) };
  const checker = admissionChecker(declared);
  const wordless = admissionChecker({ ...declared, authorizer: false });
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const words = "validations or auditAnnotations must contain at least one item";
    return [...errors, required("spec.validations", words), required("spec.auditAnnotations", words)];
  }
  for (const [index, validation] of validations.entries()) {
    errors.push(...validationErrors(validation, checker, wordless, `spec.validations[${index}]`));
  }
  return [...errors, ...annotationErrors(policyName, auditAnnotations, checker)];
}

/** What a variable is to those after it. Types with parameters are named otherwise elsewhere; what they hold is let through. */
export function variableType(checked: ReturnType<CelChecker["check"]>): CelType {
  return "type" in checked && /^(bool|int|uint|double|string|bytes|dyn)$/.test(checked.type) ? checked.type : "dyn";
}

/** Each variable sees those before it. */
function variableTypes(
  variables: readonly Variable[],
  params: boolean,
): { readonly types: Readonly<Record<string, CelType>>; readonly errors: readonly FieldError[] } {
  const types: Record<string, CelType> = {};
  const errors: FieldError[] = [];
  for (const [index, { name, expression }] of variables.entries()) {
    const path = `spec.variables[${index}]`;
    if (!name?.trim()) errors.push(required(`${path}.name`, "name is not specified"));
    else if (!IDENTIFIER.test(name) || RESERVED.has(name)) errors.push(invalid(`${path}.name`, name, "must be a valid CEL identifier"));
    if (!expression?.trim()) {
      errors.push(required(`${path}.expression`, "expression is not specified"));
      continue;
    }
    const checked = admissionChecker({ params, authorizer: true, variables: { ...types } }).check(expression);
    if ("problem" in checked) errors.push(invalid(`${path}.expression`, expression, `compilation failed: ${checked.problem}`));
    types[name] = variableType(checked);
  }
  return { types, errors };
}

function validationErrors(
  { expression = "", message = "", messageExpression = "", reason }: Validation,
  checker: CelChecker,
  wordless: CelChecker,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (expression.trim() === "") errors.push(required(`${field}.expression`, "expression is not specified"));
  else errors.push(...expressionErrors(checker, expression, ["bool"], `${field}.expression`));
  if (messageExpression !== "") {
    const path = `${field}.messageExpression`;
    if (messageExpression.trim() === "") errors.push(invalid(path, messageExpression, "must be non-empty if specified"));
    else errors.push(...expressionErrors(wordless, messageExpression, ["string"], path));
  }
  if (message !== "" && message.trim() === "") errors.push(invalid(`${field}.message`, message, "must be non-empty if specified"));
  else if (LINE_BREAK.test(message.trim())) errors.push(invalid(`${field}.message`, message, "must not contain line breaks"));
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${field}.reason`, reason, REASONS));
  return errors;
}

function annotationErrors(policyName: string, annotations: readonly AuditAnnotation[], checker: CelChecker): FieldError[] {
  const field = "spec.auditAnnotations";
  const errors: FieldError[] = [];
  if (annotations.length > ANNOTATIONS_MAX) {
    errors.push(invalid(field, annotations, `must not have more than ${ANNOTATIONS_MAX} auditAnnotations`));
  }
  for (const [index, { key, valueExpression = "" }] of annotations.entries()) {
    const path = `${field}[${index}]`;
    const whole = `${policyName}/${key ?? ""}`;
    errors.push(...qualifiedName(whole).map((words) => invalid(`${path}.key`, whole, words)));
    if (valueExpression.trim() === "") errors.push(required(`${path}.valueExpression`, "valueExpression is not specified"));
    else if (Buffer.byteLength(valueExpression.trim()) > VALUE_BYTES_MAX) {
      errors.push(required(`${path}.valueExpression`, `must not exceed ${VALUE_BYTES_MAX} bytes in length`));
    } else errors.push(...expressionErrors(checker, valueExpression, ["string", "null_type"], `${path}.valueExpression`));
    if (annotations.findIndex((one) => one.key === key) < index) errors.push(duplicate(`${path}.key`, key));
  }
  return errors;
}
