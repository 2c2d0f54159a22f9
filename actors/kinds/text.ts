import type { KubeObject } from "./object.ts";

/**
 * The stored form of an object: its JSON with `metadata` first, cut right after the opening `{"metadata":{`, without
 * `resourceVersion` and, for built-in kinds, without `kind` and `apiVersion`. So the object with any revision, and with or without
 * its kind, is one concatenation away, and a get, a list or a watch event never parses or prints an object. See docs/adr/0002.
 */
export type ObjectText = string & { readonly __text: unique symbol };

const HEAD = '{"metadata":{';

/**
 * What stands first in a stored text whose fields have managers: the member and its array, as `managersJson` writes it. Most who read an object do not
 * care who manages its fields, and the list is as long as the object; here it can be cut off without being read.
 */
const MANAGED_HEAD = '"managedFields":';
/** Ends it: the name is always the next member, and nowhere else in the list can these characters be, for its only array is itself. */
const MANAGED_END = '],"name":';

/**
 * The stored form of an object. `metadata` must begin with the name (so registries write it). `managedFields` is the JSON of the array, see `managersJson`;
 * what the object itself says of managed fields is left out.
 */
export function encodeObject(object: KubeObject, managedFields?: string): ObjectText {
  const { metadata, apiVersion: _version, kind: _kind, ...rest } = object;
  const { resourceVersion: _revision, managedFields: _managed, ...meta } = metadata as KubeObject["metadata"] & { managedFields?: unknown };
  const text = JSON.stringify({ metadata: meta, ...rest }).slice(HEAD.length);
  return (managedFields === undefined ? text : `${MANAGED_HEAD}${managedFields},${text}`) as ObjectText;
}

/** A stored text that says in which version its object is: only where that is not the same for all of its kind. */
export function withVersion(text: ObjectText, apiVersion: string): ObjectText {
  return `${text.slice(0, -1)},"apiVersion":${JSON.stringify(apiVersion)}}` as ObjectText;
}

/** What a store holds of an object. Its managers may have been cut off the text, since they are alike in thousands of objects; see `cutManagers`. */
export interface StoredText {
  readonly text: ObjectText;
  /** What was cut off, up to where the text goes on; undefined when the text is whole. */
  readonly managers?: string | undefined;
}

/** The whole of a stored text. */
export function wholeText({ text, managers }: StoredText): ObjectText {
  return managers === undefined ? text : (`${managers}${text}` as ObjectText);
}

/** How long the whole of it is. */
export function charactersOf({ text, managers = "" }: StoredText): number {
  return managers.length + text.length;
}

/** Where the members other than the managers begin in a whole text; 0 when it has none. */
export function cutManagers(text: ObjectText): number {
  const end = endOfManaged(text);
  return end === 0 ? 0 : end + 1;
}

/** Where the list of managers ends; 0 when there is none. */
function endOfManaged(text: ObjectText): number {
  return text.startsWith(MANAGED_HEAD) ? text.indexOf(MANAGED_END, MANAGED_HEAD.length) + 1 : 0;
}

/** The JSON of `metadata.managedFields` of a stored object; undefined when there is none. */
export function managedFieldsOf({ text, managers }: StoredText): string | undefined {
  if (managers !== undefined) return managers.slice(MANAGED_HEAD.length, -1);
  const end = endOfManaged(text);
  return end === 0 ? undefined : text.slice(MANAGED_HEAD.length, end);
}

/** The stored text without the managers of its fields. */
export function withoutManagedFields(text: ObjectText): ObjectText {
  const from = cutManagers(text);
  return from === 0 ? text : (text.slice(from) as ObjectText);
}

/** The JSON of a stored object as a list item: no `kind`, no `apiVersion`. */
export function itemJson(stored: StoredText, revision: number): string {
  return `{"metadata":{"resourceVersion":"${revision}",${wholeText(stored)}`;
}

/** The JSON of a stored object that stands alone. `gvk` is `"kind":"Pod","apiVersion":"v1"`, see `gvkJson`. */
export function objectJson(stored: StoredText, revision: number, gvk: string): string {
  return `{${gvk},"metadata":{"resourceVersion":"${revision}",${wholeText(stored)}`;
}

/** The `kind` and `apiVersion` members of an object's JSON. */
export function gvkJson(kind: string, apiVersion: string): string {
  return `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`;
}

/** The object of a stored text, with its resourceVersion and without the managers of its fields. */
export function decodeObject<T extends KubeObject>(text: ObjectText, revision: number): T {
  return JSON.parse(itemJson({ text: withoutManagedFields(text) }, revision)) as T;
}

/** The object of a stored text with all that it has. */
export function decodeWhole<T extends KubeObject>(stored: StoredText, revision: number): T {
  return JSON.parse(itemJson(stored, revision)) as T;
}
