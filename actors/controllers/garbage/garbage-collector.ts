import type { Kind } from "../../kinds/kind.ts";
import { partsOf, resourceOf } from "../../kinds/kind.ts";
import { ownersOf, sameOwners } from "../../kinds/metadata-text.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../kinds/object.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { modify, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, type HearOfCustom, NO_KEYS, NOTHING, type Watch } from "../controller.ts";
import { disowned } from "../ownership.ts";
import { type Dependent, FOREGROUND, isBeingDeletedBy, mayBeHeld, metadataOf, ORPHAN, Ownership } from "./garbage-owners.ts";

/** Events come and go by themselves; nothing else that is stored is left out. Source: the collector's ignored resources. */
const IGNORED = new Set(["events", "events.events.k8s.io"]);
/** A deleted owner of thousands is a burst of deletions; the writer takes them in batches. */
const CONCURRENCY = 256;

/**
 * Deletes what has lost all its owners, and does what the two deletion finalizers ask for. It reads nothing but metadata, remembers nothing,
 * and looks at an object only when an owner of it is missing, going, or gone: an object whose owners live costs one look at each of
 * them when it appears, and one without owners a search for a word in its text. Source: pkg/controller/garbagecollector.
 */
export function garbageCollector(kinds: readonly Kind[], hearOfCustom?: HearOfCustom): Controller {
  const collected = kinds.filter((kind) => !IGNORED.has(resourceOf(kind)));
  const ownership = new Ownership(collected);
  const watchOf = (resource: string): Watch => ({ resource, keys: (change, view) => keysOf(ownership, change, view) });
  return {
    name: "garbage-collector",
    component: "garbage-collector-controller",
    author: controllerAccount("generic-garbage-collector"),
    concurrency: CONCURRENCY,
    indexes: ownership.indexes(),
    watches: ownership.resources.map(watchOf),
    ...(hearOfCustom === undefined
      ? {}
      : {
          more: (watch) =>
            hearOfCustom((kind) => {
              const resource = resourceOf(kind);
              if (ownership.add(kind)) watch(watchOf(resource), ownership.indexes([resource]));
            }),
        }),
    reconcile: (view, key) => reconcile(ownership, view, key),
  };
}

function keysOf(ownership: Ownership, { now, before }: Change, view: View): readonly string[] {
  if (now === undefined) return before === undefined ? NO_KEYS : keysOfGone(ownership, before, view);
  if (mayBeHeld(now)) {
    const going = keysOfGoing(ownership, metadataOf(now), now, view);
    if (going.length > 0) return going;
  }
  if (before !== undefined && sameOwners(before.text, now.text)) return NO_KEYS;
  const { namespace } = partsOf(now.key);
  const dependent = namespace === "" ? {} : { namespace };
  const keys = ownersOf(now.text).some((owner) => isMissingOrGoing(ownership, owner, dependent, view)) ? [now.key] : NO_KEYS;
  return before === undefined ? keys : [...keys, ...waitingOwners(ownership, metadataOf(before), view)];
}

/** Dependents of what is gone may be garbage, and an owner may have waited for it to go. */
function keysOfGone(ownership: Ownership, before: Entry, view: View): readonly string[] {
  const metadata = metadataOf(before);
  const dependents = ownership.dependentsOf(view, metadata.uid);
  const owners = waitingOwners(ownership, metadata, view);
  if (dependents.length === 0 && owners.length === 0) return NO_KEYS;
  return [...dependents.map(({ key }) => key), ...owners];
}

/** What is going in the foreground takes its dependents along, and waits for those that block it. */
function keysOfGoing(ownership: Ownership, metadata: ObjectMeta, entry: Entry, view: View): readonly string[] {
  if (isBeingDeletedBy(metadata, ORPHAN)) return [entry.key];
  if (!isBeingDeletedBy(metadata, FOREGROUND)) return NO_KEYS;
  return [entry.key, ...ownership.dependentsOf(view, metadata.uid).map(({ key }) => key)];
}

/** Owners that are held by one of the finalizers, and may have waited for this object. */
function waitingOwners(ownership: Ownership, metadata: ObjectMeta, view: View): readonly string[] {
  const keys: string[] = [];
  for (const reference of metadata.ownerReferences ?? []) {
    const place = ownership.placeOf(reference, metadata);
    const owner = ownership.ownerOf(view, reference, metadata);
    if (typeof place === "string" || owner === undefined) continue;
    if (isBeingDeletedBy(owner, FOREGROUND) || isBeingDeletedBy(owner, ORPHAN)) keys.push(place.key);
  }
  return keys;
}

function isMissingOrGoing(ownership: Ownership, reference: OwnerReference, dependent: Dependent, view: View): boolean {
  const owner = ownership.ownerOf(view, reference, dependent);
  return owner === undefined || isBeingDeletedBy(owner, FOREGROUND) || isBeingDeletedBy(owner, ORPHAN);
}

function blockingDependents(ownership: Ownership, { uid }: ObjectMeta, view: View): readonly Entry[] {
  return ownership
    .dependentsOf(view, uid)
    .filter((entry) => metadataOf(entry).ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
}

function reconcile(ownership: Ownership, view: View, key: string): readonly Action[] {
  const entry = view.entry(key);
  const kind = ownership.kindOf(key);
  if (entry === undefined || kind === undefined) return NOTHING;
  const metadata = metadataOf(entry);
  const object: KubeObject = { metadata };
  if (isBeingDeletedBy(metadata, ORPHAN)) return orphanDependents(ownership, view, kind, object);
  if (isBeingDeletedBy(metadata, FOREGROUND)) {
    return blockingDependents(ownership, metadata, view).length === 0 ? [withoutFinalizer(kind, object, FOREGROUND)] : NOTHING;
  }
  if (metadata.deletionTimestamp !== undefined || metadata.ownerReferences === undefined) return NOTHING;
  return judge(ownership, view, kind, object, entry);
}

/** What becomes of an object by what became of its owners. Source: attemptToDeleteItem. */
function judge(ownership: Ownership, view: View, kind: Kind, object: KubeObject, entry: Entry): readonly Action[] {
  const { metadata } = object;
  const absent = new Set<string>();
  const waiting = new Set<string>();
  const told: Action[] = [];
  let solid = 0;
  for (const reference of metadata.ownerReferences ?? []) {
    const place = ownership.placeOf(reference, metadata);
    const owner = ownership.ownerOf(view, reference, metadata);
    if (owner === undefined && place !== "unknown") told.push(...misplaced(ownership, view, kind, object, reference));
    // Nothing can be said about these, now or later: the object stays.
    if (typeof place === "string") return told;
    if (owner === undefined) absent.add(reference.uid);
    else if (isBeingDeletedBy(owner, FOREGROUND)) waiting.add(reference.uid);
    else solid++;
  }
  if (solid > 0) {
    if (absent.size === 0 && waiting.size === 0) return NOTHING;
    return [...told, modify(kind, object, (current) => disowned(current, new Set([...absent, ...waiting])))];
  }
  const preconditions = { uid: metadata.uid, resourceVersion: String(entry.revision) };
  const dependents = waiting.size === 0 ? [] : ownership.dependentsOf(view, metadata.uid);
  if (dependents.length === 0) return [...told, remove(kind, object, { propagationPolicy: policyOf(metadata), preconditions })];
  // An owner that waits for its own dependent would wait for ever: the object stops blocking first.
  const isCycle = dependents.some((dependent) => isBeingDeletedBy(metadataOf(dependent), FOREGROUND));
  const unblock = isCycle ? [modify(kind, object, withoutBlocking)] : NOTHING;
  return [
    ...told,
    { do: "inOrder", steps: [...unblock, remove(kind, object, { propagationPolicy: "Foreground", preconditions: { uid: metadata.uid } })] },
  ];
}

/** What people are told of an owner that is there, but not in the namespace of its dependent. Source: reportInvalidNamespaceOwnerRef. */
function misplaced(ownership: Ownership, view: View, kind: Kind, object: KubeObject, reference: OwnerReference): readonly Action[] {
  if (ownership.namespaceOf(view, reference) === undefined) return NOTHING;
  const { namespace = "" } = object.metadata;
  const { apiVersion, kind: ofKind, name, uid } = reference;
  const owner = `[${apiVersion}/${ofKind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
  const message = `ownerRef ${owner} does not exist in namespace ${JSON.stringify(namespace)}`;
  return [{ do: "event", note: warning(regarding(kind, object), "OwnerRefInvalidNamespace", message) }];
}

/** The finalizers that an object was given beforehand say how it wants to go. */
function policyOf({ finalizers }: ObjectMeta): "Orphan" | "Foreground" | "Background" {
  if (finalizers?.includes(ORPHAN) === true) return "Orphan";
  return finalizers?.includes(FOREGROUND) === true ? "Foreground" : "Background";
}

/** First the dependents forget their owner, then the owner may go. Source: orphanDependents. */
function orphanDependents(ownership: Ownership, view: View, kind: Kind, object: KubeObject): readonly Action[] {
  const { uid } = object.metadata;
  const dependents = ownership.dependentsOf(view, uid);
  if (dependents.length === 0) return [withoutFinalizer(kind, object, ORPHAN)];
  const forget: Action[] = [];
  for (const entry of dependents) {
    const dependentKind = ownership.kindOf(entry.key);
    if (dependentKind === undefined) continue;
    forget.push(modify(dependentKind, { metadata: metadataOf(entry) } as KubeObject, (current) => disowned(current, new Set([uid]))));
  }
  return forget;
}

function withoutFinalizer(kind: Kind, object: KubeObject, finalizer: string): Action {
  return modify(kind, object, (current) => {
    const { finalizers = [], ...metadata } = current.metadata;
    const left = finalizers.filter((one) => one !== finalizer);
    return { ...current, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
  });
}

function withoutBlocking(current: KubeObject): KubeObject {
  const ownerReferences = (current.metadata.ownerReferences ?? []).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  return { ...current, metadata: { ...current.metadata, ownerReferences } };
}
