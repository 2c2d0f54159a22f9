import type { KubeObject } from "./object.ts";

/**
 * The stored form of an object: its JSON with `metadata` first, cut right after the opening `{"metadata":{`, without
 * `resourceVersion` and, for built-in kinds, without `kind` and `apiVersion`. So the object with any revision, and with or without
 * its kind, is one concatenation away, and a get, a list or a watch event never parses or prints an object. See docs/adr/0002.
 */
export type ObjectText = string & { readonly __text: unique symbol };

const HEAD = '{"metadata":{';

/** The stored form of an object. `metadata` must have at least one field beside `resourceVersion` (name and uid always are). */
export function encodeObject(object: KubeObject): ObjectText {
  const { metadata, apiVersion: _version, kind: _kind, ...rest } = object;
  const { resourceVersion: _revision, ...meta } = metadata;
  return JSON.stringify({ metadata: meta, ...rest }).slice(HEAD.length) as ObjectText;
}

/** The JSON of a stored object as a list item: no `kind`, no `apiVersion`. */
export function itemJson(text: ObjectText, revision: number): string {
  return `{"metadata":{"resourceVersion":"${revision}",${text}`;
}

/** The JSON of a stored object that stands alone. `gvk` is `"kind":"Pod","apiVersion":"v1"`, see `gvkJson`. */
export function objectJson(text: ObjectText, revision: number, gvk: string): string {
  return `{${gvk},"metadata":{"resourceVersion":"${revision}",${text}`;
}

/** The `kind` and `apiVersion` members of an object's JSON. */
export function gvkJson(kind: string, apiVersion: string): string {
  return `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`;
}

/** The object of a stored text, with its resourceVersion. */
export function decodeObject<T extends KubeObject>(text: ObjectText, revision: number): T {
  return JSON.parse(itemJson(text, revision)) as T;
}
