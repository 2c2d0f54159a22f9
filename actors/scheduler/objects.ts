import type { KubeObject } from "../kinds/object.ts";
import { decodeObject, encodeObject } from "../kinds/text.ts";
import type { Entry, View } from "../store/view.ts";

/** What the scheduler reads: the part of a view that is about what is there now. */
export type Objects = Pick<View, "get" | "list" | "entry" | "decode">;

/** Objects in memory under the keys of a store, for decisions that are only thought through. */
export class ObjectList implements Objects {
  readonly #resources = new Map<string, Map<string, Held>>();

  /** Puts an object in, in place of one of the same key. `resource` as in a Key: `pods`, `replicasets.apps`. */
  put(resource: string, object: KubeObject): Entry {
    const { namespace, name } = object.metadata;
    const key = namespace === undefined ? `${resource}/${name}` : `${resource}/${namespace}/${name}`;
    const entry: Entry = { key, revision: 0, text: encodeObject(object) };
    this.#of(key).set(key, { entry, object });
    return entry;
  }

  /** Puts in what a view has, as it has it. */
  add(entry: Entry): void {
    this.#of(entry.key).set(entry.key, { entry });
  }

  entry(key: string): Entry | undefined {
    return this.#of(key).get(key)?.entry;
  }

  get<T extends KubeObject>(key: string): T | undefined {
    const held = this.#of(key).get(key);
    return held && ((held.object ?? decodeObject<T>(held.entry.text, held.entry.revision)) as T);
  }

  decode<T extends KubeObject>(entry: Entry): T {
    return this.get<T>(entry.key) ?? decodeObject<T>(entry.text, entry.revision);
  }

  list(resource: string, namespace?: string): readonly Entry[] {
    const entries = [...(this.#resources.get(resource)?.values() ?? [])].map(({ entry }) => entry);
    return namespace === undefined ? entries : entries.filter(({ key }) => key.startsWith(`${resource}/${namespace}/`));
  }

  #of(key: string): Map<string, Held> {
    const resource = key.slice(0, key.indexOf("/"));
    let held = this.#resources.get(resource);
    if (held === undefined) {
      held = new Map();
      this.#resources.set(resource, held);
    }
    return held;
  }
}

/** What came as text is read when it is asked for. */
interface Held {
  readonly entry: Entry;
  readonly object?: KubeObject;
}
