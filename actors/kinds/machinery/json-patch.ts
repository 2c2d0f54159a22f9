/** JSON patch (RFC 6902) on JSON Pointers (RFC 6901). */
import { isDeepStrictEqual } from "node:util";
import { goText, jsonKind } from "./go-json.ts";
import { NESTING_MAX } from "./json.ts";
import { setOwn } from "./merge-patch.ts";

/** The patch does not fit the document, or is none. Kubernetes answers 422 without details, or 400 for what is no patch. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
  readonly code: 400 | 413 | 422;
  constructor(code: 400 | 413 | 422, message: string) {
    super(message);
    this.code = code;
  }
}

/** Source: apiserver's maxJSONPatchOperations. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;

/** What copies may add to a document: each could double it. Source: apiserver's JSONPatchMaxCopyBytes, --max-request-bytes by default. */
const COPY_BYTES_MAX: number = 3 * 1024 * 1024;

type Container = Record<string, unknown> | unknown[];

/** A document on its way. */
interface Patched {
  document: unknown;
  /** By copies so far, as JSON. */
  copied_bytes: number;
}

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

/** The document after all operations, or a JsonPatchError. The document is not changed. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw new JsonPatchError(400, "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new JsonPatchError(413, `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${patch.length}`);
  }
  const operations = patch.map(operationOf);
  const root: Patched = { document: structuredClone(document), copied_bytes: 0 };
  for (const operation of operations) apply(root, operation);
  refuseDepth(root.document);
  return root.document;
}

/** What operations put into one another can be deeper than any of them, and than what can be printed. */
function refuseDepth(value: unknown): void {
  const left: [value: unknown, depth: number][] = [[value, 0]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [one, depth] = next;
    if (typeof one !== "object" || one === null) continue;
    if (depth > NESTING_MAX) throw refuse("exceeded max depth");
    for (const inner of Object.values(one)) if (typeof inner === "object") left.push([inner, depth + 1]);
  }
}

/** Null is an operation without members, as Go's decoder has it. */
function operationOf(item: unknown): Operation {
  if (item === null) return {};
  if (typeof item === "object" && !Array.isArray(item)) return item;
  const message = `error decoding patch: json: cannot unmarshal ${jsonKind(item)} into Go value of type jsonpatch.Operation`;
  throw new JsonPatchError(400, message);
}

function refuse(message: string): JsonPatchError {
  return new JsonPatchError(422, message);
}

function steps(pointer: unknown, field: string): string[] {
  if (typeof pointer !== "string") throw refuse(`operation has no ${field}`);
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw refuse(`${field} is no JSON pointer: ${pointer}`);
  return pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The container of the last step. */
function containerOf(root: Patched, path: readonly string[]): Container {
  let at: unknown = root.document;
  for (const step of path.slice(0, -1)) at = read(at, step);
  if (typeof at !== "object" || at === null) throw refuse(`nothing to hold /${path.join("/")}`);
  return at as Container;
}

function indexOf(list: readonly unknown[], step: string, length_max: number): number {
  if (!/^(0|[1-9]\d*)$/.test(step)) throw refuse(`no index: ${step}`);
  const index = Number(step);
  if (index > length_max) throw refuse(`index ${step} is beyond the ${list.length} items`);
  return index;
}

function read(container: unknown, step: string): unknown {
  if (Array.isArray(container)) return container[indexOf(container, step, container.length - 1)];
  if (typeof container !== "object" || container === null || !Object.hasOwn(container, step)) throw refuse(`nothing at ${step}`);
  return (container as Record<string, unknown>)[step];
}

function get(root: Patched, path: readonly string[]): unknown {
  let at: unknown = root.document;
  for (const step of path) at = read(at, step);
  return at;
}

function add(root: Patched, path: readonly string[], value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) {
    root.document = value;
    return;
  }
  const container = containerOf(root, path);
  if (!Array.isArray(container)) setOwn(container, last, value);
  else container.splice(last === "-" ? container.length : indexOf(container, last, container.length), 0, value);
}

function remove(root: Patched, path: readonly string[]): unknown {
  const last = path.at(-1);
  if (last === undefined) throw refuse("the whole document cannot be removed");
  const container = containerOf(root, path);
  const old = read(container, last);
  if (Array.isArray(container)) container.splice(Number(last), 1);
  else delete container[last];
  return old;
}

/** Source: evanphx/json-patch, AccumulatedCopySizeError. */
function copyOf(root: Patched, value: unknown): unknown {
  refuseDepth(value);
  const json = JSON.stringify(value);
  root.copied_bytes += Buffer.byteLength(json);
  if (root.copied_bytes > COPY_BYTES_MAX) {
    const words = `the accumulated size increase of copy is ${root.copied_bytes}, exceeding the limit ${COPY_BYTES_MAX}`;
    throw refuse(`Unable to complete the copy, ${words}`);
  }
  return JSON.parse(json);
}

function apply(root: Patched, operation: Operation): void {
  const path = steps(operation.path, "path");
  const { op, value = null } = operation;
  switch (op) {
    case "add":
      add(root, path, structuredClone(value));
      return;
    case "remove":
      remove(root, path);
      return;
    case "replace":
      get(root, path);
      if (path.length > 0) {
        const container = containerOf(root, path);
        const last = path.at(-1) ?? "";
        if (Array.isArray(container)) container[Number(last)] = structuredClone(value);
        else setOwn(container, last, structuredClone(value));
      } else root.document = structuredClone(value);
      return;
    case "move": {
      const from = steps(operation.from, "from");
      if (path.length > from.length && from.every((step, index) => step === path[index])) throw refuse("nothing moves into itself");
      add(root, path, remove(root, from));
      return;
    }
    case "copy":
      add(root, path, copyOf(root, get(root, steps(operation.from, "from"))));
      return;
    case "test":
      if (!isDeepStrictEqual(get(root, path), value)) throw refuse(`testing value ${goText(operation.path)} failed`);
      return;
    default:
      throw refuse(`Unexpected kind: ${goText(op)}`);
  }
}
