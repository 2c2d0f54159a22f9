import { apiVersionOf, type Kind, partsOf, splitApiVersion } from "../kinds/kind.ts";
import { labelsOf, mayHaveOwners, ownersOf } from "../kinds/metadata-text.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../kinds/object.ts";
import type { Entry, IndexDefinition, View } from "../store/view.ts";
import { NO_KEYS, type Watch } from "./controller.ts";

/** The owner that manages the object, if any. Source: metav1.GetControllerOf. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** The reference that makes `owner` the controller of what it stands in. Source: metav1.NewControllerRef. */
export function controllerReference<T extends KubeObject>(
  kind: Kind<T>,
  owner: { readonly metadata: Pick<ObjectMeta, "name" | "uid"> },
): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/**
 * The index by which controllers find what is theirs: under the uid of its controller, or, for what has none, under each of its labels, so
 * that thousands of objects that nobody owns cost a look-up nothing unless they have the label that a selector asks for.
 */
export function controllerIndex(resource: string): IndexDefinition {
  return {
    name: `controllers:${resource}`,
    resource,
    values: ({ metadata: { namespace, labels, ownerReferences = [] } }) => valuesUnder(namespace, labels, ownerReferences),
    valuesOfText: ({ key, text }) => {
      const owners = mayHaveOwners(text) ? ownersOf(text) : [];
      const isControlled = owners.some(({ controller }) => controller === true);
      return valuesUnder(partsOf(key).namespace, isControlled ? undefined : labelsOf(text), owners);
    },
  };
}

function valuesUnder(
  namespace: string | undefined,
  labels: Readonly<Record<string, string>> | undefined,
  owners: readonly OwnerReference[],
): readonly string[] {
  const controller = owners.find((owner) => owner.controller === true);
  if (controller !== undefined) return [controller.uid];
  return Object.entries(labels ?? {}).map(([key, value]) => orphanValue(namespace, key, value));
}

function orphanValue(namespace: string | undefined, key: string, value: string): string {
  return `${namespace ?? ""}/${key}=${value}`;
}

/** The objects whose controller has this uid. Needs controllerIndex(resource). */
export function controlledBy(view: View, resource: string, uid: string): readonly Entry[] {
  return view.byIndex(`controllers:${resource}`, uid);
}

/**
 * Objects in the namespace that have no controller and may match a selector with these labels; all of the namespace when it names none.
 * Needs controllerIndex(resource).
 */
export function orphansFor(
  view: View,
  resource: string,
  namespace: string,
  matchLabels: Readonly<Record<string, string>> | undefined,
): readonly Entry[] {
  let fewest: readonly Entry[] | undefined;
  for (const [key, value] of Object.entries(matchLabels ?? {})) {
    const found = view.byIndex(`controllers:${resource}`, orphanValue(namespace, key, value));
    if (fewest === undefined || found.length < fewest.length) fewest = found;
    if (found.length === 0) break;
  }
  return fewest ?? view.list(resource, namespace);
}

/** A copy whose controller is `owner`. */
export function adopted<T extends KubeObject>(object: T, owner: OwnerReference): T {
  const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, owner] } };
}

/** A copy without these owners. */
export function disowned<T extends KubeObject>(object: T, uids: ReadonlySet<string>): T {
  const { ownerReferences, ...metadata } = object.metadata;
  const left = (ownerReferences ?? []).filter(({ uid }) => !uids.has(uid));
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } };
}

/** The name of the entry's controller, where that is of this kind. Reads no more of the text than its owners. */
export function controllerNameOf<T extends KubeObject>(kind: Kind<T>, { text }: Entry): string | undefined {
  if (!mayHaveOwners(text)) return undefined;
  const owner = ownersOf(text).find(({ controller }) => controller === true);
  return owner?.kind === kind.kind && splitApiVersion(owner.apiVersion)[0] === kind.group ? owner.name : undefined;
}

/** The watch that turns a change of what a kind controls into the key of the owner: revisions into that of their set, jobs into that of their cron job. */
export function watchOwned<T extends KubeObject>(kind: Kind<T>, owners: string, resource: string): Watch {
  return {
    resource,
    keys: ({ now, before }) => {
      const entry = now ?? before;
      const name = entry === undefined ? undefined : controllerNameOf(kind, entry);
      return entry === undefined || name === undefined ? NO_KEYS : [`${owners}/${partsOf(entry.key).namespace}/${name}`];
    },
  };
}
