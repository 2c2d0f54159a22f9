import { partsOf } from "../../kinds/kind.ts";
import { type Labels, matchesLabels, printSelector, type Selector } from "../../kinds/machinery/label-selector.ts";
import { labelsOf, sameLabels } from "../../kinds/metadata-text.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { Change, Entry, View } from "../../store/view.ts";

const PODS = "pods";
const NONE: readonly string[] = [];

interface Selecting {
  readonly key: string;
  readonly selector: Selector;
  readonly printed: string;
  /** A label that all have whom it selects, as `key=value`; undefined when its selector names none. */
  readonly label: string | undefined;
  /** Keys of the pods that it selects now. */
  readonly pods: Set<string>;
}

/** Those of one namespace that select. */
class Selectors {
  readonly #byKey = new Map<string, Selecting>();
  readonly #byLabel = new Map<string | undefined, Set<Selecting>>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Selecting | undefined {
    return this.#byKey.get(key);
  }

  add(selecting: Selecting): void {
    this.#byKey.set(selecting.key, selecting);
    const alike = this.#byLabel.get(selecting.label);
    if (alike === undefined) this.#byLabel.set(selecting.label, new Set([selecting]));
    else alike.add(selecting);
  }

  remove(key: string): void {
    const selecting = this.#byKey.get(key);
    if (selecting === undefined) return;
    this.#byKey.delete(key);
    const alike = this.#byLabel.get(selecting.label);
    alike?.delete(selecting);
    if (alike?.size === 0) this.#byLabel.delete(selecting.label);
  }

  /** All that may select something with these labels. */
  *candidates(labels: Labels): Generator<Selecting> {
    yield* this.#byLabel.get(undefined) ?? [];
    for (const key in labels) yield* this.#byLabel.get(`${key}=${labels[key]}`) ?? [];
  }
}

/**
 * Who selects which pods: what turns a pod's change into keys of services or budgets, and back. Most namespaces have few such objects or
 * none, so a pod there costs one look-up, elsewhere one for each of its labels; a service's pods are found without a look at all others of its
 * namespace. It follows the changes of the selecting resource and of pods, which its owner passes on; all of it can be worked out again from the view.
 */
export class SelectorDirectory<T extends KubeObject> {
  readonly #selectorOf: (object: T) => Selector | undefined;
  readonly #namespaces = new Map<string, Selectors>();

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
    const all = this.#namespaces.get(namespace) ?? new Selectors();
    const printed = selector === undefined ? "" : printSelector(selector);
    // Its status changes far more often than what it selects.
    if (selector !== undefined && all.get(key)?.printed === printed) return;
    all.remove(key);
    if (selector !== undefined) {
      const pods = new Set<string>();
      for (const pod of view.list(PODS, namespace)) if (matchesLabels(selector, labelsOf(pod.text))) pods.add(pod.key);
      all.add({ key, selector, printed, label: labelOfAll(selector), pods });
    }
    if (all.size === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, all);
  }

  /** A change of a pod: the keys of those that select it, or did. */
  followPod({ now, before }: Change): readonly string[] {
    const pod = (now ?? before)?.key;
    const all = pod === undefined ? undefined : this.#namespaces.get(partsOf(pod).namespace);
    if (pod === undefined || all === undefined) return NONE;
    const keys: string[] = [];
    const labels = now === undefined ? undefined : labelsOf(now.text);
    if (labels !== undefined) {
      for (const { key, selector, pods } of all.candidates(labels)) {
        if (!matchesLabels(selector, labels)) continue;
        pods.add(pod);
        keys.push(key);
      }
    }
    if (before === undefined || (now !== undefined && sameLabels(before.text, now.text))) return keys;
    for (const { key, selector, pods } of all.candidates(labelsOf(before.text))) {
      if (labels !== undefined && matchesLabels(selector, labels)) continue;
      if (pods.delete(pod)) keys.push(key);
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

function labelOfAll({ requirements }: Selector): string | undefined {
  const one = requirements.find(
    ({ operator, values }) => values.length === 1 && (operator === "=" || operator === "==" || operator === "in"),
  );
  return one === undefined ? undefined : `${one.key}=${one.values[0]}`;
}
