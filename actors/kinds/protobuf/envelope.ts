/**
 * What stands around a message: the magic number, and `runtime.Unknown`, which names the kind. Source: the API concepts page, "Kubernetes
 * Protobuf encoding", and apimachinery's serializer/protobuf.
 */
import { decodeMessage } from "./decode.ts";
import { expectWireType } from "./decode-scalar.ts";
import { encodeMessage } from "./encode.ts";
import type { Message } from "./messages.ts";
import { messageOf, PARTIAL_METADATA, typeOfObject } from "./messages.ts";
import { DELIMITED, ProtobufError, WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Magic number that every body begins with: `k8s` and a zero byte. */
const MAGIC = Buffer.from("k8s\0");
/** Where a writer begins; most objects are smaller. */
const CAPACITY_BYTES = 4096;

/** `apiVersion` and `kind` of an object. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

type Json = Readonly<Record<string, unknown>>;

/** A body that has been opened, but whose object is not read yet. */
export interface Envelope extends TypeMeta {
  readonly raw: Buffer;
}

/** What a body says of its kind (either may be empty), and the message in it. Throws ProtobufError. */
export function openEnvelope(body: Buffer): Envelope {
  if (body.length === 0) throw new ProtobufError("empty data");
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  if (body.length === MAGIC.length) throw new ProtobufError("empty body");
  return decodeUnknown(new WireReader(body, MAGIC.length));
}

/** The object in an envelope, in the form of its JSON. Throws ProtobufError with the words of Go's decoder. */
export function decodeObject({ apiVersion, kind, raw }: Envelope): Record<string, unknown> {
  const type = typeOfObject(apiVersion, kind);
  const message = type === undefined ? undefined : messageOf(type);
  if (message === undefined) {
    throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`);
  }
  return { apiVersion, kind, ...decodeMessage(message, new WireReader(raw)) };
}

function decodeUnknown(reader: WireReader): Envelope {
  let typeMeta: TypeMeta = { apiVersion: "", kind: "" };
  let raw: Buffer = Buffer.alloc(0);
  while (!reader.done) {
    const number = reader.tag("Unknown");
    if (number === 1) typeMeta = decodeTypeMeta(reader, typeMeta);
    else if (number === 2) {
      expectWireType(DELIMITED, reader, "raw");
      raw = reader.bytes();
    } else reader.skip();
  }
  return { ...typeMeta, raw };
}

function decodeTypeMeta(reader: WireReader, before: TypeMeta): TypeMeta {
  let { apiVersion, kind } = before;
  expectWireType(DELIMITED, reader, "typeMeta");
  const outer = reader.enter();
  while (!reader.done) {
    const number = reader.tag("TypeMeta");
    if (number === 1) {
      expectWireType(DELIMITED, reader, "aPIVersion");
      apiVersion = reader.text();
    } else if (number === 2) {
      expectWireType(DELIMITED, reader, "kind");
      kind = reader.text();
    } else reader.skip();
  }
  reader.leave(outer);
  return { apiVersion, kind };
}

/** Whether objects of this kind have a protobuf form: custom resources and tables have none. */
export function hasProtobufForm(apiVersion: string, kind: string): boolean {
  return formOf({ apiVersion, kind }) !== undefined;
}

/** The answer body of an object, or of a list of such; undefined when it has no protobuf form. */
export function encodeProtobuf(object: Json): Buffer | undefined {
  const form = formOf(object);
  if (form === undefined) return undefined;
  const writer = new WireWriter(CAPACITY_BYTES);
  writeObject(writer, form, object);
  return writer.finish();
}

/**
 * One event of a watch: its length in four bytes, big-endian, then a `metav1.WatchEvent` whose object is a body of its own. Undefined when
 * the object has no protobuf form. Source: apimachinery's framer and the API concepts page.
 */
export function encodeWatchEvent(type: string, object: Json): Buffer | undefined {
  const form = formOf(object);
  if (form === undefined) return undefined;
  const writer = new WireWriter(CAPACITY_BYTES);
  // WatchEvent.object.raw, inside out.
  writeObject(writer, form, object);
  writer.close(1, 0);
  writer.close(2, 0);
  writer.text(1, type);
  writer.raw(frameLength(writer.length));
  return writer.finish();
}

function frameLength(bytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(4);
  prefix.writeUInt32BE(bytes);
  return prefix;
}

interface Form {
  readonly message: Message;
  /** A list of such messages: its metadata is field 1, its items are field 2. */
  readonly list: boolean;
}

const LIST = "List";

function formOf({ apiVersion, kind }: Json): Form | undefined {
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const list = kind.endsWith(LIST);
  const item = list ? kind.slice(0, -LIST.length) : kind;
  if (item === PARTIAL_METADATA.name && apiVersion.startsWith("meta.k8s.io/")) return { message: PARTIAL_METADATA, list };
  const type = typeOfObject(apiVersion, item);
  const message = type === undefined ? undefined : messageOf(type);
  return message === undefined ? undefined : { message, list };
}

function writeObject(writer: WireWriter, form: Form, object: Json): void {
  // Unknown's contentEncoding and contentType, which Go writes even when they are empty.
  writer.text(4, "");
  writer.text(3, "");
  const raw = writer.length;
  if (form.list) writeList(writer, form.message, object);
  else encodeMessage(form.message, object, writer);
  writer.close(2, raw);
  const typeMeta = writer.length;
  const { apiVersion, kind } = object;
  writer.text(2, String(kind));
  writer.text(1, String(apiVersion));
  writer.close(1, typeMeta);
  writer.raw(MAGIC);
}

function writeList(writer: WireWriter, message: Message, { metadata, items }: Json): void {
  const list = (items ?? []) as readonly Json[];
  for (let i = list.length - 1; i >= 0; i--) {
    const before = writer.length;
    encodeMessage(message, list[i] ?? {}, writer);
    writer.close(2, before);
  }
  const listMeta = messageOf("ListMeta");
  if (listMeta === undefined) throw new Error("generated/protobuf.json lacks ListMeta");
  const before = writer.length;
  encodeMessage(listMeta, (metadata ?? {}) as Json, writer);
  writer.close(1, before);
}
