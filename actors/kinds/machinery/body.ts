/** Reads bodies of requests into objects, and refuses in Kubernetes' words what is none. Source: apiserver's handlers/rest.go and create.go. */
import { badRequest, invalid } from "../errors.ts";
import { invalid as invalidField } from "../field-error.ts";
import { splitApiVersion } from "../kind.ts";
import type { KubeObject } from "../object.ts";
import type { StatusError } from "../status.ts";
import { duplicateKeys } from "./duplicate-keys.ts";
import { goText } from "./go-json.ts";
import { JsonError, parseJson } from "./json.ts";
import { type Shaped, ShapeError, shape } from "./shape.ts";
import { unstructuredWords } from "./unstructured-words.ts";

/** What to do with fields that the kind does not have, and with fields that are there twice. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** What a body is said to be. A Kind is one. */
export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The OpenAPI name of its definition. */
  readonly schema: string;
  /** Only for custom resources: their own shape. */
  readonly custom?: { shape(body: unknown): Shaped };
  readonly confidential?: true;
}

function shapeOf({ schema, custom }: BodyKind, body: unknown): Shaped {
  return custom === undefined ? shape(schema, body) : custom.shape(body);
}

/** A value, a private copy, as an object of that kind. What the kind does not have is dropped. Throws ShapeError. */
export function shaped<T extends KubeObject>(kind: BodyKind, value: unknown): T {
  const object = shapeOf(kind, value).object as { metadata?: unknown };
  object.metadata ??= {};
  return object as unknown as T;
}

export interface ReadBody<T> {
  readonly object: T;
  /** `unknown field "spec.nope"`, `duplicate field "data.a"`; only with `Warn`. */
  readonly warnings: readonly string[];
}

const SUMMARY_BYTES_MAX = 30;

const OPENING_BRACE = 0x7b;

/** The beginning of a body that could not be read: as text when it looks like JSON, else in hexadecimal. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return "<empty>";
  const head = bytes.subarray(0, SUMMARY_BYTES_MAX);
  const more = bytes.length > SUMMARY_BYTES_MAX ? " ..." : "";
  return `${bytes[0] === OPENING_BRACE ? head.toString() : head.toString("hex")}${more}`;
}

/** 400 for a body of which not even the kind could be read; `words` are the decoder's. */
export function unrecognizedBody({ kind }: Pick<BodyKind, "kind">, words: string, body: Buffer): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${words} (${summary(body)})`);
}

function parse(text: string, kind: BodyKind): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw unrecognizedBody(kind, `couldn't get version/kind; json parse error: ${error.message}`, Buffer.from(text));
  }
}

/** How Kubernetes calls the package of its internal types of a group: `core`, `apps`, `scheduling`. */
function internalPackage(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

/**
 * The object in a JSON text that is said to be of this kind: well-formed, of the right kind, in shape. What the body does not say of its
 * kind and version is taken for granted. `isKnown` tells whether another kind is served at all; `repeated` is what a YAML reader found to be
 * there twice before the text was JSON. Throws StatusError 400.
 */
export function readObjectBody<T extends KubeObject>(
  kind: BodyKind,
  text: string,
  validation: FieldValidation,
  isKnown: (apiVersion: string, kind: string) => boolean = () => false,
  repeated: readonly string[] = [],
): ReadBody<T> {
  const body = parse(text, kind);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const what = body === null ? "null" : Array.isArray(body) ? "array" : typeof body === "boolean" ? "bool" : typeof body;
    const words = `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw unrecognizedBody(kind, words, Buffer.from(text));
  }
  checkTypes(kind, body as NamedBody, text);
  if (kind.custom !== undefined) checkCustomKind(kind, body as NamedBody, text);
  else checkKind(kind, body as NamedBody, isKnown);
  const duplicates = validation === "Ignore" ? [] : duplicateKeys(text, body);
  const shaped = shapeOrRefuse(kind, body);
  const problems = validation === "Ignore" ? [] : strictProblems(shaped.unknown, duplicates);
  if (validation === "Strict" && problems.length + repeated.length > 0) {
    const all = repeated.length === 0 ? problems : [repetitionWords(repeated), ...problems];
    throw badRequest(`${prefix(kind)}: strict decoding error: ${all.join(", ")}`);
  }
  const object = shaped.object as { metadata?: unknown };
  object.metadata ??= {};
  return { object: object as unknown as T, warnings: validation === "Warn" ? [...repeated, ...problems] : [] };
}

/** What Go's reader of YAML says of all keys that are there twice, as one error. */
export function repetitionWords(repeated: readonly string[]): string {
  return `yaml: unmarshal errors:\n${repeated.map((words) => `  ${words}`).join("\n")}`;
}

function prefix(kind: BodyKind): string {
  return `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
}

/** What the decoder says that looks for the kind alone. */
function checkTypes(kind: BodyKind, body: NamedBody, text: string): void {
  for (const member of ["apiVersion", "kind"] as const) {
    const value = body[member];
    if (value === undefined || value === null || typeof value === "string") continue;
    const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    const words = `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go struct field .${member} of type string`;
    throw unrecognizedBody(kind, words, Buffer.from(text));
  }
}

interface NamedBody {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown } | null;
}

/** Custom resources have no Go type that would know its kind: they must say it. Source: apimachinery's unstructured decoder, and customResourceValidator. */
function checkCustomKind(kind: BodyKind, body: NamedBody, text: string): void {
  if (body.kind === undefined || body.kind === "") throw badRequest(`${prefix(kind)}: Object 'Kind' is missing in '${text}'`);
  const own = `${kind.group}/${kind.version}`;
  if (body.apiVersion !== own) {
    throw badRequest(
      `the API version in the data (${typeof body.apiVersion === "string" ? body.apiVersion : ""}) does not match the expected API version (${own})`,
    );
  }
  if (body.kind === kind.kind) return;
  throw invalid(kind, typeof body.metadata?.name === "string" ? body.metadata.name : "", [
    invalidField("kind", body.kind, `must be ${kind.kind}`),
  ]);
}

function checkKind(kind: BodyKind, body: NamedBody, isKnown: (apiVersion: string, kind: string) => boolean): void {
  const own = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  const named = typeof body.kind !== "string" || body.kind === "" ? kind.kind : body.kind;
  const apiVersion = typeof body.apiVersion !== "string" || body.apiVersion === "" ? own : body.apiVersion;
  if (named === kind.kind && apiVersion === own) return;
  const [group, version] = splitApiVersion(apiVersion);
  const head = `${named} in version "${version}" cannot be handled as a ${kind.kind}`;
  if (!isKnown(apiVersion, named)) {
    throw badRequest(`${head}: no kind "${named}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`);
  }
  if (named === kind.kind && group === kind.group) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${own})`);
  }
  throw badRequest(`${head}: converting (${version}.${named}) to (${internalPackage(kind.group)}.${kind.kind}): unknown conversion`);
}

function shapeOrRefuse(kind: BodyKind, body: object): Shaped {
  try {
    return shapeOf(kind, body);
  } catch (error) {
    throw error instanceof ShapeError ? badRequest(`${prefix(kind)}: ${error.message}`) : error;
  }
}

function strictProblems(unknown: readonly string[], duplicates: readonly string[]): string[] {
  return [...unknown.map((path) => `unknown field "${path}"`), ...duplicates.map((path) => `duplicate field "${path}"`)];
}

/** The decoded body of a JSON, merge or strategic merge patch. Throws StatusError 400. */
export function readPatchBody(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw error instanceof JsonError ? badRequest(`error decoding patch: ${error.message}`) : error;
  }
}

const REDACTED = "<secret contents redacted>";

/**
 * A patched document as an object in shape. Throws StatusError 422 where a body would get 400. `strategic`: the patch, where it is a strategic merge patch,
 * which then is what a refusal shows.
 */
export function readPatched<T extends KubeObject>(
  kind: BodyKind,
  patched: unknown,
  validation: FieldValidation,
  strategic?: unknown,
): ReadBody<T> {
  const refuse = (words: string): Error => {
    const shown = strategic === undefined ? JSON.stringify(patched) : goText(strategic);
    // Whoever may patch is told what came of it, but may not be one who may read; and what is refused is written down in many places.
    return invalid({ group: "", kind: "" }, "", [invalidField("patch", kind.confidential === true ? REDACTED : shown, words)]);
  };
  let shaped: Shaped;
  try {
    shaped = shapeOf(kind, structuredClone(patched));
  } catch (error) {
    throw error instanceof ShapeError ? refuse(strategic === undefined ? error.message : unstructuredWords(error.message)) : error;
  }
  const problems = shaped.unknown.map((path) => `unknown field "${path}"`);
  if (validation === "Strict" && problems.length > 0) throw refuse(`strict decoding error: ${problems.join(", ")}`);
  return { object: shaped.object as unknown as T, warnings: validation === "Warn" ? problems : [] };
}
