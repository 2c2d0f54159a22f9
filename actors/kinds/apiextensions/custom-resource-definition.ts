import { CLEANUP_FINALIZER, withCondition } from "../custom/accepted-names.ts";
import { isEstablished } from "../custom/custom-kind.ts";
import {
  approvalErrors,
  conversionErrors,
  joined,
  printedVersions,
  sharedErrors,
  storedVersionErrors,
  versionErrors,
} from "../custom/definition-rules.ts";
import { formatWarnings } from "../custom/warnings.ts";
import { defineKind } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable, requiredOneOf } from "../field-rules.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec } from "../generated/types.ts";
import type { Kind, PrepareContext } from "../kind.ts";
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

/** Names as they are wanted, or were accepted. Source: ValidateCustomResourceDefinitionNames. */
function validateNames(names: CustomResourceDefinitionNames, field: string): FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const mixed = "may have mixed case, but should otherwise match: ";
  const label = (value: string, path: string): FieldError[] => joined(dns1035Label(value), path, value);
  const proper = (value: string, path: string): FieldError[] =>
    value === "" ? [] : joined(dns1035Label(value.toLowerCase()), path, value, mixed);
  const ambiguous = kind !== "" && kind === listKind;
  return [
    ...(plural === "" ? [] : label(plural, `${field}.plural`)),
    ...(singular === "" ? [] : label(singular, `${field}.singular`)),
    ...proper(kind, `${field}.kind`),
    ...proper(listKind, `${field}.listKind`),
    ...shortNames.flatMap((name, index) => label(name, `${field}.shortNames[${index}]`)),
    ...(ambiguous ? [invalid(`${field}.listKind`, listKind, "kind and listKind may not be the same")] : []),
    ...categories.flatMap((name, index) => label(name, `${field}.categories[${index}]`)),
  ];
}

const NAMES = ["plural", "singular", "kind", "listKind"] as const;
const PRESERVES = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";

function validateGroup(group: string | undefined): FieldError[] {
  const field = "spec.group";
  if (!group) return [required(field)];
  const wrong = joined(dnsSubdomain(group), field, group);
  return wrong.length > 0 || group.includes(".") ? wrong : [invalid(field, group, "should be a domain with at least one dot")];
}

/** The first version has a field of its own in Kubernetes' internal form, and is looked at there, too. */
function validateVersions(spec: CustomResourceDefinitionSpec): FieldError[] {
  const versions = spec.versions ?? [];
  const first = versions[0]?.name ?? "";
  const errors = versionErrors(spec);
  const refuse = (words: string): void => {
    errors.push(invalid("spec.versions", printedVersions(versions), words));
  };
  if (new Set(versions.map(({ name }) => name)).size < versions.length) refuse("must contain unique version names");
  if (versions.filter(({ storage }) => storage).length !== 1) refuse("must have exactly one version marked as storage version");
  return first === "" ? errors : [...errors, ...joined(dns1035Label(first), "spec.version", first)];
}

/** Source: validateCustomResourceDefinitionSpec. */
function validateSpec(spec: CustomResourceDefinitionSpec, before: CustomResourceDefinitionSpec | undefined): FieldError[] {
  const { names = {} } = spec as { names?: Partial<CustomResourceDefinitionNames> };
  const bare = (spec.versions ?? []).flatMap(({ schema }, index) => {
    return schema?.openAPIV3Schema === undefined ? [required(`spec.versions[${index}].schema.openAPIV3Schema`)] : [];
  });
  return [
    ...validateGroup(spec.group),
    ...requiredOneOf(spec.scope, SCOPES, "spec.scope"),
    ...bare,
    ...validateVersions(spec),
    ...NAMES.filter((name) => !names[name]).map((name) => required(`spec.names.${name}`)),
    ...validateNames(names as CustomResourceDefinitionNames, "spec.names"),
    ...sharedErrors(spec),
    ...conversionErrors(spec, before),
  ];
}

/** What stands beside the spec, which Kubernetes looks at last. */
function validateRest(definition: CustomResourceDefinition, current: CustomResourceDefinition | undefined): FieldError[] {
  const { spec, status } = definition;
  const errors = status?.acceptedNames === undefined ? [] : validateNames(status.acceptedNames, "status.acceptedNames");
  errors.push(...storedVersionErrors(definition), ...approvalErrors(definition, current));
  const preserves = spec.preserveUnknownFields === true && current?.spec.preserveUnknownFields !== true;
  return preserves ? [...errors, invalid("spec.preserveUnknownFields", true, PRESERVES)] : errors;
}

/** Source: ValidateCustomResourceDefinition. */
function validate(definition: CustomResourceDefinition, current?: CustomResourceDefinition): FieldError[] {
  const errors = validateSpec(definition.spec, current?.spec);
  return current === undefined ? [...errors, ...validateRest(definition, undefined)] : errors;
}

/** Once clients use it, its names are fixed. Source: validateCustomResourceDefinitionUpdate. */
function validateUpdate(next: CustomResourceDefinition, current: CustomResourceDefinition): FieldError[] {
  const established = isEstablished(current);
  return [
    ...(established ? immutable(next.spec.scope, current.spec.scope, "spec.scope") : []),
    ...(established ? immutable(next.spec.names.kind, current.spec.names.kind, "spec.names.kind") : []),
    ...immutable(next.spec.group, current.spec.group, "spec.group"),
    ...immutable(next.spec.names.plural, current.spec.names.plural, "spec.names.plural"),
    ...validateRest(next, current),
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
  anyFinalizer: true,
  nameRule: (name, { spec }) => [
    ...dnsSubdomain(name),
    ...(name === `${spec.names?.plural ?? ""}.${spec.group}` ? [] : ['must be spec.names.plural+"."+spec.group']),
  ],
  validate,
  validateUpdate,
  validateStatus: ({ status }) => (status?.acceptedNames === undefined ? [] : validateNames(status.acceptedNames, "status.acceptedNames")),
  warnings: formatWarnings,
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
