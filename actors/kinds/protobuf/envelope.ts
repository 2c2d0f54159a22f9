/**
 * What stands around a message: the magic number, and `runtime.Unknown`, which names the kind. Source: the API concepts page, "Kubernetes
 * Protobuf encoding", and apimachinery's serializer/protobuf.
 */
import { decodeMessage } from "./decode.ts";
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

/** An object in the form of its JSON, as a body has it. */
export type DecodedBody = Record<string, unknown> & TypeMeta;

/** The kind is not registered, as Kubernetes says it. It has no protobuf form here, or is none at all. */
export class NoProtobufForm extends ProtobufError {}

/**
 * The object in a body; what the body does not say of its kind is taken from `expected`. Throws ProtobufError with the words of Go's decoder.
 */
export function decodeProtobuf(body: Buffer, expected: TypeMeta): DecodedBody {
  if (body.length === 0) throw new ProtobufError("empty data");
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  if (body.length === MAGIC.length) throw new ProtobufError("empty body");
  const { typeMeta, raw } = decodeUnknown(new WireReader(body, MAGIC.length));
  const kind = typeMeta.kind === "" ? expected.kind : typeMeta.kind;
  const apiVersion = typeMeta.apiVersion === "" ? expected.apiVersion : typeMeta.apiVersion;
  const type = typeOfObject(apiVersion, kind);
  const message = type === undefined ? undefined : messageOf(type);
  if (message === undefined) {
    throw new NoProtobufForm(`no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`);
  }
  return { apiVersion, kind, ...decodeMessage(message, new WireReader(raw)) };
}

function decodeUnknown(reader: WireReader): { readonly typeMeta: TypeMeta; readonly raw: Buffer } {
  let typeMeta: TypeMeta = { apiVersion: "", kind: "" };
  let raw: Buffer = Buffer.alloc(0);
  while (!reader.done) {
    const number = reader.tag("Unknown");
    if (number !== 1 && number !== 2) {
      reader.skip();
      continue;
    }
    if (reader.wireType !== DELIMITED) {
      throw new ProtobufError(`proto: wrong wireType = ${reader.wireType} for field ${number === 1 ? "TypeMeta" : "Raw"}`);
    }
    if (number === 1) typeMeta = decodeTypeMeta(reader, typeMeta);
    else raw = reader.bytes();
  }
  return { typeMeta, raw };
}

function decodeTypeMeta(reader: WireReader, before: TypeMeta): TypeMeta {
  let { apiVersion, kind } = before;
  const outer = reader.enter();
  while (!reader.done) {
    const number = reader.tag("TypeMeta");
    if (number !== 1 && number !== 2) {
      reader.skip();
      continue;
    }
    if (reader.wireType !== DELIMITED) {
      throw new ProtobufError(`proto: wrong wireType = ${reader.wireType} for field ${number === 1 ? "APIVersion" : "Kind"}`);
    }
    if (number === 1) apiVersion = reader.text();
    else kind = reader.text();
  }
  reader.leave(outer);
  return { apiVersion, kind };
}

/** Whether objects of this kind have a protobuf form: custom resources and tables have none. */
export function hasProtobufForm(apiVersion: string, kind: string): boolean {
  return formOf({ apiVersion, kind }) !== undefined;
}

/** The answer body of an object, or of a list of such; undefined when it has no protobuf form. */
export function encodeProtobuf(object: TypeMeta & Readonly<Record<string, unknown>>): Buffer | undefined {
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
export function encodeWatchEvent(type: string, object: TypeMeta & Readonly<Record<string, unknown>>): Buffer | undefined {
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

function formOf({ apiVersion, kind }: TypeMeta): Form | undefined {
  const list = kind.endsWith(LIST);
  const item = list ? kind.slice(0, -LIST.length) : kind;
  if (item === PARTIAL_METADATA.name && apiVersion.startsWith("meta.k8s.io/")) return { message: PARTIAL_METADATA, list };
  const type = typeOfObject(apiVersion, item);
  const message = type === undefined ? undefined : messageOf(type);
  return message === undefined ? undefined : { message, list };
}

function writeObject(writer: WireWriter, form: Form, object: TypeMeta & Readonly<Record<string, unknown>>): void {
  // Unknown's contentEncoding and contentType, which Go writes even when they are empty.
  writer.text(4, "");
  writer.text(3, "");
  const raw = writer.length;
  if (form.list) writeList(writer, form.message, object);
  else encodeMessage(form.message, object, writer);
  writer.close(2, raw);
  const typeMeta = writer.length;
  writer.text(2, object.kind);
  writer.text(1, object.apiVersion);
  writer.close(1, typeMeta);
  writer.raw(MAGIC);
}

function writeList(writer: WireWriter, message: Message, { metadata, items }: Readonly<Record<string, unknown>>): void {
  const list = (items ?? []) as readonly Readonly<Record<string, unknown>>[];
  for (let i = list.length - 1; i >= 0; i--) {
    const before = writer.length;
    encodeMessage(message, list[i] ?? {}, writer);
    writer.close(2, before);
  }
  const listMeta = messageOf("ListMeta");
  if (listMeta === undefined) throw new Error("generated/protobuf.json lacks ListMeta");
  const before = writer.length;
  encodeMessage(listMeta, (metadata ?? {}) as Readonly<Record<string, unknown>>, writer);
  writer.close(1, before);
}
