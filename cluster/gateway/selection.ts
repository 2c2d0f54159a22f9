import { badRequest } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { keyFor, resourceOf } from "../../actors/kinds/kind.ts";
import type { FieldSelector } from "../../actors/kinds/machinery/field-selector.ts";
import { compileFieldSelector, compileTextSelector, exactValue, parseFieldSelector } from "../../actors/kinds/machinery/field-selector.ts";
import type { Selector } from "../../actors/kinds/machinery/label-selector.ts";
import { matchesLabels, parseLabelSelector, SelectorError } from "../../actors/kinds/machinery/label-selector.ts";
import { labelsOf } from "../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import type { Entry, View } from "../../actors/store/view.ts";

/** Which objects of a collection a request is about. */
export interface Selection {
  /** True when every object of the namespace (or of all) is taken: then nothing has to be decoded. */
  readonly everything: boolean;
  /** The only key that can be taken, where a field selector names the object. */
  readonly soleKey: string | undefined;
  /** Selections of one kind with the same text take the same objects. */
  readonly key: string;
  /** What an object must have at least. */
  readonly anchor: Anchor;
  /** The entry may be of any namespace. */
  takes(view: Pick<View, "decode">, entry: Entry): boolean;
  /** What the selectors say about an object, the namespace left aside. */
  matches(object: KubeObject): boolean;
}

/** One property that every object has that a selection takes: what selections are looked up by, instead of asking each of them. */
export type Anchor =
  | { readonly by: "key"; readonly key: string }
  | { readonly by: "label"; readonly name: string; readonly values: readonly string[] }
  | {
      readonly by: "field";
      readonly field: string;
      readonly value: string;
      readonly read: (view: Pick<View, "decode">, entry: Entry) => string;
    }
  /** The part of the keys before the name. */
  | { readonly by: "place"; readonly place: string }
  | { readonly by: "nothing" };

/** Reads the selectors of a request. Throws 400 in Kubernetes' words. An empty namespace means all. */
export function selectionOf(
  kind: Kind,
  namespace: string,
  options: { readonly labelSelector: string; readonly fieldSelector: string },
): Selection {
  const { labelSelector, fieldSelector } = options;
  const inside = kind.namespaced && namespace !== "" ? `${resourceOf(kind)}/${namespace}/` : "";
  const key = `${inside}\n${labelSelector}\n${fieldSelector}`;
  if (labelSelector === "" && fieldSelector === "") {
    const takes = inside === "" ? () => true : (_view: unknown, entry: Entry) => entry.key.startsWith(inside);
    return { everything: true, soleKey: undefined, key, anchor: placeAnchor(inside), takes, matches: () => true };
  }
  const labels = understood(() => parseLabelSelector(labelSelector));
  const fields = understood(() => parseFieldSelector(fieldSelector));
  const fieldsMatch = understood(() => compileFieldSelector(kind, fields));
  const matches = (object: KubeObject): boolean => matchesLabels(labels, object.metadata.labels) && fieldsMatch(object);
  const soleKey = soleKeyOf(kind, namespace, fields);
  const textMatches = understood(() => compileTextSelector(kind, fields));
  return {
    everything: false,
    soleKey,
    key,
    anchor: anchorOf(kind, soleKey, fields, labels) ?? placeAnchor(inside),
    matches,
    takes(view, entry) {
      if (soleKey !== undefined ? entry.key !== soleKey : !entry.key.startsWith(inside)) return false;
      // Labels, and what most clients watch by, are told by the text: no need to read the whole of an object that may not be wanted.
      if (textMatches === undefined) return matches(view.decode(entry));
      const { text } = entry;
      return textMatches(text) && matchesLabels(labels, labelsOf(text));
    },
  };
}

/** The old way to watch one object, by its path, is a selector by its name. */
export function ofOne(name: string, options: { readonly labelSelector: string; readonly fieldSelector: string }): typeof options {
  const { labelSelector, fieldSelector } = options;
  const own = `metadata.name=${name}`;
  return { labelSelector, fieldSelector: fieldSelector === "" ? own : `${own},${fieldSelector}` };
}

function placeAnchor(inside: string): Anchor {
  return inside === "" ? { by: "nothing" } : { by: "place", place: inside };
}

function anchorOf(kind: Kind, soleKey: string | undefined, fields: FieldSelector, labels: Selector): Anchor | undefined {
  if (soleKey !== undefined) return { by: "key", key: soleKey };
  const own = fields.find(({ field, equal }) => equal && Object.hasOwn(kind.selectableFields, field));
  const read = own === undefined ? undefined : kind.selectableFields[own.field];
  if (own !== undefined && read !== undefined) {
    const ofText = kind.selectableTexts?.[own.field];
    const of: Extract<Anchor, { by: "field" }>["read"] = (view, entry) => ofText?.(entry.text) ?? read(view.decode(entry));
    return { by: "field", field: own.field, value: own.value, read: of };
  }
  const one = labels.requirements.find(({ operator }) => operator === "=" || operator === "==" || operator === "in");
  return one === undefined ? undefined : { by: "label", name: one.key, values: [...one.values] };
}

function soleKeyOf(kind: Kind, namespace: string, fields: FieldSelector): string | undefined {
  const name = exactValue(fields, "metadata.name");
  if (name === undefined || name === "") return undefined;
  if (!kind.namespaced) return keyFor(kind, undefined, name);
  const inside = namespace !== "" ? namespace : exactValue(fields, "metadata.namespace");
  return inside === undefined || inside === "" ? undefined : keyFor(kind, inside, name);
}

function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error;
  }
}
