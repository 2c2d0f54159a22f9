import { PodKind } from "../../kinds/core/pod.ts";
import type { LabelSelector, Pod } from "../../kinds/generated/types.ts";
import { type Kind, partsOf } from "../../kinds/kind.ts";
import { matchesLabels, type Selector, selectorOf } from "../../kinds/machinery/label-selector.ts";
import { labelsOf, ownersOf, sameLabels, sameOwners } from "../../kinds/metadata-text.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { Entry, View } from "../../store/view.ts";
import { modify } from "../actions.ts";
import { type Action, NO_KEYS, type Watch } from "../controller.ts";
import { adopted, controlledBy, controllerNameOf, controllerOf, controllerReference, disowned, orphansFor } from "../ownership.ts";
import { factsOf, type PodFacts } from "./pod-facts.ts";

const PODS = "pods";

/** A kind whose objects have pods of their own, told by a selector. */
export interface PodOwner<T extends KubeObject> {
  readonly kind: Kind<T>;
  /** Its resource: `replicasets.apps`. */
  readonly resource: string;
  /** What its pods' labels match. Only what this finds is adopted. */
  selectorOf(owner: T): LabelSelector;
}

/**
 * The watch that turns a pod's change into the keys of its owners of this kind: its controller, also the one that it had before; one without a
 * controller concerns who may adopt it.
 */
export function watchPodsOf<T extends KubeObject>(owner: PodOwner<T>): Watch {
  const { kind, resource } = owner;
  return {
    resource: PODS,
    keys: ({ now, before }, view) => {
      const entry = now ?? before;
      if (entry === undefined) return NO_KEYS;
      const { namespace } = partsOf(entry.key);
      // Most namespaces have no owner of most kinds, and what a pod says of one that is gone concerns nobody.
      if (view.count(resource, namespace) === 0) return NO_KEYS;
      const name = controllerNameOf(kind, entry);
      const changedOwner = now !== undefined && before !== undefined && !sameOwners(now.text, before.text);
      const former = changedOwner ? controllerNameOf(kind, before) : undefined;
      const keys = new Set<string>();
      if (name !== undefined) keys.add(`${resource}/${namespace}/${name}`);
      if (former !== undefined) keys.add(`${resource}/${namespace}/${former}`);
      const mayBeAdopted =
        name === undefined && now !== undefined && (before === undefined || changedOwner || !sameLabels(now.text, before.text));
      if (mayBeAdopted) for (const key of whoMayAdopt(owner, view, namespace, now)) keys.add(key);
      return keys.size === 0 ? NO_KEYS : [...keys];
    },
  };
}

function whoMayAdopt<T extends KubeObject>(owner: PodOwner<T>, view: View, namespace: string, pod: Entry): string[] {
  const all = view.list(owner.resource, namespace);
  if (all.length === 0) return [];
  if (ownersOf(pod.text).some(({ controller }) => controller === true)) return [];
  const labels = labelsOf(pod.text);
  return all.filter((one) => matchesLabels(selectorOf(owner.selectorOf(view.decode<T>(one))), labels)).map(({ key }) => key);
}

export interface Claims {
  readonly pods: readonly PodFacts[];
  /** The adoptions and releases that make them the owner's, and only them. */
  readonly actions: readonly Action[];
}

export interface ClaimOptions {
  /** Which pods come into question at all. All by default. */
  readonly counts?: (pod: PodFacts) => boolean;
  /** Which of them may be the owner's, beside what its selector says: one of its own that may not is let go. All by default. */
  readonly fits?: (pod: PodFacts) => boolean;
  /** What becomes of a pod that is taken, beside getting its owner, and of one that is let go, beside losing it. */
  readonly adopted?: (pod: Pod) => Pod;
  readonly released?: (pod: Pod) => Pod;
}

/**
 * The pods that are this owner's: those that it controls and that match its selector, and those that nobody controls and that match. An owner that is going adopts
 * and releases none. Needs controllerIndex("pods"). Source: PodControllerRefManager.
 */
export function claimPods<T extends KubeObject>(owner: PodOwner<T>, view: View, object: T, options: ClaimOptions = {}): Claims {
  const { counts = () => true, fits = () => true, adopted: taken = (pod) => pod, released = (pod) => pod } = options;
  const { uid, namespace = "", deletionTimestamp } = object.metadata;
  const wanted = owner.selectorOf(object);
  const selector: Selector = selectorOf(wanted);
  const pods: PodFacts[] = [];
  const actions: Action[] = [];
  for (const entry of controlledBy(view, PODS, uid)) {
    const pod = factsOf(view, entry);
    if (!counts(pod)) continue;
    if (matchesLabels(selector, pod.labels) && fits(pod)) pods.push(pod);
    else if (deletionTimestamp === undefined)
      actions.push(modify(PodKind, view.decode<Pod>(entry), (current) => released(disowned(current, new Set([uid])))));
  }
  if (deletionTimestamp !== undefined) return { pods, actions };
  for (const entry of orphansFor(view, PODS, namespace, wanted.matchLabels)) {
    const pod = factsOf(view, entry);
    if (!counts(pod) || pod.deleting || pod.controllerUid !== undefined || !matchesLabels(selector, pod.labels) || !fits(pod)) continue;
    pods.push(pod);
    const reference = controllerReference(owner.kind, object);
    actions.push(
      modify(PodKind, view.decode<Pod>(entry), (current) =>
        controllerOf(current) === undefined ? taken(adopted(current, reference)) : undefined,
      ),
    );
  }
  return { pods, actions };
}
