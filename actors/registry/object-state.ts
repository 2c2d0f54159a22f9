import { isDeepStrictEqual } from "node:util";
import type { Random } from "../../runtime/mod.ts";
import type { Kind } from "../kinds/kind.ts";
import type { KubeObject, ObjectMeta } from "../kinds/object.ts";
import { timestamp } from "./timestamps.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Specified = KubeObject & { readonly spec?: unknown };
/** An object as a bag of its top-level members. */
type Members = Readonly<Record<string, unknown>>;

/** Metadata in the order in which it is stored, without what is empty and without what the house does not keep (managedFields, selfLink). */
function stored(meta: ObjectMeta, own: Pick<ObjectMeta, "name" | "uid" | "creationTimestamp"> & Partial<ObjectMeta>): ObjectMeta {
  const next: Writable<Partial<ObjectMeta>> = { name: own.name };
  if (meta.generateName !== undefined && meta.generateName !== "") next.generateName = meta.generateName;
  if (meta.namespace !== undefined && meta.namespace !== "") next.namespace = meta.namespace;
  next.uid = own.uid;
  if (own.resourceVersion !== undefined) next.resourceVersion = own.resourceVersion;
  if (own.generation !== undefined) next.generation = own.generation;
  next.creationTimestamp = own.creationTimestamp;
  if (own.deletionTimestamp !== undefined) next.deletionTimestamp = own.deletionTimestamp;
  if (own.deletionGracePeriodSeconds !== undefined) next.deletionGracePeriodSeconds = own.deletionGracePeriodSeconds;
  if (meta.labels !== undefined && hasMembers(meta.labels)) next.labels = meta.labels;
  if (meta.annotations !== undefined && hasMembers(meta.annotations)) next.annotations = meta.annotations;
  if (meta.ownerReferences !== undefined && meta.ownerReferences.length > 0) next.ownerReferences = meta.ownerReferences;
  if (meta.finalizers !== undefined && meta.finalizers.length > 0) next.finalizers = meta.finalizers;
  return next as ObjectMeta;
}

function hasMembers(map: object): boolean {
  for (const _key in map) return true;
  return false;
}

/** The object that a create stores, without what its kind says anyway: named, with a uid, its time and its first generation. Source: apiserver's rest.BeforeCreate. */
export function newObject<T extends KubeObject>(kind: Kind<T>, object: T, name: string, random: Random, now_ms: number): T {
  const own = { name, uid: random.uuid(), creationTimestamp: timestamp(now_ms) };
  const counted = kind.tracksGeneration === true ? { ...own, generation: 1 } : own;
  const { kind: _kind, apiVersion: _version, ...rest } = object;
  return { ...rest, metadata: stored(object.metadata, counted) } as T;
}

/**
 * An update's object with what no client decides taken from the current one. A uid of its own is kept, for validation to refuse;
 * so is a deletionTimestamp where there was none. Source: apiserver's rest.BeforeUpdate.
 */
export function carryOver<T extends KubeObject>(next: T, current: T): T {
  const meta = next.metadata;
  const was = current.metadata;
  const own: Writable<Pick<ObjectMeta, "name" | "uid" | "creationTimestamp"> & Partial<ObjectMeta>> = {
    name: meta.name,
    uid: meta.uid || was.uid,
    creationTimestamp: was.creationTimestamp,
  };
  if (was.resourceVersion !== undefined) own.resourceVersion = was.resourceVersion;
  if (was.generation !== undefined) own.generation = was.generation;
  const deletion = was.deletionTimestamp ?? meta.deletionTimestamp;
  if (deletion !== undefined) own.deletionTimestamp = deletion;
  const grace = was.deletionGracePeriodSeconds ?? meta.deletionGracePeriodSeconds;
  if (grace !== undefined) own.deletionGracePeriodSeconds = grace;
  const { kind: _kind, apiVersion: _version, ...rest } = next;
  return { ...rest, metadata: stored(meta, own) } as T;
}

/** The object with its generation raised when what it asks for has changed. */
export function countGeneration<T extends KubeObject>(kind: Kind<T>, next: T, current: T): T {
  const generation = current.metadata.generation;
  if (kind.tracksGeneration !== true || generation === undefined) return next;
  const changed = kind.generationChanges?.(next, current) ?? !same((next as Specified).spec, (current as Specified).spec);
  return changed ? { ...next, metadata: { ...next.metadata, generation: generation + 1 } } : next;
}

/** Whether the two are the same object but for resourceVersion, kind and apiVersion. Shared parts are seen at a glance. */
export function sameObject(next: KubeObject, current: KubeObject): boolean {
  if (
    !sameMembers(
      next as unknown as Members,
      current as unknown as Members,
      (member) => member === "metadata" || member === "kind" || member === "apiVersion",
    )
  ) {
    return false;
  }
  if (next.metadata === current.metadata) return true;
  return sameMembers(
    next.metadata as unknown as Members,
    current.metadata as unknown as Members,
    (member) => member === "resourceVersion" || member === "managedFields",
  );
}

function sameMembers(a: Members, b: Members, ignored: (member: string) => boolean): boolean {
  for (const member in a) if (!ignored(member) && !same(a[member], b[member])) return false;
  for (const member in b) if (!(member in a) && !ignored(member) && b[member] !== undefined) return false;
  return true;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}
