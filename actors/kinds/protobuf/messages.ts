/**
 * The messages of Kubernetes' protobuf encoding, made of two tables: field numbers from `generated/protobuf.json`, names and types from the
 * schema. The notation of a message lists its fields by number, beginning with 1:
 *
 *   `name`    the next field      `6:name`   a field behind a gap of numbers
 *   `( a b )` a message of its own whose fields stand in JSON among those of its parent (a struct that Go embeds)
 */
import numbers from "../generated/protobuf.json" with { type: "json" };
import type { FieldType } from "../machinery/schema.ts";
import { definitionNamed, definitionOf } from "../machinery/schema.ts";

/** One field of a message. */
export type MessageField =
  | { readonly form: "value"; readonly number: number; readonly name: string; readonly type: FieldType; readonly dropsEmpty: boolean }
  | { readonly form: "embedded"; readonly number: number; readonly message: Message };

export interface Message {
  /** The name of its Go struct. */
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly MessageField[];
  readonly byNumber: ReadonlyMap<number, MessageField>;
}

const NUMBERS: Readonly<Record<string, string>> = numbers;
const read = new Map<string, Message>();

/** The message of a TypeScript type name of the schema (`DiscoveryEndpointPort`); undefined when it has no protobuf form. */
export function messageOf(type: string): Message | undefined {
  const known = read.get(type);
  if (known !== undefined) return known;
  const definition = definitionOf(type);
  const notation = Object.hasOwn(NUMBERS, type) ? NUMBERS[type] : undefined;
  if (definition === undefined || notation === undefined) return undefined;
  const name = definition.name.slice(definition.name.lastIndexOf(".") + 1);
  const tokens = notation === "" ? [] : notation.split(" ");
  const message = readMessage(name, tokens, (field): MessageField | undefined => {
    const schema = definition.fields.get(field);
    if (schema === undefined) return undefined;
    const dropsEmpty = schema.presence === "optional" && schema.type.form !== "ref";
    return { form: "value", number: 0, name: field, type: schema.type, dropsEmpty };
  });
  read.set(type, message);
  return message;
}

/** Takes its tokens off the list, up to the closing bracket. */
function readMessage(name: string, tokens: string[], fieldOf: (name: string) => MessageField | undefined): Message {
  const fields: MessageField[] = [];
  let number = 1;
  for (let token = tokens.shift(); token !== undefined && token !== ")"; token = tokens.shift()) {
    const colon = token.indexOf(":");
    if (colon > 0) number = Number(token.slice(0, colon));
    const text = token.slice(colon + 1);
    if (text === "(") {
      fields.push({ form: "embedded", number, message: readMessage(name, tokens, fieldOf) });
    } else {
      const field = fieldOf(text);
      if (field === undefined) throw new Error(`generated/protobuf.json has a field that the schema lacks: ${name}.${text}`);
      fields.push({ ...field, number });
    }
    number += 1;
  }
  return { name, fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
}

const METADATA: MessageField = { form: "value", number: 1, name: "metadata", type: { form: "ref", type: "ObjectMeta" }, dropsEmpty: false };

/** `meta.k8s.io/v1` PartialObjectMetadata, which is no object of the API and so in no table. */
export const PARTIAL_METADATA: Message = { name: "PartialObjectMetadata", fields: [METADATA], byNumber: new Map([[1, METADATA]]) };

const META_V1 = "io.k8s.apimachinery.pkg.apis.meta.v1";

/**
 * The schema type of an object by what it says of itself, `("apps/v1", "Deployment")`. Options and Statuses may be named under any group and
 * are always those of meta/v1. Undefined when it has no protobuf form (a custom resource, a Table).
 */
export function typeOfObject(apiVersion: string, kind: string): string | undefined {
  const [first = "", version] = apiVersion.split("/");
  const pack = version === undefined ? `io.k8s.api.core.${first}` : `io.k8s.api.${first.split(".")[0]}.${version}`;
  return (definitionNamed(`${pack}.${kind}`) ?? definitionNamed(`${META_V1}.${kind}`))?.type;
}
