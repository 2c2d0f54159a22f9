import type { KubeObject, ObjectMeta, OwnerReference } from "./object.ts";
import { decodeObject, type ObjectText } from "./text.ts";

const NO_LABELS: Readonly<Record<string, string>> = {};
const NO_OWNERS: readonly OwnerReference[] = [];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What stands between `"name":{` or `"name":[` and its end; undefined when the text has no such member. Flat members only. */
function member(text: string, start: string, end: string): string | undefined {
  const from = text.indexOf(start);
  if (from < 0) return undefined;
  const to = text.indexOf(end, from + start.length);
  return text.slice(from + start.length, to);
}

// These read a stored text without decoding the object. The metadata is cut off first: it is short and at the front, while to search a whole
// text for what is not there is what costs (V8 looks for a pattern's first character, and texts are full of quotes).

const headOf: (text: ObjectText) => string = rememberLast(metadataText);

/** Whether two texts of one object have the same labels. No JSON is parsed. */
export function sameLabels(a: ObjectText, b: ObjectText): boolean {
  return member(headOf(a), '"labels":{', "}") === member(headOf(b), '"labels":{', "}");
}

/** Whether two texts of one object have the same owners. No JSON is parsed. */
export function sameOwners(a: ObjectText, b: ObjectText): boolean {
  return member(headOf(a), '"ownerReferences":[', "]") === member(headOf(b), '"ownerReferences":[', "]");
}

/** Whether the object may have owners. It has when there is one in its metadata; a managed field of that name deceives. */
export function mayHaveOwners(text: ObjectText): boolean {
  return headOf(text).includes('"ownerReferences":[');
}

/** Whether the object may be on its way out; a label of that name deceives. */
export function mayBeDeleted(text: ObjectText): boolean {
  return headOf(text).includes('"deletionTimestamp":"');
}

/** Whether the object may have finalizers. */
export function mayHaveFinalizers(text: ObjectText): boolean {
  return headOf(text).includes('"finalizers":[');
}

/** The labels of an object, without decoding the rest of it. */
export const labelsOf: (text: ObjectText) => Readonly<Record<string, string>> = rememberLast((text) => {
  const labels = member(headOf(text), '"labels":{', "}");
  return labels === undefined || labels === "" ? NO_LABELS : (JSON.parse(`{${labels}}`) as Record<string, string>);
});

/** The owners of an object, without decoding the rest of it. */
export const ownersOf: (text: ObjectText) => readonly OwnerReference[] = rememberLast((text) => {
  const owners = member(headOf(text), '"ownerReferences":[', "]");
  return owners === undefined || owners === "" ? NO_OWNERS : (JSON.parse(`[${owners}]`) as OwnerReference[]);
});

const NODE_NAME = /"nodeName":"([^"]*)"/;
/** What follows the name of a node that a binding wrote: it is the last member of spec, and none of another object could stand there. */
const END_OF_SPEC = '},"status":{';

/**
 * The node that a pod is bound to. Of a pod that was bound by a binding no more is read than its text; where it was put otherwise, or labels and selectors have a
 * member of that name, the pod is decoded.
 */
export const nodeNameOf: (text: ObjectText) => string | undefined = rememberLast((text) => {
  const found = NODE_NAME.exec(text);
  if (found === null || text.startsWith(END_OF_SPEC, found.index + found[0].length)) return found?.[1];
  return decodeObject<KubeObject & { spec?: { nodeName?: string } }>(text, 0).spec?.nodeName;
});

const STATUS = ',"status":{';
const PHASE = '"phase":"';

/** The phase of a pod, without decoding it: its status comes last, and of the objects in it none is a status, and only it has a phase. */
export const phaseOf: (text: ObjectText) => string | undefined = rememberLast((text) => {
  const status = text.lastIndexOf(STATUS);
  const at = status < 0 ? -1 : text.indexOf(PHASE, status);
  return at < 0 ? undefined : text.slice(at + PHASE.length, text.indexOf('"', at + PHASE.length));
});

/**
 * Remembers the answers for the two texts that were asked about last: all who watch a resource ask the same of a change's texts, before
 * and now, one after another.
 */
function rememberLast<Answer>(ask: (text: ObjectText) => Answer): (text: ObjectText) => Answer {
  let last: { readonly text: ObjectText; readonly answer: Answer } | undefined;
  let older: { readonly text: ObjectText; readonly answer: Answer } | undefined;
  return (text) => {
    if (last?.text === text) return last.answer;
    if (older?.text === text) [last, older] = [older, last];
    else [last, older] = [{ text, answer: ask(text) }, last];
    return (last as { readonly answer: Answer }).answer;
  };
}

/** The metadata of a stored object; the rest is neither read nor parsed. */
export function decodeMetadata(text: ObjectText): ObjectMeta {
  return JSON.parse(`{${headOf(text)}`) as ObjectMeta;
}

/** The metadata of a stored text, from after its opening brace up to and with its closing one: a stored text begins inside its metadata. */
export function metadataText(text: string): string {
  return text.slice(0, endOfMetadata(text) + 1);
}

/** Where the brace stands that closes metadata. */
function endOfMetadata(text: string): number {
  let depth = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x7b:
        depth++;
        break;
      case 0x7d:
        if (--depth === 0) return at;
        break;
    }
  }
  throw new Error("the stored text ends inside its metadata");
}

/** Where the quote stands that closes the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  throw new Error("the stored text ends inside a string");
}
