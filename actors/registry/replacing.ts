import type { KubeObject } from "../kinds/object.ts";
import { encodeObject } from "../kinds/text.ts";
import type { Mutation } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";

/** Puts an object in the place of what is stored, if that is still so. Whoever manages its fields goes on to: what the house writes along with others' writes is nobody's. */
export function replacing(entry: Entry, object: KubeObject): Extract<Mutation, { readonly op: "update" }> {
  return { op: "update", key: entry.key, text: encodeObject(object), managers: entry.managers, expect: entry.revision };
}
