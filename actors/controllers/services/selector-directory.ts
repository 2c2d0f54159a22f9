import { partsOf } from "../../kinds/kind.ts";
import { matchesLabels, type Selector } from "../../kinds/machinery/label-selector.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { Change, Entry, View } from "../../store/view.ts";

const PODS = "pods";
const NONE: readonly string[] = [];

interface Selecting {
  readonly selector: Selector;
  /** Keys of the pods that it selects now. */
  readonly pods: Set<string>;
}

/**
 * Who selects which pods: what turns a pod's change into keys of services or budgets, and back. Most namespaces have few such objects or
 * none, so a pod there costs one look-up; a service's pods are found without a look at all others of its namespace. It follows the
 * changes of the selecting resource and of pods, which its owner passes on; all of it can be worked out again from the view.
 */
export class SelectorDirectory<T extends KubeObject> {
  readonly #selectorOf: (object: T) => Selector | undefined;
  readonly #namespaces = new Map<string, Map<string, Selecting>>();

  /** `selectorOf` says what an object selects; undefined: it selects no pods. */
  constructor(selectorOf: (object: T) => Selector | undefined) {
    this.#selectorOf = selectorOf;
  }

  /** A change of a selecting object. */
  followSelecting({ now, before }: Change, view: View): void {
    const key = (now ?? before)?.key;
    if (key === undefined) return;
    const { namespace } = partsOf(key);
    const selector = now === undefined ? undefined : this.#selectorOf(view.decode<T>(now));
    const all = this.#namespaces.get(namespace);
    if (selector === undefined) {
      all?.delete(key);
      if (all?.size === 0) this.#namespaces.delete(namespace);
      return;
    }
    const pods = new Set<string>();
    for (const pod of view.list(PODS, namespace)) if (matchesLabels(selector, labelsOf(pod.text))) pods.add(pod.key);
    if (all === undefined) this.#namespaces.set(namespace, new Map([[key, { selector, pods }]]));
    else all.set(key, { selector, pods });
  }

  /** A change of a pod: the keys of those that select it, or did. */
  followPod({ now, before }: Change): readonly string[] {
    const pod = (now ?? before)?.key;
    if (pod === undefined) return NONE;
    const all = this.#namespaces.get(partsOf(pod).namespace);
    if (all === undefined) return NONE;
    const labels = now === undefined ? undefined : labelsOf(now.text);
    const keys: string[] = [];
    for (const [key, { selector, pods }] of all) {
      if (labels !== undefined && matchesLabels(selector, labels)) {
        pods.add(pod);
        keys.push(key);
      } else if (pods.delete(pod)) keys.push(key);
    }
    return keys;
  }

  /** The pods that it selects, in the order of their keys. */
  podsOf(view: View, key: string): readonly Entry[] {
    const selecting = this.#namespaces.get(partsOf(key).namespace)?.get(key);
    const found: Entry[] = [];
    for (const pod of [...(selecting?.pods ?? [])].sort()) {
      const entry = view.entry(pod);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }
}
