import { unsupportedMediaType } from "../kinds/errors.ts";
import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Patch, WriteOptions } from "./registry.ts";

/** The patched document. Throws a StatusError when the patch does not fit it. */
export function applyPatch(_schema: string, _document: object, _patch: Patch): unknown {
  throw unsupportedMediaType([]);
}

/** The patched document as an object of the kind. */
export function checkPatched<T extends KubeObject>(
  _kind: Pick<Kind, "group" | "version" | "kind" | "schema">,
  patched: unknown,
  _options: WriteOptions,
): T {
  return patched as T;
}
