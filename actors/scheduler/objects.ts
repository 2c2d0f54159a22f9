import type { KubeObject } from "../kinds/object.ts";
import { decodeObject, encodeObject } from "../kinds/text.ts";
import type { Entry, View } from "../store/view.ts";

/** What the scheduler reads: the part of a view that is about what is there now. */
export type Objects = Pick<View, "get" | "list" | "entry" | "decode">;

/** Objects in memory under the keys of a store, for decisions that are only thought through. */
export class ObjectList implements Objects {
  readonly #objects = new Map<string, { readonly entry: Entry; readonly object: KubeObject }>();

  /** Puts an object in, in place of one of the same key. `resource` as in a Key: `pods`, `replicasets.apps`. */
  put(resource: string, object: KubeObject): Entry {
    const { namespace, name } = object.metadata;
    const key = namespace === undefined ? `${resource}/${name}` : `${resource}/${namespace}/${name}`;
    const entry: Entry = { key, revision: 0, text: encodeObject(object) };
    this.#objects.set(key, { entry, object });
    return entry;
  }

  entry(key: string): Entry | undefined {
    return this.#objects.get(key)?.entry;
  }

  get<T extends KubeObject>(key: string): T | undefined {
    return this.#objects.get(key)?.object as T | undefined;
  }

  decode<T extends KubeObject>(entry: Entry): T {
    return (this.get<T>(entry.key) ?? decodeObject<T>(entry.text, entry.revision)) as T;
  }

  list(resource: string, namespace?: string): readonly Entry[] {
    const prefix = namespace === undefined ? `${resource}/` : `${resource}/${namespace}/`;
    return [...this.#objects.values()].map(({ entry }) => entry).filter(({ key }) => key.startsWith(prefix));
  }
}
