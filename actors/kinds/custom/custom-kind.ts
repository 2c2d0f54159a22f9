/** The rows that a CustomResourceDefinition makes in the table of kinds: one for each version that it serves. */
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "../generated/types.ts";
import type { CustomFacts, FieldValue, Kind, Subresource, WebhookConversion } from "../kind.ts";
import { goText } from "../machinery/go-json.ts";
import { dnsSubdomain } from "../names.ts";
import type { KubeObject } from "../object.ts";
import type { FieldError } from "../status.ts";
import { STATUS } from "../verbs.ts";
import { embeddedMetadataErrors } from "./embedded-metadata.ts";
import { jsonPath } from "./json-path.ts";
import { repeatedItems } from "./list-types.ts";
import { printedTable } from "./printer-columns.ts";
import { scaleFields } from "./scale-paths.ts";
import { fillDefaults, reshapeStored, shapeResource } from "./shape-resource.ts";
import type { Members, StructuralSchema } from "./structural-schema.ts";
import { typedResource } from "./typed-resource.ts";
import { brokenRules } from "./validation-rules.ts";
import { type Before, validateValue } from "./value-validation.ts";
import { finalizerWarnings } from "./warnings.ts";

/** In the order in which Kubernetes lists them. */
const VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"] as const;
const SCALE: Subresource = {
  name: "scale",
  verbs: ["get", "patch", "update"],
  gvk: { group: "autoscaling", version: "v1", kind: "Scale" },
};
const ANYTHING: StructuralSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** Refusals after which rules would only say what is said already. */
const BLOCKING: ReadonlySet<FieldError["reason"]> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const NOT_CHECKED: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

/** Whether clients may use what the definition defines. */
export function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Established" && is === "True") === true;
}

/** The kinds of all versions that are served, by the names that were accepted. */
export function customKinds(definition: CustomResourceDefinition): readonly Kind[] {
  const { versions } = definition.spec;
  const stored = versions.find(({ storage }) => storage);
  return versions.filter(({ served }) => served).map((version) => customKind(definition, version, schemaOf(stored ?? version)));
}

function schemaOf({ schema }: CustomResourceDefinitionVersion): StructuralSchema {
  return (schema?.openAPIV3Schema as StructuralSchema | undefined) ?? ANYTHING;
}

function conversionOf({ spec }: CustomResourceDefinition): WebhookConversion | undefined {
  const { strategy, webhook } = spec.conversion ?? {};
  const storage = spec.versions.find((version) => version.storage)?.name;
  if (strategy !== "Webhook" || webhook?.clientConfig === undefined || storage === undefined) return undefined;
  return { storage: `${spec.group}/${storage}`, client: webhook.clientConfig, reviewVersions: webhook.conversionReviewVersions };
}

function customKind(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, stored: StructuralSchema): Kind {
  const { spec, status, metadata } = definition;
  const names = status?.acceptedNames ?? spec.names;
  const schema = schemaOf(version);
  const namespaced = spec.scope === "Namespaced";
  const scale = version.subresources?.scale;
  const hasStatus = version.subresources?.status !== undefined;
  const scaled = scale === undefined ? undefined : scaleFields(scale);
  const gvk = { apiVersion: `${spec.group}/${version.name}`, kind: names.kind };
  const conversion = conversionOf(definition);
  const custom: CustomFacts = {
    listKind: names.listKind ?? `${names.kind}List`,
    schema,
    typed: typedResource(schema, `${metadata.uid}/${metadata.generation ?? 0}/${version.name}`),
    shape: (body) => shapeResource(schema, body),
    terminating: metadata.deletionTimestamp !== undefined,
    // What a webhook has converted is of this version by now.
    asServed: (object) =>
      reshapeStored(object as unknown as Members, conversion === undefined ? stored : schema, schema) as unknown as KubeObject,
    ...(conversion === undefined ? {} : { conversion }),
    ...(scaled === undefined ? {} : { scale: scaled }),
  };
  const judge = (object: KubeObject, before: Before | undefined): FieldError[] => {
    const whole = { ...gvk, ...object };
    const errors = [
      ...validateValue(schema, whole, "", before),
      ...(scaled?.validate(object) ?? []),
      ...embeddedMetadataErrors(schema, whole),
    ];
    // Lists that were wrong before may stay so.
    if (before === undefined || repeatedItems(schema, before.value, "").length === 0) errors.push(...repeatedItems(schema, whole, ""));
    if (errors.some(({ reason }) => BLOCKING.has(reason))) return hasRules(schema) ? [...errors, NOT_CHECKED] : errors;
    return [...errors, ...brokenRules(schema, whole, before)];
  };
  const { columns, cells } = printedTable(version.additionalPrinterColumns ?? []);
  return {
    group: spec.group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced,
    verbs: VERBS,
    subresources: [...(hasStatus ? [STATUS] : []), ...(scale === undefined ? [] : [SCALE])],
    ...(version.deprecated === true
      ? { deprecation: version.deprecationWarning ?? `${spec.group}/${version.name} ${names.kind} is deprecated` }
      : {}),
    schema: `${spec.group.split(".").reverse().join(".")}.${version.name}.${names.kind}`,
    custom,
    tracksGeneration: true,
    updatesNameRevision: true,
    generationChanges: changesBesideMetadata,
    applyDefaults: (object) => fillDefaults(object, schema),
    prepareForCreate: (object) => {
      if (hasStatus) delete (object as { status?: unknown }).status;
    },
    prepareForUpdate: (next, current) => {
      if (hasStatus) keepStatus(next as { status?: unknown }, current as { status?: unknown });
    },
    anyFinalizer: true,
    nameRule: dnsSubdomain,
    validate: (object, current) => judge(object, current === undefined ? undefined : { value: { ...gvk, ...current } }),
    validatesStatus: true,
    warnings: finalizerWarnings,
    columns,
    cells,
    selectableFields: Object.fromEntries(
      (version.selectableFields ?? []).map(({ jsonPath: path }) => [path.replace(/^\./, ""), reader(path)]),
    ),
  };
}

const rules = new WeakMap<StructuralSchema, boolean>();

/** Whether there are any rules to check. */
function hasRules(schema: StructuralSchema): boolean {
  let known = rules.get(schema);
  if (known === undefined) {
    const { properties = {}, additionalProperties, items, allOf = [] } = schema;
    const below = [...Object.values(properties), ...allOf, ...(items === undefined ? [] : [items])];
    if (typeof additionalProperties === "object") below.push(additionalProperties);
    known = schema["x-kubernetes-validations"] !== undefined || below.some(hasRules);
    rules.set(schema, known);
  }
  return known;
}

/** What is not metadata counts, whatever its name. */
function changesBesideMetadata(next: KubeObject, current: KubeObject): boolean {
  return JSON.stringify(contentOf(next)) !== JSON.stringify(contentOf(current));
}

function contentOf(object: KubeObject): unknown {
  const { metadata: _metadata, apiVersion: _version, kind: _kind, ...content } = object;
  return sorted(content);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function keepStatus(next: { status?: unknown }, current: { status?: unknown }): void {
  if (current.status === undefined) delete next.status;
  else next.status = current.status;
}

function reader(path: string): FieldValue<KubeObject> {
  const read = jsonPath(path);
  return (object) => {
    const value = read?.(object)[0];
    return value === undefined || value === null ? "" : goText(value);
  };
}
