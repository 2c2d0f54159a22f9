import { badRequest, unsupportedMediaType } from "../../actors/kinds/errors.ts";
import { unrecognizedBody } from "../../actors/kinds/machinery/body.ts";
import { decodeObject, hasProtobufForm, openEnvelope } from "../../actors/kinds/protobuf/envelope.ts";
import { ProtobufError } from "../../actors/kinds/protobuf/wire-reader.ts";

/** What a body is said to be. A Kind is one. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What may be sent where protobuf may not. */
const TEXT_TYPES = ["application/json", "application/yaml"];

/**
 * The JSON text of a body in protobuf; what it does not say of its kind is taken for granted. Throws 400 in Kubernetes' words, 415 for kinds
 * that have no protobuf form (custom resources). Source: apiserver's transformDecodeError.
 */
export function jsonFromProtobuf(body: Buffer, expected: ExpectedKind): string {
  const own = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  if (!hasProtobufForm(own, expected.kind)) throw unsupportedMediaType(TEXT_TYPES);
  const envelope = refusing(
    (words) => unrecognizedBody(expected, words, body),
    () => openEnvelope(body),
  );
  const kind = envelope.kind === "" ? expected.kind : envelope.kind;
  const apiVersion = envelope.apiVersion === "" ? own : envelope.apiVersion;
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  const prefix = `${kind} in version "${version}" cannot be handled as a ${expected.kind}`;
  const object = refusing(
    (words) => badRequest(`${prefix}: ${words}`),
    () => decodeObject({ ...envelope, apiVersion, kind }),
  );
  return JSON.stringify(object);
}

function refusing<T>(refusal: (words: string) => Error, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ProtobufError ? refusal(error.message) : error;
  }
}
