import { CLEANUP_FINALIZER, withCondition } from "../custom/accepted-names.ts";
import { isEstablished } from "../custom/custom-kind.ts";
import { approvalErrors, conversionErrors, sharedErrors, storedVersionErrors, versionErrors } from "../custom/definition-rules.ts";
import { defineKind } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable, namedBy, requiredOneOf } from "../field-rules.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from "../generated/types.ts";
import type { Kind, PrepareContext } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dns1035Label, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { DEFAULT_COLUMNS, defaultCells } from "../table.ts";
import { STATUS } from "../verbs.ts";

const SCOPES: readonly string[] = ["Cluster", "Namespaced"];
const WEBHOOK_PORT = 443;

/** Source: SetDefaults_CustomResourceDefinition, and the accepted names that a new one has not got yet. */
function applyDefaults({ spec }: CustomResourceDefinition): void {
  if (spec === undefined) return;
  const { names } = spec;
  if (names?.kind !== undefined) {
    names.singular ||= names.kind.toLowerCase();
    names.listKind ||= `${names.kind}List`;
  }
  spec.conversion ??= { strategy: "None" };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= WEBHOOK_PORT;
}

/** Its objects go first. Source: apiextensions-apiserver's pkg/registry/customresourcedefinition/etcd.go, Delete. */
function prepareForDeletion(definition: CustomResourceDefinition, { now_ms }: PrepareContext): CustomResourceDefinition {
  const { metadata, status } = definition;
  const others = metadata.finalizers ?? [];
  const finalizers = others.includes(CLEANUP_FINALIZER) ? others : [...others, CLEANUP_FINALIZER];
  const terminating = {
    type: "Terminating",
    status: "True",
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  const now = `${new Date(now_ms).toISOString().slice(0, 19)}Z`;
  const conditions = [...withCondition(status?.conditions ?? [], terminating, now)];
  const { acceptedNames = { kind: "", plural: "" }, storedVersions: stored = [] } = status ?? {};
  return { ...definition, metadata: { ...metadata, finalizers }, status: { acceptedNames, conditions, storedVersions: stored } };
}

/** The versions that objects have been stored in, with the one in which they are stored from now on. */
function storedVersions({ versions = [] }: CustomResourceDefinitionSpec, before: readonly string[]): string[] {
  const now = versions.find(({ storage }) => storage)?.name;
  return now === undefined || before.includes(now) ? [...before] : [...before, now];
}

function validateNames({ names }: CustomResourceDefinitionSpec): FieldError[] {
  const members = ["plural", "singular", "kind", "listKind"] as const;
  const errors = members.filter((member) => !names[member]).map((member) => required(`spec.names.${member}`));
  for (const member of ["plural", "singular"] as const) errors.push(...namedBy(dns1035Label, names[member], `spec.names.${member}`));
  for (const member of ["kind", "listKind"] as const) {
    const value = names[member] ?? "";
    for (const message of value === "" ? [] : dns1035Label(value.toLowerCase())) {
      errors.push(invalid(`spec.names.${member}`, value, `may have mixed case, but should otherwise match: ${message}`));
    }
  }
  for (const [index, name] of (names.shortNames ?? []).entries()) {
    for (const message of dns1035Label(name)) errors.push(invalid(`spec.names.shortNames[${index}]`, name, message));
  }
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same"));
  }
  for (const [index, name] of (names.categories ?? []).entries()) {
    for (const message of dns1035Label(name)) errors.push(invalid(`spec.names.categories[${index}]`, name, message));
  }
  return errors;
}

const SCHEMA_WANTED = "schemas are required";
const PRESERVES = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";

/** Source: ValidateCustomResourceDefinition. */
function validate(definition: CustomResourceDefinition): FieldError[] {
  const { metadata, spec } = definition;
  const wanted = `${spec.names?.plural ?? ""}.${spec.group}`;
  const errors = validateObjectMeta(metadata, false, (name) => [
    ...dnsSubdomain(name),
    ...(name === wanted ? [] : ['must be spec.names.plural+"."+spec.group']),
  ]);
  const words = spec.group ? dnsSubdomain(spec.group) : [];
  if (!spec.group) errors.push(required("spec.group"));
  else if (words.length > 0) errors.push(invalid("spec.group", spec.group, words.join(",")));
  else if (!spec.group.includes(".")) errors.push(invalid("spec.group", spec.group, "should be a domain with at least one dot"));
  errors.push(...requiredOneOf(spec.scope, SCOPES, "spec.scope"));
  const versions = spec.versions ?? [];
  for (const [index, { schema }] of versions.entries()) {
    if (schema?.openAPIV3Schema === undefined) errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, SCHEMA_WANTED));
  }
  errors.push(...versionErrors(spec));
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(invalid("spec.versions", versions, "must contain unique version names"));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid("spec.versions", versions, "must have exactly one version marked as storage version"));
  }
  errors.push(...validateNames(spec), ...sharedErrors(spec), ...conversionErrors(spec));
  if (errors.length === 0 || definition.status !== undefined) errors.push(...storedVersionErrors(definition));
  errors.push(...approvalErrors(definition));
  if (spec.preserveUnknownFields === true) errors.push(invalid("spec.preserveUnknownFields", true, PRESERVES));
  return errors;
}

/** Once clients use it, its names are fixed. Source: validateCustomResourceDefinitionSpecUpdate. */
function validateUpdate(next: CustomResourceDefinition, current: CustomResourceDefinition): FieldError[] {
  const established = isEstablished(current);
  return [
    ...(established ? immutable(next.spec.scope, current.spec.scope, "spec.scope") : []),
    ...(established ? immutable(next.spec.names.kind, current.spec.names.kind, "spec.names.kind") : []),
    ...immutable(next.spec.group, current.spec.group, "spec.group"),
    ...immutable(next.spec.names.plural, current.spec.names.plural, "spec.names.plural"),
  ];
}

export const CustomResourceDefinitionKind: Kind<CustomResourceDefinition> = defineKind<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: [STATUS],
  schema: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
  tracksGeneration: true,
  updatesNameRevision: true,
  prepareForDeletion,
  applyDefaults,
  prepareForCreate: (definition) => {
    definition.status = {
      acceptedNames: { kind: "", plural: "" },
      // Go prints a list that nobody made as null.
      conditions: null as never,
      storedVersions: storedVersions(definition.spec, []),
    };
  },
  prepareForUpdate: (next, current) => {
    const { acceptedNames = { kind: "", plural: "" }, conditions = [], storedVersions: before = [] } = current.status ?? {};
    next.status = { ...current.status, acceptedNames, conditions, storedVersions: storedVersions(next.spec, before) };
  },
  validate,
  validateUpdate,
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
