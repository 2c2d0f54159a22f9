/**
 * What the versions of a CustomResourceDefinition must obey. Source: apiextensions-apiserver's pkg/apis/apiextensions/validation. Its internal form has what
 * all versions have alike once and for all, above the versions, which shows in the names of fields.
 */
import { isDeepStrictEqual } from "node:util";
import { validateClient } from "../admissionregistration/webhook-client.ts";
import { duplicate, forbidden, invalid, required, tooMany } from "../field-error.ts";
import { requiredOneOf } from "../field-rules.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from "../generated/types.ts";
import { dns1035Label } from "../names.ts";
import type { FieldError } from "../status.ts";
import { findField } from "./field-paths.ts";
import { jsonPath } from "./json-path.ts";
import { schemaErrors } from "./schema-rules.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const COLUMN_TYPES: readonly string[] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: readonly string[] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const SELECTABLE_TYPES: readonly (string | undefined)[] = ["string", "boolean", "integer"];
const SELECTABLE_FIELDS_MAX = 8;
const STRATEGIES: readonly string[] = ["None", "Webhook"];
const WARNING_BYTES_MAX = 256;
const APPROVAL = "api-approved.kubernetes.io";
const PROTECTED_GROUP = /(^|\.)(k8s\.io|kubernetes\.io)$/;

/** What is wrong with each version for itself. */
export function versionErrors({ versions = [] }: CustomResourceDefinitionSpec): FieldError[] {
  const together = sharedParts(versions);
  return versions.flatMap((version, index) => {
    const path = `spec.versions[${index}]`;
    const { name, schema, subresources, additionalPrinterColumns, selectableFields } = version;
    const errors = joined(dns1035Label(name ?? ""), `${path}.name`, name ?? "");
    errors.push(...deprecationErrors(version, path));
    if (!together.schema) errors.push(...versionSchemaErrors(schema, `${path}.schema`));
    if (!together.subresources) errors.push(...subresourceErrors(subresources, `${path}.subresources`));
    if (!together.columns) errors.push(...columnErrors(additionalPrinterColumns, `${path}.additionalPrinterColumns`));
    if (!together.selectable) errors.push(...selectableErrors(selectableFields, schemaOf(version), `${path}.selectableFields`));
    return errors;
  });
}

/** What is wrong with what all versions have alike. */
export function sharedErrors({ versions = [] }: CustomResourceDefinitionSpec): FieldError[] {
  const [first] = versions;
  if (first === undefined) return [];
  const together = sharedParts(versions);
  return [
    ...(together.schema ? versionSchemaErrors(first.schema, "spec.validation") : []),
    ...(together.subresources ? subresourceErrors(first.subresources, "spec.subresources") : []),
    ...(together.columns ? columnErrors(first.additionalPrinterColumns, "spec.additionalPrinterColumns") : []),
    ...(together.selectable ? selectableErrors(first.selectableFields, schemaOf(first), "spec.selectableFields") : []),
  ];
}

/** All that is wrong with a name at once. */
export function joined(words: readonly string[], field: string, value: string, intro = ""): FieldError[] {
  return words.length === 0 ? [] : [invalid(field, value, intro + words.join(","))];
}

/** Versions as Kubernetes prints its internal form, of which the parts that all have alike are nowhere in them. */
export function printedVersions(versions: readonly CustomResourceDefinitionVersion[]): unknown {
  const together = sharedParts(versions);
  return versions.map((version) => ({
    Name: version.name ?? "",
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: together.schema ? null : (version.schema ?? null),
    Subresources: together.subresources ? null : (version.subresources ?? null),
    AdditionalPrinterColumns: together.columns ? null : (version.additionalPrinterColumns ?? null),
    SelectableFields: together.selectable ? null : (version.selectableFields ?? null),
  }));
}

function sharedParts(
  versions: readonly CustomResourceDefinitionVersion[],
): Readonly<Record<"schema" | "subresources" | "columns" | "selectable", boolean>> {
  const alike = (read: (version: CustomResourceDefinitionVersion) => unknown): boolean =>
    versions.every((version) => isDeepStrictEqual(read(version), versions[0] && read(versions[0])));
  return {
    schema: alike(({ schema }) => schema),
    subresources: alike(({ subresources }) => subresources),
    columns: alike(({ additionalPrinterColumns }) => additionalPrinterColumns),
    selectable: alike(({ selectableFields }) => selectableFields),
  };
}

function schemaOf({ schema }: CustomResourceDefinitionVersion): StructuralSchema | undefined {
  return schema?.openAPIV3Schema as StructuralSchema | undefined;
}

function versionSchemaErrors(validation: CustomResourceDefinitionVersion["schema"], path: string): FieldError[] {
  const schema = validation?.openAPIV3Schema as StructuralSchema | undefined;
  return schema === undefined ? [] : schemaErrors(schema, `${path}.openAPIV3Schema`);
}

function deprecationErrors({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, path: string): FieldError[] {
  if (deprecationWarning === undefined) return [];
  const wrong = (words: string): FieldError => invalid(`${path}.deprecationWarning`, deprecationWarning, words);
  if (deprecated !== true) return [wrong("can only be set for deprecated versions")];
  if (deprecationWarning === "") return [wrong("must not be an empty string")];
  return Buffer.byteLength(deprecationWarning) > WARNING_BYTES_MAX ? [wrong("must be <= 256 characters long")] : [];
}

function subresourceErrors(subresources: CustomResourceDefinitionVersion["subresources"], path: string): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const under = (name: "specReplicasPath" | "statusReplicasPath" | "labelSelectorPath", root: string, optional: boolean): FieldError[] => {
    const value = scale[name] ?? "";
    const field = `${path}.scale.${name}`;
    if (value === "") return optional ? [] : [required(field)];
    const errors = simplePathErrors(value, field);
    if (errors.length > 0 || value.startsWith(`.${root}.`) || (optional && value.startsWith(".spec."))) return errors;
    return [invalid(field, value, `should be a json path under ${optional ? "either .status or .spec" : `.${root}`}`)];
  };
  return [
    ...under("specReplicasPath", "spec", false),
    ...under("statusReplicasPath", "status", false),
    ...under("labelSelectorPath", "status", true),
  ];
}

/** Paths of names only. */
function simplePathErrors(path: string, field: string): FieldError[] {
  if (!path.startsWith(".")) return [invalid(field, path, "must be a simple json path starting with .")];
  return jsonPath(path) === undefined ? [invalid(field, path, "is an invalid JSON path")] : [];
}

function columnErrors(columns: CustomResourceDefinitionVersion["additionalPrinterColumns"], path: string): FieldError[] {
  return (columns ?? []).flatMap(({ name, type, format, jsonPath: value }, index) => {
    const field = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(`${field}.name`));
    const types = `must be one of ${COLUMN_TYPES.join(",")}`;
    if (!type) errors.push(required(`${field}.type`, types));
    else if (!COLUMN_TYPES.includes(type)) errors.push(invalid(`${field}.type`, type, types));
    if (format && !COLUMN_FORMATS.includes(format))
      errors.push(invalid(`${field}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`));
    errors.push(...(value ? simplePathErrors(value, `${field}.JSONPath`) : [required(`${field}.JSONPath`)]));
    return errors;
  });
}

function selectableErrors(
  fields: CustomResourceDefinitionVersion["selectableFields"],
  schema: StructuralSchema | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath: value }] of (fields ?? []).entries()) {
    const field = `${path}[${index}].jsonPath`;
    if (!value) {
      errors.push(required(field));
      continue;
    }
    const found = findField(value, schema ?? {}, false);
    if ("wrong" in found) {
      errors.push(invalid(field, value, `is an invalid path: ${found.wrong}`));
      continue;
    }
    if (/^metadata\b/.test(found.path)) errors.push(invalid(field, value, "must not point to fields in metadata"));
    if (!SELECTABLE_TYPES.includes(found.schema.type)) {
      const words = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      errors.push(invalid(field, value, words));
    }
    if (seen.has(found.path)) errors.push(duplicate(field, value));
    seen.add(found.path);
  }
  if (seen.size > SELECTABLE_FIELDS_MAX) errors.push(tooMany(path, seen.size, SELECTABLE_FIELDS_MAX));
  return errors;
}

/** `recognized`: one of the versions of reviews must be known, since it was before. Source: validateCustomResourceConversion. */
export function conversionErrors(
  { conversion }: CustomResourceDefinitionSpec,
  before: CustomResourceDefinitionSpec | undefined,
): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const path = "spec.conversion";
  const errors = requiredOneOf(strategy, STRATEGIES, `${path}.strategy`);
  const reviews = webhook?.conversionReviewVersions ?? [];
  if (strategy !== "Webhook") {
    const words = "should not be set when strategy is not set to Webhook";
    if (webhook?.clientConfig !== undefined) errors.push(forbidden(`${path}.webhookClientConfig`, words));
    if (reviews.length > 0) errors.push(forbidden(`${path}.conversionReviewVersions`, words));
    return errors;
  }
  if (webhook?.clientConfig === undefined) errors.push(required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook"));
  else errors.push(...validateClient(webhook.clientConfig, `${path}.webhookClientConfig`));
  const known = before?.conversion?.webhook?.conversionReviewVersions ?? [];
  return [
    ...errors,
    ...reviewVersionErrors(reviews, known.length === 0 || known.some(isReviewVersion), `${path}.conversionReviewVersions`),
  ];
}

function isReviewVersion(version: string): boolean {
  return version === "v1" || version === "v1beta1";
}

/** Source: validateConversionReviewVersions. */
function reviewVersionErrors(versions: readonly string[], recognized: boolean, field: string): FieldError[] {
  if (versions.length === 0) return [required(field)];
  const errors = versions.flatMap((version, index) => {
    const path = `${field}[${index}]`;
    if (versions.indexOf(version) < index) return [invalid(path, version, "duplicate version")];
    return dns1035Label(version).map((words) => invalid(path, version, words));
  });
  if (!recognized || versions.some(isReviewVersion)) return errors;
  return [...errors, invalid(field, versions, "must include at least one of v1, v1beta1")];
}

/** Names of Kubernetes' own groups are for who is allowed to use them. Source: KEP-1111. */
export function approvalErrors({ metadata, spec }: CustomResourceDefinition, current: CustomResourceDefinition | undefined): FieldError[] {
  if (!PROTECTED_GROUP.test(spec.group ?? "")) return [];
  const approval = metadata.annotations?.[APPROVAL] ?? "";
  const state = approvalState(approval);
  if (state === "given" || (current !== undefined && state === approvalState(current.metadata.annotations?.[APPROVAL] ?? ""))) return [];
  const field = `metadata.annotations[${APPROVAL}]`;
  if (state === "missing") {
    const words = `protected groups must have approval annotation "${APPROVAL}", see https://github.com/kubernetes/enhancements/pull/1111`;
    return [required(field, words)];
  }
  const words = `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [invalid(field, approval, words)];
}

function approvalState(approval: string): "missing" | "given" | "wrong" {
  if (approval === "") return "missing";
  return approval.startsWith("unapproved") || URL.canParse(approval) ? "given" : "wrong";
}

/** Versions that objects may still be stored in must be there. */
export function storedVersionErrors({ spec, status }: CustomResourceDefinition): FieldError[] {
  const field = "status.storedVersions";
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [invalid(field, null, "must have at least one stored version")];
  const errors = (spec.versions ?? [])
    .filter(({ storage, name }) => storage && !stored.includes(name))
    .map(({ name }) => invalid(field, stored, `must have the storage version ${name}`));
  for (const [index, version] of stored.entries()) {
    if ((spec.versions ?? []).some(({ name }) => name === version)) continue;
    const words = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.push(invalid(`${field}[${index}]`, version, words));
  }
  return errors;
}
