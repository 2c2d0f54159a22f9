/**
 * The Swagger document as the protobuf message that client-go asks for, and with it whoever checks manifests against the server's own schemas (helm's
 * dry runs). Field numbers are those of gnostic's OpenAPIv2.proto, of which only what our documents use is here; values of any type are text in YAML,
 * for which JSON will do.
 */
import { WireWriter } from "./wire-writer.ts";

type Json = Readonly<Record<string, unknown>>;
/** Writes a field's value, with its number. */
type Write = (writer: WireWriter, number: number, value: unknown) => void;

interface Message {
  /** By the names in JSON. Others are left out. */
  readonly fields: Readonly<Record<string, readonly [number: number, write: Write]>>;
  /** The number of the field for members that begin with `x-`. */
  readonly extensions?: number;
}

const CAPACITY_BYTES = 1 << 20;

/** The message, as bytes. */
export function encodeOpenApiV2(document: object): Buffer {
  const writer = new WireWriter(CAPACITY_BYTES);
  writeMessage(writer, DOCUMENT, document as Json);
  return writer.finish();
}

/** Last member first, as the writer wants it. */
function writeMessage(writer: WireWriter, { fields, extensions }: Message, value: Json): void {
  for (const name of Object.keys(value).reverse()) {
    const field = fields[name];
    if (field !== undefined) field[1](writer, field[0], value[name]);
    else if (extensions !== undefined && name.startsWith("x-")) writeNamed(writer, extensions, name, any, value[name]);
  }
}

/** One of gnostic's `Named...` messages: a key and its value. */
function writeNamed(writer: WireWriter, number: number, name: string, write: Write, value: unknown): void {
  const before = writer.length;
  write(writer, 2, value);
  writer.text(1, name);
  writer.close(number, before);
}

const text: Write = (writer, number, value) => writer.text(number, String(value));
const bool: Write = (writer, number, value) => {
  if (value === true) writer.bool(number, true);
};
const whole: Write = (writer, number, value) => writer.int(number, Number(value));
const real: Write = (writer, number, value) => writer.double(number, Number(value));
const any: Write = (writer, number, value) => {
  const before = writer.length;
  writer.text(2, `${JSON.stringify(value)}\n`);
  writer.close(number, before);
};

/** A message that is a field of another. It is looked up when it is needed, since schemas have schemas in them. */
function nested(message: () => Message): Write {
  return (writer, number, value) => {
    const before = writer.length;
    writeMessage(writer, message(), value as Json);
    writer.close(number, before);
  };
}

function listOf(write: Write): Write {
  return (writer, number, value) => {
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    for (let i = list.length - 1; i >= 0; i--) write(writer, number, list[i]);
  };
}

/** A value in messages around it, of which each has but this one field; the outermost first. */
function within(numbers: readonly number[], write: Write): Write {
  return (writer, number, value) => {
    const [inner = 1, ...rest] = numbers;
    const before = writer.length;
    if (rest.length === 0) write(writer, inner, value);
    else within(rest, write)(writer, inner, value);
    writer.close(number, before);
  };
}

/** A map, as a message of named values in the field `at`. */
function mapOf(at: number, write: Write): Write {
  return (writer, number, value) => {
    const before = writer.length;
    for (const name of Object.keys(value as Json).reverse()) writeNamed(writer, at, name, write, (value as Json)[name]);
    writer.close(number, before);
  };
}

const schema = nested(() => SCHEMA);

const additionalProperties: Write = (writer, number, value) =>
  typeof value === "boolean"
    ? within([2], (inner, at) => inner.bool(at, value))(writer, number, value)
    : within([1], schema)(writer, number, value);

const SCHEMA: Message = {
  fields: {
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, any],
    multipleOf: [6, real],
    maximum: [7, real],
    exclusiveMaximum: [8, bool],
    minimum: [9, real],
    exclusiveMinimum: [10, bool],
    maxLength: [11, whole],
    minLength: [12, whole],
    pattern: [13, text],
    maxItems: [14, whole],
    minItems: [15, whole],
    uniqueItems: [16, bool],
    maxProperties: [17, whole],
    minProperties: [18, whole],
    required: [19, listOf(text)],
    enum: [20, listOf(any)],
    additionalProperties: [21, additionalProperties],
    type: [22, within([1], listOf(text))],
    items: [23, within([1], listOf(schema))],
    allOf: [24, listOf(schema)],
    properties: [25, mapOf(1, schema)],
    readOnly: [27, bool],
    example: [30, any],
  },
  extensions: 31,
};

const BODY_PARAMETER: Message = {
  fields: { description: [1, text], name: [2, text], in: [3, text], required: [4, bool], schema: [5, schema] },
  extensions: 6,
};
const QUERY_PARAMETER: Message = {
  fields: {
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    type: [6, text],
    format: [7, text],
    uniqueItems: [20, bool],
  },
  extensions: 23,
};
const PATH_PARAMETER: Message = {
  fields: {
    required: [1, bool],
    in: [2, text],
    description: [3, text],
    name: [4, text],
    type: [5, text],
    format: [6, text],
    uniqueItems: [19, bool],
  },
  extensions: 22,
};

/** Which of gnostic's messages a parameter is in depends on where it stands. */
const parameter: Write = (writer, number, value) => {
  const { in: place } = value as Json;
  if (place === "body")
    within(
      [1, 1],
      nested(() => BODY_PARAMETER),
    )(writer, number, value);
  else if (place === "query")
    within(
      [1, 2, 3],
      nested(() => QUERY_PARAMETER),
    )(writer, number, value);
  else
    within(
      [1, 2, 4],
      nested(() => PATH_PARAMETER),
    )(writer, number, value);
};

const RESPONSE: Message = { fields: { description: [1, text], schema: [2, within([1], schema)] }, extensions: 5 };

const OPERATION: Message = {
  fields: {
    tags: [1, listOf(text)],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, listOf(text)],
    consumes: [7, listOf(text)],
    parameters: [8, listOf(parameter)],
    responses: [
      9,
      mapOf(
        1,
        within(
          [1],
          nested(() => RESPONSE),
        ),
      ),
    ],
    schemes: [10, listOf(text)],
    deprecated: [11, bool],
  },
  extensions: 13,
};
const operation = nested(() => OPERATION);

const PATH_ITEM: Message = {
  fields: {
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    options: [6, operation],
    head: [7, operation],
    patch: [8, operation],
    parameters: [9, listOf(parameter)],
  },
  extensions: 10,
};

const INFO: Message = { fields: { title: [1, text], version: [2, text], description: [3, text] }, extensions: 7 };

const DOCUMENT: Message = {
  fields: {
    swagger: [1, text],
    info: [2, nested(() => INFO)],
    paths: [
      8,
      mapOf(
        2,
        nested(() => PATH_ITEM),
      ),
    ],
    definitions: [9, mapOf(1, schema)],
  },
  extensions: 16,
};
