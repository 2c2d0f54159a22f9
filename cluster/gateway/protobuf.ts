/**
 * Reads Kubernetes' protobuf encoding, in which client-go sends what it writes (its generated clients do so without being asked).
 * Answers go out as JSON, which every such client accepts. Source: the API concepts page, "Kubernetes Protobuf encoding", and the
 * field numbers of `generated/protobuf.json`.
 */
import table from "./generated/protobuf.json" with { type: "json" };

/** The bytes are no message of the kind that they name. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Messages inside messages; JSON schemas are the deepest that anybody sends. */
const NESTING_MAX = 64;
/** What every body begins with. */
const MAGIC = Buffer.from("k8s\0");

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

interface Field {
  readonly name: string;
  /** A scalar's name as proto has it, or a message's in the table. */
  readonly type: string;
  readonly form: "single" | "repeated" | "map" | "inline";
}

const TABLE: Readonly<Record<string, string>> = table;
const parsed = new Map<string, ReadonlyMap<number, Field>>();

function fieldsOf(message: string): ReadonlyMap<number, Field> {
  let fields = parsed.get(message);
  if (fields === undefined) {
    const text = TABLE[message] ?? "";
    fields = new Map(text === "" ? [] : text.split("|").map(parseField));
    parsed.set(message, fields);
  }
  return fields;
}

function parseField(text: string): [number, Field] {
  const [number = "", name = "", type = ""] = text.split(" ");
  if (type.startsWith("[")) return [Number(number), { name, type: type.slice(1, -1), form: "repeated" }];
  if (type.startsWith("{")) return [Number(number), { name, type: type.slice(1, -1), form: "map" }];
  if (type.startsWith("...")) return [Number(number), { name, type: type.slice(3), form: "inline" }];
  return [Number(number), { name, type, form: "single" }];
}

type Json = Record<string, unknown>;

/** The object in a body, as its JSON would be. Throws ProtobufError. */
export function decodeProtobuf(body: Buffer): object {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw new ProtobufError("the body does not begin with the protobuf magic number");
  const envelope = readMessage(new Wire(body.subarray(MAGIC.length)), "runtime.Unknown", NESTING_MAX);
  const { apiVersion, kind } = (envelope.typeMeta ?? {}) as { readonly apiVersion?: string; readonly kind?: string };
  const raw = Buffer.from(String(envelope.raw ?? ""), "base64");
  const message = messageOf(apiVersion ?? "", kind ?? "");
  if (message === undefined) throw new ProtobufError(`no protobuf form of ${apiVersion ?? ""} ${kind ?? ""} is known`);
  return { apiVersion, kind, ...readMessage(new Wire(raw), message, NESTING_MAX) };
}

/** Options are sent under the version of what they are about, but are always those of `meta/v1`. */
function messageOf(apiVersion: string, kind: string): string | undefined {
  const [group = "", version] = apiVersion.split("/");
  const own = version === undefined ? `core.${group}.${kind}` : `${group.split(".")[0]}.${version}.${kind}`;
  return [own, `meta.v1.${kind}`].find((name) => Object.hasOwn(TABLE, name));
}

/** A cursor over bytes. Every read is checked against the end. */
class Wire {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a varint has no end");
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ProtobufError("the body ends inside a field");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  delimited(): Buffer {
    return this.bytes(Number(this.varint()));
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.bytes(8);
    else if (wireType === LENGTH_DELIMITED) this.delimited();
    else if (wireType === FIXED32) this.bytes(4);
    else throw new ProtobufError(`wire type ${wireType} is not in use`);
  }
}

function readMessage(wire: Wire, message: string, depth: number): Json {
  if (depth === 0) throw new ProtobufError("the body is nested too deeply");
  const fields = fieldsOf(message);
  const object: Json = {};
  while (!wire.done) {
    const tag = Number(wire.varint());
    const wireType = tag & 7;
    const field = fields.get(tag >>> 3);
    if (field === undefined) {
      wire.skip(wireType);
      continue;
    }
    const { name, type, form } = field;
    if (form === "map") {
      const [key, value] = readMapEntry(new Wire(wire.delimited()), type, depth - 1);
      const map = (object[name] ?? {}) as Json;
      define(map, key, value);
      object[name] = map;
    } else if (form === "repeated") {
      const list = (object[name] ?? []) as unknown[];
      list.push(readValue(wire, wireType, type, depth - 1));
      object[name] = list;
    } else if (form === "inline") {
      Object.assign(object, readValue(wire, wireType, type, depth - 1));
    } else {
      object[name] = readValue(wire, wireType, type, depth - 1);
    }
  }
  return object;
}

/** Keys are the client's: `__proto__` is a key like any other. */
function define(map: Json, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function readMapEntry(wire: Wire, type: string, depth: number): [string, unknown] {
  let key = "";
  let value: unknown = type === "string" || type === "bytes" ? "" : {};
  while (!wire.done) {
    const tag = Number(wire.varint());
    if (tag >>> 3 === 1) key = wire.delimited().toString("utf8");
    else if (tag >>> 3 === 2) value = readValue(wire, tag & 7, type, depth);
    else wire.skip(tag & 7);
  }
  return [key, value];
}

function readValue(wire: Wire, wireType: number, type: string, depth: number): unknown {
  switch (type) {
    case "string":
      expectType(wireType, LENGTH_DELIMITED);
      return wire.delimited().toString("utf8");
    case "bytes":
      expectType(wireType, LENGTH_DELIMITED);
      return wire.delimited().toString("base64");
    case "bool":
      expectType(wireType, VARINT);
      return wire.varint() !== 0n;
    case "int32":
    case "int64":
      expectType(wireType, VARINT);
      return Number(BigInt.asIntN(64, wire.varint()));
    case "double":
      expectType(wireType, FIXED64);
      return wire.bytes(8).readDoubleLE();
    default:
      expectType(wireType, LENGTH_DELIMITED);
      return asJson(type, readMessage(new Wire(wire.delimited()), type, depth));
  }
}

function expectType(got: number, want: number): void {
  if (got !== want) throw new ProtobufError(`a field has wire type ${got} instead of ${want}`);
}

const MS_PER_S = 1_000;
const NS_PER_MS = 1_000_000;
const NS_PER_S = 1_000_000_000;

/** Messages whose JSON is not an object. */
function asJson(type: string, message: Json): unknown {
  switch (type) {
    case "resource.Quantity":
      return message.string ?? "0";
    case "intstr.IntOrString":
      return message.type === 1 ? (message.strVal ?? "") : (message.intVal ?? 0);
    case "meta.v1.Time":
      return timeOf(message)?.replace(/\.\d+Z$/, "Z") ?? null;
    case "meta.v1.MicroTime":
      return timeOf(message)?.replace(/\.(\d+)Z$/, ".$1000Z") ?? null;
    case "meta.v1.Duration":
      return `${Number(message.duration ?? 0) / NS_PER_S}s`;
    case "runtime.RawExtension":
      return embedded(message.raw);
    case "meta.v1.FieldsV1":
      return embedded(message.Raw);
    default: {
      // ExtraValue, Verbs, ...: lists that proto cannot have as values of maps.
      const only = fieldsOf(type).get(1);
      return only?.name === "items" && only.form === "repeated" && fieldsOf(type).size === 1 ? (message.items ?? []) : message;
    }
  }
}

function timeOf({ seconds, nanos }: Json): string | undefined {
  const time_ms = Number(seconds ?? 0) * MS_PER_S + Math.floor(Number(nanos ?? 0) / NS_PER_MS);
  if (time_ms === 0) return undefined;
  const date = new Date(time_ms);
  if (Number.isNaN(date.getTime())) throw new ProtobufError("a time is out of range");
  return date.toISOString();
}

/** JSON inside protobuf; `base64` because bytes read as that. */
function embedded(base64: unknown): unknown {
  const text = Buffer.from(typeof base64 === "string" ? base64 : "", "base64").toString("utf8");
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProtobufError("a field that should hold JSON does not");
  }
}
