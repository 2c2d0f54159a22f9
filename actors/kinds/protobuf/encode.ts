/** Writes an object, in the form of its JSON, as the message of its type. What the schema does not know is left out, as Go would. */
import type { FieldType, ScalarName } from "../machinery/schema.ts";
import type { Message } from "./messages.ts";
import { messageOf } from "./messages.ts";
import { timeOfText } from "./timestamp.ts";
import type { WireWriter } from "./wire-writer.ts";

type Json = Readonly<Record<string, unknown>>;

/** Writes the fields of a message, last to first. The object is trusted: it comes from the store, or from us. */
export function encodeMessage(message: Message, object: Json, writer: WireWriter): void {
  const { fields } = message;
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i];
    if (field === undefined) continue;
    if (field.form === "embedded") {
      const before = writer.length;
      encodeMessage(field.message, object, writer);
      if (writer.length > before) writer.close(field.number, before);
      continue;
    }
    const value = object[field.name];
    if (value !== undefined && value !== null) writeField(field.number, field.type, value, writer);
  }
}

function writeField(number: number, type: FieldType, value: unknown, writer: WireWriter): void {
  switch (type.form) {
    case "list": {
      const list = value as readonly unknown[];
      for (let i = list.length - 1; i >= 0; i--) writeField(number, type.item, list[i], writer);
      return;
    }
    case "map": {
      // Sorted, as Go prints maps.
      const keys = Object.keys(value as Json).sort();
      for (let i = keys.length - 1; i >= 0; i--) {
        const key = keys[i] ?? "";
        writeMapEntry(number, type.value, key, (value as Json)[key], writer);
      }
      return;
    }
    case "ref": {
      const message = messageOf(type.type);
      if (message === undefined) throw new Error(`generated/protobuf.json lacks ${type.type}`);
      const before = writer.length;
      if (value !== null) encodeMessage(message, value as Json, writer);
      writer.close(number, before);
      return;
    }
    case "scalar":
      writeScalar(number, type.name, value, writer);
  }
}

function writeMapEntry(number: number, type: FieldType, key: string, value: unknown, writer: WireWriter): void {
  const before = writer.length;
  if (type.form === "list") {
    writeField(1, type, value, writer);
    writer.close(2, before);
  } else {
    writeField(2, type, value, writer);
  }
  writer.text(1, key);
  writer.close(number, before);
}

function writeScalar(number: number, name: ScalarName, value: unknown, writer: WireWriter): void {
  switch (name) {
    case "string":
      writer.text(number, value as string);
      return;
    case "bytes":
      writer.bytes(number, Buffer.from(value as string, "base64"));
      return;
    case "int32":
    case "int64":
      writer.int(number, value as number);
      return;
    case "boolean":
      writer.bool(number, value as boolean);
      return;
    case "double":
      writer.double(number, value as number);
      return;
    default: {
      const before = writer.length;
      writeMessage(name, value, writer);
      writer.close(number, before);
    }
  }
}

/** Scalars of JSON that are messages in protobuf. */
function writeMessage(name: "time" | "microTime" | "quantity" | "intOrString" | "any", value: unknown, writer: WireWriter): void {
  switch (name) {
    case "time":
    case "microTime": {
      const time = typeof value === "string" ? timeOfText(value) : undefined;
      // An empty message is Go's zero time.
      if (time === undefined) return;
      writer.int(2, name === "time" ? 0 : time.nanos);
      writer.int(1, time.seconds);
      return;
    }
    case "quantity":
      writer.text(1, String(value));
      return;
    case "intOrString":
      writer.text(3, typeof value === "string" ? value : "");
      writer.int(2, typeof value === "number" ? value : 0);
      writer.int(1, typeof value === "string" ? 1 : 0);
      return;
    case "any":
      writer.text(1, JSON.stringify(value));
  }
}
