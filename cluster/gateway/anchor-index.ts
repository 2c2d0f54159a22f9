import { labelsOf } from "../../actors/kinds/metadata-text.ts";
import type { Entry, View } from "../../actors/store/view.ts";
import type { Anchor } from "./selection.ts";

type FieldAnchor = Extract<Anchor, { readonly by: "field" }>;

/**
 * Items by the anchors of their selections: finds those that an entry may concern in time that grows with the properties that are asked for,
 * not with the number of items. A thousand kubelets that each watch the pods of their node cost an event one look-up.
 */
export class AnchorIndex<Item> {
  readonly #byKey = new Map<string, Set<Item>>();
  readonly #byPlace = new Map<string, Set<Item>>();
  /** By label, then by value. */
  readonly #byLabel = new Map<string, Map<string, Set<Item>>>();
  readonly #byField = new Map<string, { readonly read: FieldAnchor["read"]; readonly items: Map<string, Set<Item>> }>();
  readonly #others = new Set<Item>();

  add(anchor: Anchor, item: Item): void {
    for (const [items, value] of this.#placesOf(anchor)) put(items, value, item);
    if (anchor.by === "nothing") this.#others.add(item);
  }

  remove(anchor: Anchor, item: Item): void {
    for (const [items, value] of this.#placesOf(anchor)) take(items, value, item);
    if (anchor.by === "nothing") this.#others.delete(item);
    if (anchor.by === "label" && this.#byLabel.get(anchor.name)?.size === 0) this.#byLabel.delete(anchor.name);
    if (anchor.by === "field" && this.#byField.get(anchor.field)?.items.size === 0) this.#byField.delete(anchor.field);
  }

  /** The maps, and the keys in them, under which an item with this anchor stands. */
  #placesOf(anchor: Anchor): (readonly [Map<string, Set<Item>>, string])[] {
    switch (anchor.by) {
      case "key":
        return [[this.#byKey, anchor.key]];
      case "place":
        return [[this.#byPlace, anchor.place]];
      case "label": {
        const values = this.#byLabel.get(anchor.name) ?? new Map<string, Set<Item>>();
        this.#byLabel.set(anchor.name, values);
        return anchor.values.map((value) => [values, value]);
      }
      case "field": {
        const field = this.#byField.get(anchor.field) ?? { read: anchor.read, items: new Map<string, Set<Item>>() };
        this.#byField.set(anchor.field, field);
        return [[field.items, anchor.value]];
      }
      case "nothing":
        return [];
    }
  }

  /** Adds to `found` the items whose anchors the entry has. */
  find(view: Pick<View, "decode">, entry: Entry, found: Set<Item>): void {
    for (const item of this.#others) found.add(item);
    addAll(this.#byKey.get(entry.key), found);
    if (this.#byPlace.size > 0) addAll(this.#byPlace.get(entry.key.slice(0, entry.key.lastIndexOf("/") + 1)), found);
    if (this.#byLabel.size > 0) {
      const labels = labelsOf(entry.text);
      for (const [name, values] of this.#byLabel) if (Object.hasOwn(labels, name)) addAll(values.get(labels[name] ?? ""), found);
    }
    for (const { read, items } of this.#byField.values()) addAll(items.get(read(view, entry)), found);
  }
}

function put<Item>(map: Map<string, Set<Item>>, key: string, item: Item): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, new Set([item]));
  else items.add(item);
}

function take<Item>(map: Map<string, Set<Item>>, key: string, item: Item): void {
  const items = map.get(key);
  items?.delete(item);
  if (items?.size === 0) map.delete(key);
}

function addAll<Item>(items: ReadonlySet<Item> | undefined, found: Set<Item>): void {
  if (items !== undefined) for (const item of items) found.add(item);
}
