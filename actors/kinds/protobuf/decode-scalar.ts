/** Reads what the schema calls scalars; some are messages in protobuf, and have a form of their own in JSON. */
import type { ScalarName } from "../machinery/schema.ts";
import { textOfTime } from "./timestamp.ts";
import type { WireReader } from "./wire-reader.ts";
import { DELIMITED, FIXED64, ProtobufError, VARINT } from "./wire-reader.ts";

/** How the value of each scalar of the schema is laid out. */
export const WIRE_TYPES: Readonly<Record<ScalarName, number>> = {
  string: DELIMITED,
  bytes: DELIMITED,
  int32: VARINT,
  int64: VARINT,
  boolean: VARINT,
  double: FIXED64,
  // Messages of their own.
  time: DELIMITED,
  microTime: DELIMITED,
  quantity: DELIMITED,
  intOrString: DELIMITED,
  any: DELIMITED,
};

/** Throws ProtobufError when the field under way is not laid out like that. */
export function expectWireType(wireType: number, reader: WireReader, field: string): void {
  if (reader.wireType === wireType) return;
  const goField = `${field.charAt(0).toUpperCase()}${field.slice(1)}`;
  throw new ProtobufError(`proto: wrong wireType = ${reader.wireType} for field ${goField}`);
}

/** The value of the field under way, whose layout is checked already. Throws ProtobufError. */
export function readScalar(name: ScalarName, reader: WireReader): unknown {
  switch (name) {
    case "string":
      return reader.text();
    case "bytes":
      return reader.base64();
    case "int32":
      return reader.int32();
    case "int64":
      return reader.int64();
    case "boolean":
      return reader.bool();
    case "double":
      return finite(reader.double());
    case "time":
    case "microTime":
      return readTime(name, reader);
    case "quantity":
      return readQuantity(reader);
    case "intOrString":
      return readIntOrString(reader);
    case "any":
      return readEmbeddedJson(reader);
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value))
    throw new ProtobufError(`json: unsupported value: ${Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"}`);
  return value;
}

/** `meta.v1.Time`: an empty one is Go's zero time, which JSON prints as null. */
function readTime(name: "time" | "microTime", reader: WireReader): string | null {
  const message = name === "time" ? "Time" : "MicroTime";
  let seconds = 0;
  let nanos = 0;
  const outer = reader.enter();
  const empty = reader.done;
  while (!reader.done) {
    const number = reader.tag(message);
    if (number === 1) {
      expectWireType(VARINT, reader, "seconds");
      seconds = reader.int64();
    } else if (number === 2) {
      expectWireType(VARINT, reader, "nanos");
      nanos = reader.int32();
    } else reader.skip();
  }
  reader.leave(outer);
  if (empty) return null;
  const text = textOfTime(seconds, nanos, name === "microTime");
  if (text === undefined) throw new ProtobufError(`${message}.MarshalJSON: year outside of range [0,9999]`);
  return text;
}

function readQuantity(reader: WireReader): string {
  let text = "0";
  const outer = reader.enter();
  while (!reader.done) {
    if (reader.tag("Quantity") === 1) {
      expectWireType(DELIMITED, reader, "string_");
      text = reader.text();
    } else reader.skip();
  }
  reader.leave(outer);
  return text;
}

/** `type` says which of the other two counts. */
function readIntOrString(reader: WireReader): number | string {
  let type = 0;
  let number = 0;
  let text = "";
  const outer = reader.enter();
  while (!reader.done) {
    switch (reader.tag("IntOrString")) {
      case 1:
        expectWireType(VARINT, reader, "type");
        type = reader.int64();
        break;
      case 2:
        expectWireType(VARINT, reader, "intVal");
        number = reader.int32();
        break;
      case 3:
        expectWireType(DELIMITED, reader, "strVal");
        text = reader.text();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  if (type !== 0 && type !== 1) throw new ProtobufError("impossible IntOrString.Type");
  return type === 1 ? text : number;
}

/** RawExtension and FieldsV1 alike: field 1 is JSON text. */
function readEmbeddedJson(reader: WireReader): unknown {
  let text = "";
  const outer = reader.enter();
  while (!reader.done) {
    if (reader.tag("RawExtension") === 1) {
      expectWireType(DELIMITED, reader, "raw");
      text = reader.text();
    } else reader.skip();
  }
  reader.leave(outer);
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProtobufError("proto: a field that holds JSON holds something else");
  }
}
