import type { ObjectMeta, OwnerReference } from "./object.ts";
import type { ObjectText } from "./text.ts";

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

// A stored text begins with the object's metadata, and a quote inside a string is escaped there, so the first `"labels":{` is metadata's own
// unless metadata has none; then it may be somebody's deeper down. These two questions are only asked to skip work or to find keys to
// look at, where a wrong answer of that kind costs a look; who must know asks decodeMetadata.

/** Whether two texts of one object have the same labels. No JSON is parsed. */
export function sameLabels(a: ObjectText, b: ObjectText): boolean {
  return member(a, '"labels":{', "}") === member(b, '"labels":{', "}");
}

/** Whether two texts of one object have the same owners. No JSON is parsed. */
export function sameOwners(a: ObjectText, b: ObjectText): boolean {
  return member(a, '"ownerReferences":[', "]") === member(b, '"ownerReferences":[', "]");
}

/** Whether the object may have owners. */
export const mayHaveOwners: (text: ObjectText) => boolean = rememberLast((text) => text.includes('"ownerReferences":['));

/** Whether the object may be on its way out. */
export const mayBeDeleted: (text: ObjectText) => boolean = rememberLast((text) => text.includes('"deletionTimestamp":"'));

/** Whether the object may have finalizers. */
export const mayHaveFinalizers: (text: ObjectText) => boolean = rememberLast((text) => text.includes('"finalizers":['));

/** The labels of an object, without decoding the rest of it; see above for what it may get wrong. */
export function labelsOf(text: ObjectText): Readonly<Record<string, string>> {
  const labels = member(text, '"labels":{', "}");
  return labels === undefined || labels === "" ? NO_LABELS : (JSON.parse(`{${labels}}`) as Record<string, string>);
}

/** The owners of an object, without decoding the rest of it; see above for what it may get wrong. */
export const ownersOf: (text: ObjectText) => readonly OwnerReference[] = rememberLast((text) => {
  const owners = member(text, '"ownerReferences":[', "]");
  return owners === undefined || owners === "" ? NO_OWNERS : (JSON.parse(`[${owners}]`) as OwnerReference[]);
});

/** The node that a pod is bound to, without decoding the pod: `spec` comes before `status`, and only these two have a `nodeName`. */
export const nodeNameOf: (text: ObjectText) => string | undefined = rememberLast((text) => member(text, '"nodeName":"', '"'));

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

/** Exactly the metadata of a stored object; the rest is neither read nor parsed. */
export function decodeMetadata(text: ObjectText): ObjectMeta {
  return JSON.parse(`{${metadataText(text)}`) as ObjectMeta;
}

/** The metadata of a stored text, from after its opening brace up to and with its closing one: a stored text begins inside its metadata. */
export function metadataText(text: ObjectText): string {
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
