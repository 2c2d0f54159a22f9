/**
 * Reads a message into the object that its JSON would have been read to. Go's encoder writes also what is empty, and its JSON encoder then leaves
 * that out: so do we, by the schema. Source: apimachinery's generated decoders, and its *_proto.go for what JSON prints in its own way.
 */
import type { FieldType, ScalarName } from "../machinery/schema.ts";
import { expectWireType, readScalar, WIRE_TYPES } from "./decode-scalar.ts";
import type { Message } from "./messages.ts";
import { messageOf } from "./messages.ts";
import type { WireReader } from "./wire-reader.ts";
import { DELIMITED, ProtobufError } from "./wire-reader.ts";

type Json = Record<string, unknown>;

/** Messages inside messages. The deepest served kind has some fifteen; JSON schemas, which nest in themselves, are the deepest of all. */
export const NESTING_MAX = 100;

/** Reads up to the reader's end. Throws ProtobufError. */
export function decodeMessage(message: Message, reader: WireReader): Json {
  const object: Json = {};
  readInto(object, message, reader, NESTING_MAX);
  return object;
}

function readInto(object: Json, message: Message, reader: WireReader, depth: number): void {
  if (depth === 0) throw new ProtobufError("proto: the message is nested too deeply");
  while (!reader.done) {
    const field = message.byNumber.get(reader.tag(message.name));
    if (field === undefined) {
      reader.skip();
      continue;
    }
    if (field.form === "embedded") {
      expectWireType(DELIMITED, reader, field.message.name);
      const outer = reader.enter();
      readInto(object, field.message, reader, depth - 1);
      reader.leave(outer);
      continue;
    }
    const { name, type } = field;
    const value = readField(object[name], type, reader, name, depth);
    if (field.dropsEmpty && (value === "" || value === 0 || value === false || (value === null && isTime(type)))) delete object[name];
    else object[name] = value;
  }
}

function isTime(type: FieldType): boolean {
  return type.form === "scalar" && (type.name === "time" || type.name === "microTime");
}

/** The value of a field that so far is `before`: lists and maps grow, messages are merged, of everything else the last one counts. */
function readField(before: unknown, type: FieldType, reader: WireReader, name: string, depth: number): unknown {
  switch (type.form) {
    case "list": {
      const list = (before ?? []) as unknown[];
      if (reader.wireType === DELIMITED && isPackable(type.item)) readPacked(list, type.item.name, reader);
      else list.push(readField(undefined, type.item, reader, name, depth));
      return list;
    }
    case "map":
      return readMapEntry((before ?? {}) as Json, type.value, reader, name, depth);
    case "ref": {
      const message = messageOf(type.type);
      if (message === undefined) throw new Error(`generated/protobuf.json lacks ${type.type}`);
      expectWireType(DELIMITED, reader, name);
      const object = (before ?? {}) as Json;
      const outer = reader.enter();
      readInto(object, message, reader, depth - 1);
      reader.leave(outer);
      return object;
    }
    case "scalar":
      expectWireType(WIRE_TYPES[type.name], reader, name);
      return readScalar(type.name, reader);
  }
}

function isPackable(item: FieldType): item is Extract<FieldType, { form: "scalar" }> {
  return item.form === "scalar" && WIRE_TYPES[item.name] !== DELIMITED;
}

function readPacked(list: unknown[], item: ScalarName, reader: WireReader): void {
  const outer = reader.enter();
  while (!reader.done) list.push(readScalar(item, reader));
  reader.leave(outer);
}

function readMapEntry(map: Json, type: FieldType, reader: WireReader, name: string, depth: number): Json {
  expectWireType(DELIMITED, reader, name);
  let key = "";
  let value: unknown;
  const outer = reader.enter();
  while (!reader.done) {
    const number = reader.tag(name);
    if (number === 1) {
      expectWireType(DELIMITED, reader, name);
      key = reader.text();
    } else if (number === 2)
      value = type.form === "list" ? readItems(value, type, reader, name, depth) : readField(value, type, reader, name, depth);
    else reader.skip();
  }
  reader.leave(outer);
  value ??= emptyOf(type);
  // Keys are the client's: `__proto__` is a key like any other.
  if (key === "__proto__") Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
  return map;
}

/** A list as the value of a map, which protobuf has not: it stands in a message of its own, as field 1. */
function readItems(before: unknown, type: FieldType, reader: WireReader, name: string, depth: number): unknown {
  let list: unknown = before ?? [];
  expectWireType(DELIMITED, reader, name);
  const outer = reader.enter();
  while (!reader.done) {
    if (reader.tag(name) === 1) list = readField(list, type, reader, name, depth);
    else reader.skip();
  }
  reader.leave(outer);
  return list;
}

function emptyOf(type: FieldType): unknown {
  if (type.form !== "scalar") return type.form === "list" ? [] : {};
  if (type.name === "string" || type.name === "bytes") return "";
  if (type.name === "boolean") return false;
  if (type.name === "quantity") return "0";
  return type.name === "time" || type.name === "microTime" || type.name === "any" ? null : 0;
}
