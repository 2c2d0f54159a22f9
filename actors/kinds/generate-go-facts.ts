import type { GoField, GoTypes } from "./generate-go-structs.ts";
import { elementOf, printGoType } from "./generate-go-structs.ts";

/** Structs that are scalars on the wire. */
const WIRE_SCALARS: ReadonlySet<string> = new Set([
  ...["Time", "MicroTime", "Quantity", "IntOrString", "RawExtension", "FieldsV1", "JSON"],
  ...["JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool"],
]);
/** Metadata is made by the registry, whatever a client sent. */
const NEVER_PRINTED_EMPTY: ReadonlySet<string> = new Set(["ListMeta"]);

/** One line of `generated/go-facts.json`, in the notation of `go-facts.ts`. */
interface Line {
  readonly types?: string;
  readonly merge?: string;
  readonly atomic?: true;
}

/** What `generate.ts` asks of the Go types, by the OpenAPI name of a definition. */
export class GoFacts {
  readonly #go: GoTypes;

  constructor(go: GoTypes) {
    this.#go = go;
  }

  #field(definition: string, field: string): GoField | undefined {
    return this.#go.structs.get(definition)?.fields.get(field);
  }

  isQuantity(definition: string, field: string): boolean {
    const type = this.#field(definition, field)?.type ?? "";
    return (this.#go.named.get(type) ?? type).endsWith(".resource.Quantity");
  }

  /** Of a definition. */
  doc(definition: string): string {
    return this.#go.structs.get(definition)?.doc ?? "";
  }

  /** Of a field, with what its values mean where they are few. Source: DescriptionLines of kube-openapi's pkg/generators/enum.go. */
  fieldDoc(definition: string, name: string): string {
    const field = this.#field(definition, name);
    const lines = (this.#go.enums.get(field?.type ?? "") ?? []).map(({ value, doc }) => ` - \`${JSON.stringify(value)}\` ${doc}`.trimEnd());
    const values = lines.length === 0 ? [] : ["Possible enum values:", ...lines.sort()];
    return [field?.doc ?? "", values.join("\n")].filter((part) => part !== "").join("\n\n");
  }

  /** The values that a field, or what it lists, may have; undefined: any. */
  values(definition: string, name: string): readonly string[] | undefined {
    const values = this.#go.enums.get((this.#field(definition, name)?.type ?? "").replace(/^\[\]/, ""));
    return values?.map(({ value }) => value).sort();
  }

  /**
   * `?`: a scalar held by pointer, so that its zero value is a value. `+`: printed even when nobody set it, as Go prints structs that are
   * held by value and fields that are never omitted. Of fields that are not required.
   */
  presence(definition: string, name: string): "" | "?" | "+" {
    const field = this.#field(definition, name);
    if (field === undefined) return "";
    const simple = field.type.slice(field.type.lastIndexOf(".") + 1);
    const struct = this.#go.structs.has(field.type) || (elementOf(field.type) === field.type && WIRE_SCALARS.has(simple));
    if (field.pointer) return struct && !WIRE_SCALARS.has(simple) ? "" : "?";
    if (NEVER_PRINTED_EMPTY.has(simple) || name === "apiVersion" || name === "kind") return "";
    return field.omitted === "never" || (struct && field.omitted === "empty") ? "+" : "";
  }

  /** Undefined when there is nothing to say. Throws for a name that no Go type has: its package is another. */
  line(definition: string): Line | undefined {
    const struct = this.#go.structs.get(definition);
    if (struct === undefined) throw new Error(`no Go type ${definition}`);
    const fields = [...struct.fields.values()];
    const types = fields.flatMap((field) => this.#namedType(definition, field)).join(" ");
    const merge = fields.flatMap(mergeFacts).join(" ");
    if (types === "" && merge === "" && !struct.atomic) return undefined;
    return { ...(types === "" ? {} : { types }), ...(merge === "" ? {} : { merge }), ...(struct.atomic ? { atomic: true } : {}) };
  }

  /** Only types that are no structs: those are known by their definitions. */
  #namedType(definition: string, field: GoField): string[] {
    if (!this.#go.named.has(elementOf(field.type))) return [];
    const own = definition.split(".").at(-2) ?? "";
    const printed = printGoType(field.type);
    return [`${field.json}:${own === "v1" ? printed.replace(/(^|[\]])v1\./, "$1") : printed}`];
  }
}

function mergeFacts(field: GoField): string[] {
  const marker = (name: string): string[] =>
    field.markers.filter((one) => one.startsWith(`${name}=`)).map((one) => one.slice(name.length + 1));
  const [type = ""] = [...marker("listType"), ...marker("mapType"), ...marker("structType")];
  const patch = field.patchMergeKey === "" ? field.patchStrategy : `${field.patchStrategy}/${field.patchMergeKey}`;
  const keys = marker("listMapKey").join(",");
  const apply = keys === "" ? type : `${type}/${keys}`;
  return patch === "" && apply === "" ? [] : [`${field.json}=${patch}=${apply}`];
}
