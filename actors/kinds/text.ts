import type { KubeObject } from "./object.ts";

/**
 * The stored form of an object: its JSON with `metadata` first, cut right after the opening `{"metadata":{`, without
 * `resourceVersion`, without the managers of its fields and, for built-in kinds, without `kind` and `apiVersion`. So the object with any revision, and with or
 * without its kind, is one concatenation away, and a get, a list or a watch event never parses or prints an object. See docs/adr/0002.
 */
export type ObjectText = string & { readonly __text: unique symbol };

const HEAD = '{"metadata":{';

/** What the managers begin with: the member of the metadata whose array is as `managersJson` writes it. */
const MANAGED_HEAD = '"managedFields":';
const MANAGED_HEAD_BYTES: Buffer = Buffer.from(MANAGED_HEAD);
/** What ends them: the name is always the next member, and nowhere else in the list can these characters be, for its only array is itself. */
const MANAGED_END = '],"name":';
const MANAGED_END_BYTES: Buffer = Buffer.from(MANAGED_END);
/** So much of that belongs to the managers: the bracket and the comma. */
const MANAGED_TAIL = 2;

/**
 * All that is stored of an object. Who manages its fields stands apart from the text: most who read an object do not care, the list is as long as the object, and it is alike in thousands of
 * objects. In the log, in snapshots and on the wire the managers stand right before the text.
 */
export interface StoredText {
  readonly text: ObjectText;
  /** `"managedFields":[...],`; undefined when nobody manages its fields. */
  readonly managers?: string | undefined;
}

/** A stored text of which it may be known how long it is without making it. */
type Measured = StoredText & { readonly characters?: number };

/** The stored form of an object. `metadata` must begin with the name (so registries write it). What the object itself says of managed fields is left out. */
export function encodeObject(object: KubeObject): ObjectText {
  const { metadata, apiVersion: _version, kind: _kind, ...rest } = object;
  const { resourceVersion: _revision, managedFields: _managed, ...meta } = metadata as KubeObject["metadata"] & { managedFields?: unknown };
  return JSON.stringify({ metadata: meta, ...rest }).slice(HEAD.length) as ObjectText;
}

/** The managers of a StoredText. `managedFields` is the JSON of the array, see `managersJson`. */
export function managersText(managedFields: string | undefined): string | undefined {
  return managedFields === undefined ? undefined : `${MANAGED_HEAD}${managedFields},`;
}

/** A stored text that says in which version its object is: only where that is not the same for all of its kind. */
export function withVersion(text: ObjectText, apiVersion: string): ObjectText {
  return `${text.slice(0, -1)},"apiVersion":${JSON.stringify(apiVersion)}}` as ObjectText;
}

/** All of it in one, as it is in the log, in snapshots and on the wire. */
export function wholeText({ text, managers }: StoredText): string {
  return managers === undefined ? text : `${managers}${text}`;
}

/** What `wholeText` gave. */
export function apartText(whole: string): StoredText {
  if (!whole.startsWith(MANAGED_HEAD)) return { text: whole as ObjectText };
  const end = whole.indexOf(MANAGED_END, MANAGED_HEAD.length) + MANAGED_TAIL;
  return { managers: whole.slice(0, end), text: whole.slice(end) as ObjectText };
}

/** The same of what lies between these places of a buffer, without making the whole of it. Its strings do not keep the buffer alive. */
export function readText(bytes: Buffer, start: number, end: number): StoredText {
  const headEnd = start + MANAGED_HEAD_BYTES.length;
  if (end < headEnd || bytes.compare(MANAGED_HEAD_BYTES, 0, MANAGED_HEAD_BYTES.length, start, headEnd) !== 0) {
    return { text: bytes.toString("utf8", start, end) as ObjectText };
  }
  const textStart = bytes.indexOf(MANAGED_END_BYTES, headEnd) + MANAGED_TAIL;
  return { managers: bytes.toString("utf8", start, textStart), text: bytes.toString("utf8", textStart, end) as ObjectText };
}

/** Writes the whole of it into a buffer with room for it, and gives where it ends. */
export function writeText(bytes: Buffer, start: number, { text, managers }: StoredText): number {
  const textStart = managers === undefined ? start : start + bytes.write(managers, start);
  return textStart + bytes.write(text, textStart);
}

/** How long the whole of it is. */
export function charactersOf(stored: Measured): number {
  return (stored.managers?.length ?? 0) + (stored.characters ?? stored.text.length);
}

/** The JSON of `metadata.managedFields` of a stored object; undefined when there is none. */
export function managedFieldsOf({ managers }: StoredText): string | undefined {
  return managers?.slice(MANAGED_HEAD.length, -1);
}

/** What stands before the whole of a stored object where it is an item of a list: no `kind`, no `apiVersion`. */
export function itemHead(revision: number): string {
  return `{"metadata":{"resourceVersion":"${revision}",`;
}

/** The JSON of a stored object as a list item. */
export function itemJson(stored: StoredText, revision: number): string {
  return `${itemHead(revision)}${wholeText(stored)}`;
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
  return JSON.parse(itemJson({ text }, revision)) as T;
}

/** The object of a stored text with all that it has. */
export function decodeWhole<T extends KubeObject>(stored: StoredText, revision: number): T {
  return JSON.parse(itemJson(stored, revision)) as T;
}
