import { badRequest } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import type { WriteOptions } from "../../actors/registry/registry.ts";

export interface ReadObject<T extends KubeObject = KubeObject> {
  readonly object: T;
  readonly warnings: readonly string[];
}

type FieldValidation = NonNullable<WriteOptions["fieldValidation"]>;

/** The object in a body that is said to be of this kind. Throws 400 in Kubernetes' words. */
export function readObject(kind: Kind, text: string, _fieldValidation: FieldValidation): ReadObject {
  return readOther(kind, text, _fieldValidation);
}

export function readOther<T extends KubeObject>(
  _kind: { readonly group: string; readonly version: string; readonly kind: string },
  text: string,
  _fieldValidation: FieldValidation,
): ReadObject<T> {
  return { object: JSON.parse(text) as T, warnings: [] };
}

export function readPatch(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${String(error)}`);
  }
}
