import type { ObjectText } from "../text.ts";

/** In a stored text a quote within a string has a backslash before it, and metadata has no member of an object that is called `spec`. */
const SPEC = '"spec":{';
const RENEW_TIME = '"renewTime":"';

/** Where `spec.renewTime` begins and ends; undefined when there is none. */
function renewTimeIn(text: ObjectText): readonly [from: number, to: number] | undefined {
  const spec = text.indexOf(SPEC);
  const member = spec < 0 ? -1 : text.indexOf(RENEW_TIME, spec);
  if (member < 0) return undefined;
  const from = member + RENEW_TIME.length;
  return [from, text.indexOf('"', from)];
}

/** `spec.renewTime` of a lease, read off its stored text: heartbeats come in such numbers that reading the objects would be most of their cost. */
export function renewTimeOf(text: ObjectText): string | undefined {
  const place = renewTimeIn(text);
  return place && text.slice(...place);
}

/** The lease renewed by who holds it; undefined when the text is not that of such a lease. */
export function renewedText(text: ObjectText, holder: string, renewTime: string): ObjectText | undefined {
  const place = renewTimeIn(text);
  if (place === undefined || !text.includes(`"holderIdentity":"${holder}"`, text.indexOf(SPEC))) return undefined;
  return `${text.slice(0, place[0])}${renewTime}${text.slice(place[1])}` as ObjectText;
}
