import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import { immutable, namedBy, requiredName, requiredOneOf } from "../field-rules.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
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

function storedVersions(spec: CustomResourceDefinitionSpec): string[] {
  return (spec.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name);
}

function validateNames({ names }: CustomResourceDefinitionSpec): FieldError[] {
  const errors = requiredName(dns1035Label, names.plural, "spec.names.plural");
  errors.push(...requiredName(dns1035Label, names.singular, "spec.names.singular"));
  for (const member of ["kind", "listKind"] as const) {
    const value = names[member] ?? "";
    if (value === "") errors.push(required(`spec.names.${member}`));
    for (const message of value === "" ? [] : dns1035Label(value.toLowerCase())) {
      errors.push(invalid(`spec.names.${member}`, value, `may have mixed case, but should otherwise match: ${message}`));
    }
  }
  if (names.kind !== "" && names.kind === names.listKind) {
    errors.push(invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same"));
  }
  return errors;
}

/** What of the rules concerns the facts of the kind; the schemas of the versions have their own. Source: ValidateCustomResourceDefinition. */
function validate({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const wanted = `${spec.names?.plural ?? ""}.${spec.group}`;
  const errors = validateObjectMeta(metadata, false, (name) => (name === wanted ? [] : ['must be spec.names.plural+"."+spec.group']));
  errors.push(...(spec.group ? namedBy(dnsSubdomain, spec.group, "spec.group") : [required("spec.group")]));
  if (spec.group !== "" && !spec.group.includes(".")) {
    errors.push(invalid("spec.group", spec.group, "should be a domain with at least one dot"));
  }
  errors.push(...requiredOneOf(spec.scope, SCOPES, "spec.scope"));
  const stored = storedVersions(spec);
  if (stored.length !== 1) {
    const shown = spec.versions ?? [];
    errors.push(invalid("spec.versions", shown, "must have exactly one version marked as storage version"));
  }
  for (const [index, { name, schema }] of (spec.versions ?? []).entries()) {
    errors.push(...requiredName(dns1035Label, name, `spec.versions[${index}].name`));
    if (schema?.openAPIV3Schema === undefined) {
      errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, "schemas are required"));
    }
  }
  return [...errors, ...validateNames(spec)];
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
  applyDefaults,
  ...statusApart<CustomResourceDefinition>(() => ({})),
  prepareForCreate: (definition) => {
    definition.status = {
      acceptedNames: { kind: "", plural: "" },
      conditions: [],
      storedVersions: storedVersions(definition.spec),
    };
  },
  validate,
  validateUpdate: (next, current) => [
    ...immutable(next.spec.group, current.spec.group, "spec.group"),
    ...immutable(next.spec.scope, current.spec.scope, "spec.scope"),
  ],
  columns: DEFAULT_COLUMNS,
  cells: defaultCells,
});
