import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { FlowcontrolSubject, FlowSchema, PolicyRulesWithSubjects } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";

const PRECEDENCE = 1_000;
const PRECEDENCE_MAX = 10_000;
const METHODS: readonly string[] = ["ByNamespace", "ByUser"];
const SUBJECTS = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;

function validateSubject(subject: FlowcontrolSubject, field: string): FieldError[] {
  const own = Object.hasOwn(SUBJECTS, subject.kind) ? SUBJECTS[subject.kind as keyof typeof SUBJECTS] : undefined;
  if (own === undefined) return [notSupported(`${field}.kind`, subject.kind ?? "", Object.keys(SUBJECTS))];
  const stated = subject[own];
  if (stated === undefined) return [required(`${field}.${own}`, `${own} is required when subject kind is '${subject.kind}'`)];
  const errors = stated.name ? [] : [required(`${field}.${own}.name`)];
  if ("namespace" in stated && !stated.namespace)
    errors.push(required(`${field}.${own}.namespace`, "must specify namespace for service account"));
  return errors;
}

function validateRule(rule: PolicyRulesWithSubjects, field: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors = subjects.length === 0 ? [required(`${field}.subjects`, "subjects must contain at least one value")] : [];
  errors.push(...subjects.flatMap((subject, index) => validateSubject(subject, `${field}.subjects[${index}]`)));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(field, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  }
  for (const [index, { verbs = [], apiGroups = [], resources = [], clusterScope, namespaces = [] }] of resourceRules.entries()) {
    const path = `${field}.resourceRules[${index}]`;
    if (verbs.length === 0) errors.push(required(`${path}.verbs`, "verbs must contain at least one value"));
    if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
    if (resources.length === 0) errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
    if (namespaces.length === 0 && clusterScope !== true) {
      errors.push(required(`${path}.namespaces`, "resource rules that are not cluster scoped must supply at least one namespace"));
    }
  }
  for (const [index, { verbs = [], nonResourceURLs = [] }] of nonResourceRules.entries()) {
    const path = `${field}.nonResourceRules[${index}]`;
    if (verbs.length === 0) errors.push(required(`${path}.verbs`, "verbs must contain at least one value"));
    if (nonResourceURLs.length === 0) errors.push(required(`${path}.nonResourceURLs`, "nonResourceURLs must contain at least one value"));
  }
  return errors;
}

/** Source: ValidateFlowSchema. */
function validate({ metadata, spec }: FlowSchema): FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration: level, rules = [] } = spec;
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  if (precedence <= 0) errors.push(invalid("spec.matchingPrecedence", precedence, "must be a positive value"));
  if (precedence > PRECEDENCE_MAX) {
    errors.push(invalid("spec.matchingPrecedence", precedence, `must not be greater than ${PRECEDENCE_MAX}`));
  }
  if (precedence === 1 && metadata.name !== "exempt") {
    errors.push(invalid("spec.matchingPrecedence", precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod !== undefined && !METHODS.includes(distinguisherMethod.type)) {
    errors.push(notSupported("spec.distinguisherMethod", distinguisherMethod, METHODS));
  }
  if (level?.name) errors.push(...namedBy(dnsSubdomain, level.name, "spec.priorityLevelConfiguration.name"));
  else errors.push(required("spec.priorityLevelConfiguration.name", "must reference a priority level"));
  return [...errors, ...rules.flatMap((rule, index) => validateRule(rule, `spec.rules[${index}]`))];
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
  validate,
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
