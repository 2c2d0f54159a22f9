import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { namedBy, requiredName } from "../field-rules.ts";
import type {
  FlowcontrolSubject,
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  ServiceAccountSubject,
} from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateConditions } from "./conditions.ts";
import { MANDATORY_SCHEMAS } from "./mandatory.ts";

const PRECEDENCE = 1_000;
const PRECEDENCE_MAX = 10_000;
const METHODS: readonly string[] = ["ByNamespace", "ByUser"];
const SUBJECTS = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;
/** The order in which fields of other kinds of subjects are refused. */
const SUBJECT_KINDS = ["ServiceAccount", "User", "Group"] as const;
const VERBS: readonly string[] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

function validateAccount({ name, namespace }: ServiceAccountSubject, field: string): FieldError[] {
  const errors = name === "*" ? [] : requiredName(dnsSubdomain, name, `${field}.name`);
  if (namespace) return [...errors, ...namedBy(dnsLabel, namespace, `${field}.namespace`)];
  return [...errors, required(`${field}.namespace`, "must specify namespace for service account")];
}

function validateSubject(subject: FlowcontrolSubject, field: string): FieldError[] {
  const kind = SUBJECT_KINDS.find((one) => one === subject.kind);
  if (kind === undefined) return [notSupported(`${field}.kind`, subject.kind ?? "", Object.keys(SUBJECTS))];
  const own = SUBJECTS[kind];
  const path = `${field}.${own}`;
  const errors: FieldError[] = [];
  if (subject[own] === undefined) errors.push(required(path, `${own} is required when subject kind is '${kind}'`));
  else if (subject.serviceAccount !== undefined && own === "serviceAccount") errors.push(...validateAccount(subject.serviceAccount, path));
  else if (!subject[own].name) errors.push(required(`${path}.name`));
  for (const other of SUBJECT_KINDS) {
    const name = SUBJECTS[other];
    if (other !== kind && subject[name] !== undefined) {
      errors.push(forbidden(`${field}.${name}`, `${name} is forbidden when subject kind is not '${other}'`));
    }
  }
  return errors;
}

/** A list in which `*` stands alone; `words` is what it must have at least. */
function validateList(items: readonly string[], field: string, words: string, others: string): FieldError[] {
  if (items.length === 0) return [required(field, words)];
  return items.length > 1 && items.includes("*") ? [invalid(field, items, `if '*' is present, must not specify other ${others}`)] : [];
}

function validateVerbs(verbs: readonly string[], field: string): FieldError[] {
  const errors = validateList(verbs, field, "verbs must contain at least one value", "verbs");
  const known = verbs.includes("*") || verbs.every((verb) => VERBS.includes(verb));
  return known ? errors : [...errors, notSupported(field, verbs, VERBS)];
}

function validateResourceRule(rule: ResourcePolicyRule, field: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], clusterScope, namespaces = [] } = rule;
  const path = `${field}.namespaces`;
  const errors = [
    ...validateVerbs(verbs, `${field}.verbs`),
    ...validateList(apiGroups, `${field}.apiGroups`, "resource rules must supply at least one api group", "api groups"),
    ...validateList(resources, `${field}.resources`, "resource rules must supply at least one resource", "resources"),
  ];
  if (namespaces.length > 0 || clusterScope !== true) {
    const words = "resource rules that are not cluster scoped must supply at least one namespace";
    errors.push(...validateList(namespaces, path, words, "namespaces"));
  }
  if (namespaces.includes("*")) return errors;
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  return [
    ...errors,
    ...namespaces.flatMap((name, index) => dnsLabel(name).map((words) => invalid(`${path}[${index}]`, name, intro + words))),
  ];
}

/** Source: ValidateNonResourceURLPath. */
function wrongPath(path: string): string | undefined {
  if (path === "") return "must not be empty";
  if (path === "/") return undefined;
  if (!path.startsWith("/")) return "must start with slash";
  if (path.includes(" ")) return "must not contain white-space";
  if (path.includes("//")) return "must not contain double slash";
  const wildcards = path.split("*").length - 1;
  return wildcards > 1 || (wildcards === 1 && !path.endsWith("/*")) ? "wildcard can only do suffix matching" : undefined;
}

function validateNonResourceRule({ verbs = [], nonResourceURLs = [] }: NonResourcePolicyRule, field: string): FieldError[] {
  const path = `${field}.nonResourceURLs`;
  const errors = [
    ...validateVerbs(verbs, `${field}.verbs`),
    ...validateList(nonResourceURLs, path, "nonResourceURLs must contain at least one value", "non-resource URLs"),
  ];
  if (nonResourceURLs.includes("*")) return errors;
  return [
    ...errors,
    ...nonResourceURLs.flatMap((url, index) => {
      const words = wrongPath(url);
      return words === undefined ? [] : [invalid(`${path}[${index}]`, url, words)];
    }),
  ];
}

function validateRule({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, field: string): FieldError[] {
  const errors = subjects.length === 0 ? [required(`${field}.subjects`, "subjects must contain at least one value")] : [];
  errors.push(...subjects.flatMap((subject, index) => validateSubject(subject, `${field}.subjects[${index}]`)));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(field, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  }
  return [
    ...errors,
    ...resourceRules.flatMap((rule, index) => validateResourceRule(rule, `${field}.resourceRules[${index}]`)),
    ...nonResourceRules.flatMap((rule, index) => validateNonResourceRule(rule, `${field}.nonResourceRules[${index}]`)),
  ];
}

/** Source: ValidateFlowSchema. */
function validate({ metadata, spec }: FlowSchema): FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration: level, rules = [] } = spec;
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalid("spec.matchingPrecedence", precedence, "must be a positive value"));
  if (precedence > PRECEDENCE_MAX) {
    errors.push(invalid("spec.matchingPrecedence", precedence, `must not be greater than ${PRECEDENCE_MAX}`));
  }
  if (precedence === 1 && metadata.name !== "exempt") {
    errors.push(invalid("spec.matchingPrecedence", precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod !== undefined && !METHODS.includes(distinguisherMethod.type)) {
    errors.push(notSupported("spec.distinguisherMethod.type", { Type: distinguisherMethod.type }, METHODS));
  }
  if (level?.name) errors.push(...namedBy(dnsSubdomain, level.name, "spec.priorityLevelConfiguration.name"));
  else errors.push(required("spec.priorityLevelConfiguration.name", "must reference a priority level"));
  errors.push(...rules.flatMap((rule, index) => validateRule(rule, `spec.rules[${index}]`)));
  const fixed = MANDATORY_SCHEMAS[metadata.name];
  if (fixed === undefined || semanticEqual(spec, fixed)) return errors;
  const shown = internalForm("FlowSchemaSpec", spec);
  return [...errors, invalid("spec", shown, `spec of '${metadata.name}' must equal the fixed value`)];
}

export const FlowSchemaKind: Kind<FlowSchema> = defineKind<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  kind: "FlowSchema",
  plural: "flowschemas",
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults: ({ spec }) => {
    if (spec !== undefined) spec.matchingPrecedence ||= PRECEDENCE;
  },
  ...statusApart<FlowSchema>(() => ({})),
  updateChecks: ["whole"],
  nameRule: dnsSubdomain,
  validate,
  validateStatus: validateConditions,
  columns: [
    NAME_COLUMN,
    column("PriorityLevel", "The level of its requests"),
    column("MatchingPrecedence", "Which schema takes a request that several match"),
    column("DistinguisherMethod", "How its requests are told apart"),
    AGE_COLUMN,
    column("MissingPL", "Whether the level is not there"),
  ],
  cells: (schema, now_ms) => {
    const { metadata, spec, status } = schema;
    const dangling = status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?";
    return [
      metadata.name,
      spec.priorityLevelConfiguration?.name ?? "",
      spec.matchingPrecedence ?? 0,
      spec.distinguisherMethod?.type ?? NONE,
      ageOf(schema, now_ms),
      dangling,
    ];
  },
});
