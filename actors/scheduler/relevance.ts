import { mayBeDeleted, sameLabels } from "../kinds/metadata-text.ts";
import type { ObjectText } from "../kinds/text.ts";

/**
 * Decides from the stored text alone whether a change of a pod can matter to the scheduler, so that the many status updates of
 * running pods cost no decoding. A yes may be wrong and costs a decode; a no is never wrong. The store's text is compact JSON
 * with `metadata`, `spec`, `status` in this order, and quotes inside strings are escaped, so a quoted key with its colon is a key.
 */
const SPEC = '},"spec":{';
const STATUS = '},"status":{';
const START_TIME = '"startTime":"';

/** Whether the text says that all containers have ended for good. */
export function mayBeTerminal(text: ObjectText): boolean {
  // Without the key before them: the fewer of a pattern's first characters a text has, the quicker the search.
  return text.includes('Succeeded"') || text.includes('Failed"');
}

/** Whether the text says that the pod is bound to this node. Node names need no escapes. */
export function isBoundTo(text: ObjectText, node: string): boolean {
  return text.includes(`"nodeName":"${node}"`, Math.max(0, text.indexOf(SPEC)));
}

/** Whether both texts have the same spec. */
export function sameSpec(before: ObjectText, now: ObjectText): boolean {
  return specOf(before) === specOf(now);
}

/** Whether both texts have the same labels and are both being deleted, or both not: what other pods' terms can ask. */
export function samePeer(before: ObjectText, now: ObjectText): boolean {
  return sameLabels(before, now) && mayBeDeleted(before) === mayBeDeleted(now);
}

function specOf(text: ObjectText): string {
  const start = text.indexOf(SPEC);
  const end = text.lastIndexOf(STATUS);
  return text.slice(Math.max(0, start), end > start ? end : text.length);
}

/** When the pod's status says that it was started, in milliseconds; undefined when it does not. The status is the last of a pod. */
export function startTimeOf(text: ObjectText): number | undefined {
  const from = text.lastIndexOf(START_TIME);
  if (from < 0) return undefined;
  const at = from + START_TIME.length;
  return Date.parse(text.slice(at, text.indexOf('"', at)));
}
