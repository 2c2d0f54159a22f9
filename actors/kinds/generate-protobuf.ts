/**
 * Writes `generated/protobuf.json`: the field numbers of Kubernetes' protobuf encoding for the definitions of `generated/schema.json`.
 * Run by hand, after `generate.ts`, when the release of Kubernetes or the list of roots changes:
 * `node actors/kinds/generate-protobuf.ts DIR...`, each DIR holding the `generated.proto` files of k8s.io/api or k8s.io/apimachinery of
 * that release. The notation is that of `protobuf/messages.ts`. Types are not written: they follow from the schema's, and that they
 * do is checked here.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Definition, FieldSchema, FieldType } from "./machinery/schema.ts";
import { definitionOf } from "./machinery/schema.ts";

const GENERATED = new URL("./generated/", import.meta.url);

interface ProtoField {
  readonly number: number;
  readonly name: string;
  /** A scalar, or the full name of a message. */
  readonly type: string;
  readonly form: "single" | "repeated" | "map";
}

/** Not the kinds of the servers beside: their clients speak JSON, and JSON schemas are written another way in protobuf than in JSON. */
const WITH_PROTOBUF = /^io\.k8s\.(api|apimachinery)\./;

const PROTO_SCALARS = new Set(["string", "bytes", "bool", "int32", "int64", "double"]);

/** What a schema's scalar may be in proto, by the last part of its name. */
const PROTO_OF_SCALAR: Readonly<Record<string, readonly string[]>> = {
  string: ["string"],
  int32: ["int32"],
  int64: ["int64"],
  double: ["double"],
  boolean: ["bool"],
  bytes: ["bytes"],
  time: ["Time"],
  microTime: ["MicroTime"],
  quantity: ["Quantity"],
  intOrString: ["IntOrString"],
  any: ["RawExtension", "FieldsV1"],
};

/** Messages by their full name, as the schema has it: `io.k8s.api.core.v1.Pod`. */
function readMessages(directories: readonly string[]): Map<string, ProtoField[]> {
  const messages = new Map<string, ProtoField[]>();
  for (const directory of directories) {
    for (const file of globSync("**/generated.proto", { cwd: directory })) {
      const text = readFileSync(join(directory, file), "utf8");
      const pack = schemaName(/^package ([\w.]+);/m.exec(text)?.[1] ?? "");
      const full = (type: string): string => {
        if (PROTO_SCALARS.has(type)) return type;
        return type.includes(".") ? schemaName(type.replace(/^\./, "")) : `${pack}.${type}`;
      };
      for (const [, message = "", body = ""] of text.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)) {
        messages.set(`${pack}.${message}`, readFields(body, full));
      }
    }
  }
  return messages;
}

function schemaName(protoName: string): string {
  return protoName.replace(/^k8s\.io\./, "io.k8s.");
}

function readFields(body: string, full: (type: string) => string): ProtoField[] {
  const fields: ProtoField[] = [];
  for (const [, label = "", type = "", name = "", number = ""] of body.matchAll(
    /^ {2}(optional |repeated |)([\w.<>, ]+?) (\w+) = (\d+);/gm,
  )) {
    const map = /^map<string, *([\w.]+)>$/.exec(type);
    const form = map !== null ? "map" : label === "repeated " ? "repeated" : "single";
    fields.push({ number: Number(number), name, type: full(map?.[1] ?? type), form });
  }
  return fields.sort((a, b) => a.number - b.number);
}

class Generator {
  readonly #messages: ReadonlyMap<string, readonly ProtoField[]>;

  constructor(messages: ReadonlyMap<string, readonly ProtoField[]>) {
    this.#messages = messages;
  }

  /** One definition in the notation of messages.ts. Throws when a field has no number, or a type that does not fit. */
  line(definition: Definition): string {
    const wanted = new Map(definition.fields);
    // The type of an object that stands alone is in the envelope.
    const own = this.#fieldsOf(definition.name);
    for (const name of ["apiVersion", "kind"]) if (!own.some((field) => field.name === name)) wanted.delete(name);
    const text = this.#tokens(own, wanted).join(" ");
    if (wanted.size > 0) throw new Error(`${definition.name}: no field number for ${[...wanted.keys()].join(", ")}`);
    return text;
  }

  #fieldsOf(message: string): readonly ProtoField[] {
    const fields = this.#messages.get(message);
    if (fields === undefined) throw new Error(`no message ${message}; are the directories those of k8s.io/api and k8s.io/apimachinery?`);
    return fields;
  }

  /** Takes what it finds out of `wanted`. */
  #tokens(fields: readonly ProtoField[], wanted: Map<string, FieldSchema>): string[] {
    const tokens: string[] = [];
    let expected = 1;
    for (const { number, name, type, form } of fields) {
      // A few differ in case: `uID`.
      const schema = wanted.get(name) ?? [...wanted.values()].find((field) => field.name.toLowerCase() === name.toLowerCase());
      let token: string | undefined;
      if (schema !== undefined) {
        wanted.delete(schema.name);
        if (!this.#fits(schema.type, type, form))
          throw new Error(`${name} is ${form} ${type} in proto, ${JSON.stringify(schema.type)} here`);
        token = schema.name;
      } else if (form === "single" && !PROTO_SCALARS.has(type)) {
        const inner = this.#tokens(this.#fieldsOf(type), wanted);
        if (inner.length > 0) token = `( ${inner.join(" ")} )`;
      }
      if (token === undefined) continue;
      tokens.push(number === expected ? token : `${number}:${token}`);
      expected = number + 1;
    }
    return tokens;
  }

  #fits(type: FieldType, proto: string, form: ProtoField["form"]): boolean {
    switch (type.form) {
      case "list":
        return form === "repeated" && this.#fits(type.item, proto, "single");
      case "map":
        if (type.value.form === "list") {
          const [items, ...more] = this.#fieldsOf(proto);
          return form === "map" && items?.number === 1 && more.length === 0 && this.#fits(type.value, items.type, items.form);
        }
        return form === "map" && this.#fits(type.value, proto, "single");
      case "ref":
        return form === "single" && definitionOf(type.type)?.name === proto;
      case "scalar":
        return form === "single" && PROTO_OF_SCALAR[type.name]?.includes(proto.split(".").at(-1) ?? "") === true;
    }
  }
}

function main(): void {
  const generator = new Generator(readMessages(process.argv.slice(2)));
  const tables = JSON.parse(readFileSync(new URL("schema.json", GENERATED), "utf8")) as Record<string, unknown>;
  const lines = Object.keys(tables).flatMap((type) => {
    const definition = definitionOf(type);
    if (definition === undefined || !WITH_PROTOBUF.test(definition.name)) return [];
    return [`${JSON.stringify(type)}:${JSON.stringify(generator.line(definition))}`];
  });
  writeFileSync(new URL("protobuf.json", GENERATED), `{\n${lines.join(",\n")}\n}\n`);
}

main();
