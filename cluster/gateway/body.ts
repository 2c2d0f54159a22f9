import type { IncomingMessage } from "node:http";
import { requestEntityTooLarge, unsupportedMediaType } from "../../actors/kinds/errors.ts";
import type { ExpectedKind } from "./protobuf-body.ts";
import { jsonFromProtobuf } from "./protobuf-body.ts";
import { readYaml } from "./yaml.ts";

/** The largest body read. Source: apiserver's MaxRequestBodyBytes. */
export const BODY_BYTES_MAX: number = 3 * 1024 * 1024;

/** Media types of objects that are read. */
const OBJECT_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const STRATEGIC_TYPE = "application/strategic-merge-patch+json";
const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", STRATEGIC_TYPE, "application/apply-patch+yaml"];

export type PatchType = "json" | "merge" | "strategic";

/** The client went away before its body was whole: nobody is left to answer. */
export class BodyAborted extends Error {
  override readonly name = "BodyAborted";
}

/** Of a body that nobody wants, what is read for the sake of the connection; who sends more loses it. Source: Go's net/http, maxPostHandlerReadBytes. */
const UNWANTED_BYTES_MAX: number = 256 * 1024;

/** Whether more of this request may be to come than is worth reading when it has been answered. */
export function leavesMuchUnread(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const length = request.headers["content-length"];
  return length === undefined ? request.headers["transfer-encoding"] !== undefined : Number(length) > UNWANTED_BYTES_MAX;
}

/** Reads the whole body. Throws 413 as soon as it is too large, before the rest is read. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > BODY_BYTES_MAX) throw tooLarge();
  // A small body comes with its head. Node has parsed both when the turn in which it told of the head is over; then nothing has to be waited for.
  await undefined;
  if (request.httpVersionMajor === 1 && request.complete && !request.destroyed) return (request.read() as Buffer | null) ?? NO_BODY;
  return gather(request);
}

const NO_BODY = Buffer.alloc(0);

function gather(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let whole = false;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        request.pause();
        request.removeAllListeners("data");
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.on("end", () => {
      whole = true;
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes));
    });
    // Every request closes in the end; an error with its stack is only worth making for one that closed too early.
    request.on("close", () => {
      if (!whole) reject(new BodyAborted());
    });
    request.on("error", () => {});
  });
}

function tooLarge(): Error {
  return requestEntityTooLarge(`limit is ${BODY_BYTES_MAX}`);
}

/** The media type of a body without its parameters; empty when the client named none. */
export function mediaTypeOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const header = headers["content-type"];
  if (header === undefined) return "";
  const semicolon = header.indexOf(";");
  return (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
}

const YAML_TYPES: ReadonlySet<string> = new Set(["application/yaml", "application/x-yaml", "text/yaml"]);

export function isYaml(mediaType: string): boolean {
  return YAML_TYPES.has(mediaType);
}

/** The body of an object as JSON text, whatever it came as. Throws 415 for other media types, 400 for what is not what it says. */
export function objectText(mediaType: string, body: Buffer, expected: ExpectedKind): string {
  if (isYaml(mediaType)) return JSON.stringify(readYaml(body.toString("utf8")));
  switch (mediaType) {
    case "":
    case "application/json":
      return body.toString("utf8");
    case "application/vnd.kubernetes.protobuf":
      return jsonFromProtobuf(body, expected);
    default:
      throw unsupportedMediaType(OBJECT_TYPES);
  }
}

/** What kind of patch a media type is; `merges`: whether the kind knows strategic merge patches. Throws 415. */
export function patchTypeOf(mediaType: string, merges: boolean): PatchType {
  const accepted = merges ? PATCH_TYPES : PATCH_TYPES.filter((type) => type !== STRATEGIC_TYPE);
  switch (mediaType) {
    case "application/json-patch+json":
      return "json";
    case "application/merge-patch+json":
      return "merge";
    case STRATEGIC_TYPE:
      if (!merges) throw unsupportedMediaType(accepted);
      return "strategic";
    default:
      throw unsupportedMediaType(accepted);
  }
}
