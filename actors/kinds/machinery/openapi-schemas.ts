/** The schemas of the OpenAPI documents, from the same tables as everything else. Source of the form: kube-openapi, Kubernetes 1.34. */
import { createRequire } from "node:module";
import { publishedSchema } from "../custom/published-schema.ts";
import { structFactsOf } from "../go-facts.ts";
import type { Kind } from "../kind.ts";
import { mergeFactsOf } from "../merge-keys.ts";
import { META_SCHEMA } from "./metadata-schema.ts";
import type { Definition, FieldSchema, FieldType, ScalarName } from "./schema.ts";
import { definitionNamed, definitionOf } from "./schema.ts";

export type OpenApiSchema = Record<string, unknown>;

/** Versions 2 and 3 differ in where schemas lie and in how a reference may have a description. */
export type OpenApiVersion = 2 | 3;

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const REF_PREFIX: Readonly<Record<OpenApiVersion, string>> = { 2: "#/definitions/", 3: "#/components/schemas/" };

export function refTo(name: string, version: OpenApiVersion): string {
  return `${REF_PREFIX[version]}${name}`;
}

/** Scalars that have a definition of their own. */
const NAMED_SCALARS: Partial<Readonly<Record<ScalarName, string>>> = {
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
};

const PLAIN_SCALARS: Partial<Readonly<Record<ScalarName, OpenApiSchema>>> = {
  string: { type: "string" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  boolean: { type: "boolean" },
  bytes: { type: "string", format: "byte" },
  any: { type: "object" },
};

function namedScalars(version: OpenApiVersion): Readonly<Record<string, OpenApiSchema>> {
  const either = (format: string | undefined, types: readonly string[]): OpenApiSchema =>
    version === 3
      ? { ...(format === undefined ? {} : { format }), oneOf: types.map((type) => ({ type })) }
      : { type: "string", ...(format === undefined ? {} : { format }) };
  return {
    [`${META}.Time`]: { type: "string", format: "date-time", description: "A time in RFC 3339, in whole seconds." },
    [`${META}.MicroTime`]: { type: "string", format: "date-time", description: "A time in RFC 3339, with microseconds." },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
      ...either(undefined, ["string", "number"]),
      description: "A fixed-point number with an optional suffix: `500m`, `64Mi`, `1.5`.",
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
      ...either("int-or-string", ["integer", "string"]),
      description: "A number, or text such as a percentage or the name of a port.",
    },
  };
}

type Docs = readonly [own: string, fields: Readonly<Record<string, string>>, values?: Readonly<Record<string, readonly string[]>>];
let docs: Readonly<Record<string, Docs>> | undefined;

/** The descriptions are half a megabyte that only `kubectl explain` wants, so they are loaded when it comes. */
function docsOf(type: string): Docs {
  docs ??= createRequire(import.meta.url)("../generated/docs.json") as Record<string, Docs>;
  return docs[type] ?? ["", {}];
}

const CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

/** What is said of the fields that every object has. */
const rootDocs = (): Readonly<Record<string, string>> => docsOf("Pod")[1];

function withValues(schema: OpenApiSchema, values: readonly string[] | undefined): OpenApiSchema {
  if (values === undefined) return schema;
  return schema.type === "array" ? { ...schema, items: withValues(schema.items as OpenApiSchema, values) } : { ...schema, enum: values };
}

/** Gathers the schemas that a document needs, each once. */
export class SchemaSet {
  readonly schemas: Record<string, OpenApiSchema> = {};
  readonly #version: OpenApiVersion;

  constructor(version: OpenApiVersion) {
    this.#version = version;
  }

  /** Adds a definition and what it reaches; returns its name. */
  addNamed(name: string): string {
    if (name in this.schemas) return name;
    const definition = definitionNamed(name);
    if (definition === undefined) this.schemas[name] = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    else this.#add(definition);
    return name;
  }

  /** Adds a kind and its list, both with their group, version and kind. Several kinds may share a schema's document. */
  addKind(kind: Pick<Kind, "group" | "version" | "kind" | "schema" | "custom"> & { readonly plural?: string }, withList: boolean): void {
    if (kind.custom !== undefined) {
      const root = {
        ...this.#typeFields(),
        metadata: this.#withDescription(this.#ref(this.addNamed(META_SCHEMA)), rootDocs().metadata ?? ""),
      };
      this.schemas[kind.schema] = publishedSchema(kind.custom.schema, this.#version, root);
    }
    const listKind = kind.custom?.listKind ?? `${kind.kind}List`;
    const schema = this.schemas[this.addNamed(kind.schema)] ?? {};
    const { group, version } = kind;
    schema["x-kubernetes-group-version-kind"] = [{ group, kind: kind.kind, version }];
    if (!withList) return;
    const ref = this.#ref(kind.schema);
    this.schemas[`${kind.schema}List`] = {
      description: `${listKind} is a list of ${kind.kind}`,
      type: "object",
      required: ["items"],
      properties: {
        ...this.#typeFields(),
        items: { type: "array", description: `List of ${kind.plural ?? "objects"}. More info: ${CONVENTIONS}`, items: ref },
        metadata: this.#withDescription(this.#ref(`${META}.ListMeta`), `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`),
      },
      "x-kubernetes-group-version-kind": [{ group, kind: listKind, version }],
    };
    this.addNamed(`${META}.ListMeta`);
  }

  #typeFields(): Record<string, OpenApiSchema> {
    const said = rootDocs();
    return {
      apiVersion: { type: "string", description: said.apiVersion ?? "" },
      kind: { type: "string", description: said.kind ?? "" },
    };
  }

  #add(definition: Definition): void {
    const [description, fields, values = {}] = docsOf(definition.type);
    const schema: OpenApiSchema = { ...(description === "" ? {} : { description }), type: "object" };
    this.schemas[definition.name] = schema;
    const required = [...definition.fields.values()].filter((field) => field.presence === "required").map((field) => field.name);
    if (required.length > 0) schema.required = required;
    const properties: Record<string, OpenApiSchema> = {};
    for (const field of definition.fields.values()) {
      const typed = withValues(this.#typeSchema(field.type), values[field.name]);
      const described = this.#withDescription(typed, fields[field.name] ?? "");
      properties[field.name] = { ...described, ...this.#extensions(definition, field) };
    }
    schema.properties = properties;
    if (structFactsOf(definition.type).atomic === true) schema["x-kubernetes-map-type"] = "atomic";
  }

  #extensions(definition: Definition, field: FieldSchema): OpenApiSchema {
    const facts = mergeFactsOf(definition.type, field.name);
    const extensions: OpenApiSchema = {};
    if (facts.listType !== undefined) {
      extensions[field.type.form === "list" ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = facts.listType;
    }
    if (facts.listKeys.length > 0) extensions["x-kubernetes-list-map-keys"] = facts.listKeys;
    if (facts.mergeKey !== undefined) extensions["x-kubernetes-patch-merge-key"] = facts.mergeKey;
    if (facts.strategies.length > 0) extensions["x-kubernetes-patch-strategy"] = facts.strategies.join(",");
    return extensions;
  }

  #ref(name: string): OpenApiSchema {
    return { $ref: refTo(name, this.#version) };
  }

  /** In version 3 nothing may stand beside a reference. */
  #withDescription(schema: OpenApiSchema, description: string): OpenApiSchema {
    if (description === "") return schema;
    return "$ref" in schema && this.#version === 3 ? { allOf: [schema], description } : { ...schema, description };
  }

  #typeSchema(type: FieldType): OpenApiSchema {
    switch (type.form) {
      case "list":
        return { type: "array", items: this.#typeSchema(type.item) };
      case "map":
        return { type: "object", additionalProperties: this.#typeSchema(type.value) };
      case "ref": {
        const definition = definitionOf(type.type);
        return definition === undefined ? { type: "object" } : this.#ref(this.addNamed(definition.name));
      }
      case "scalar": {
        const name = NAMED_SCALARS[type.name];
        if (name === undefined) return { ...PLAIN_SCALARS[type.name] };
        this.schemas[name] ??= namedScalars(this.#version)[name] ?? {};
        return this.#ref(name);
      }
    }
  }
}
