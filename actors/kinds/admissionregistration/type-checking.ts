/**
 * Checks the expressions of a policy against the schemas of what it is about. What is found wrong is only told: the policy does what it did.
 * Source: apiserver's pkg/admission/plugin/policy/validating/typechecking.go.
 */
import { admissionChecker } from "../cel/admission-variables.ts";
import type { CelChecker, CelType } from "../cel/check.ts";
import { celTypeOf } from "../cel/kind-types.ts";
import type { ExpressionWarning, ValidatingAdmissionPolicy, Variable } from "../generated/types.ts";
import { apiVersionOf, type Kind } from "../kind.ts";
import { variableType } from "./expression-rules.ts";

/** Kinds by which one policy is checked at most. */
const KINDS_MAX = 10;

/** The kinds that are served, as rules and parameters name them. */
export interface ServedKinds {
  byPlural(group: string, version: string, plural: string): Kind | undefined;
  byApiVersion(apiVersion: string, kind: string): Kind | undefined;
}

type Policy = Pick<ValidatingAdmissionPolicy, "spec">;

/** What is wrong, by expression, for each kind for which it is; undefined when nothing is. */
export function expressionWarnings({ spec = {} }: Policy, kinds: ServedKinds): ExpressionWarning[] | undefined {
  const { paramKind, variables = [], validations = [] } = spec;
  const param = paramKind === undefined ? undefined : kinds.byApiVersion(paramKind.apiVersion ?? "", paramKind.kind ?? "");
  const params = param === undefined ? undefined : celTypeOf(param);
  const checkers = kindsToCheck(spec, kinds).map((kind) => ({ kind, checker: checkerOf(celTypeOf(kind), params, variables) }));
  const warnings: ExpressionWarning[] = [];
  const look = (expression: string | undefined, fieldRef: string): void => {
    if (!expression) return;
    const said = checkers.flatMap(({ kind, checker }) => {
      const checked = checker.check(expression);
      return "problem" in checked ? [`${spelled(kind)}: ${checked.problem}\n`] : [];
    });
    if (said.length > 0) warnings.push({ fieldRef, warning: said.join("\n") });
  };
  for (const [index, { expression, messageExpression }] of validations.entries()) {
    look(expression, `spec.validations[${index}].expression`);
    look(messageExpression, `spec.validations[${index}].messageExpression`);
  }
  return warnings.length === 0 ? undefined : warnings;
}

/** `apps/v1, Kind=Deployment` */
function spelled(kind: Kind): string {
  return `${kind.group}/${kind.version}, Kind=${kind.kind}`;
}

function checkerOf(object: CelType, params: CelType | undefined, variables: readonly Variable[]): CelChecker {
  const declared = { params: params !== undefined, authorizer: true, types: { object, ...(params === undefined ? {} : { params }) } };
  const types: Record<string, CelType> = {};
  for (const { name, expression } of variables) {
    types[name] = variableType(admissionChecker({ ...declared, variables: { ...types } }).check(expression));
  }
  return admissionChecker(variables.length === 0 ? declared : { ...declared, variables: types });
}

/** Of rules with a wildcard nobody knows what they are about. */
function kindsToCheck({ matchConstraints }: NonNullable<Policy["spec"]>, kinds: ServedKinds): Kind[] {
  const found = new Set<Kind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of matchConstraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions].some((one) => one.includes("*"))) continue;
    const plurals = resources.filter((resource) => !/[*/]/.test(resource)).sort();
    for (const group of apiGroups.toSorted())
      for (const version of apiVersions.toSorted())
        for (const plural of plurals) {
          const kind = kinds.byPlural(group, version, plural);
          if (kind !== undefined && found.size < KINDS_MAX) found.add(kind);
        }
  }
  return [...found].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

const orderOf = (kind: Kind): string => `${apiVersionOf(kind)} ${kind.kind}`;
