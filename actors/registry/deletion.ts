import { conflict } from "../kinds/errors.ts";
import type { Namespace } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { resourceOf } from "../kinds/kind.ts";
import type { KubeObject, ObjectMeta } from "../kinds/object.ts";
import type { DeleteOptions } from "./registry.ts";
import { shiftTimestamp, timestamp } from "./timestamps.ts";

/** What a deletion request does to an object. `object` is its last, or its next, state. */
export type Deletion =
  | { readonly action: "remove"; readonly object: KubeObject }
  | { readonly action: "mark"; readonly object: KubeObject }
  /** It is on its way already and this request changes nothing. */
  | { readonly action: "keep" };

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";
/** What is left to dependents when nobody says: only the oldest of the workloads kept its habit. Source: batch's jobStrategy. */
const ORPHANS_BY_DEFAULT = new Set(["jobs.batch"]);

/** Refuses a deletion whose preconditions the object does not meet. Source: apiserver's rest.BeforeDelete. */
export function checkPreconditions(kind: Kind, object: KubeObject, preconditions: DeleteOptions["preconditions"]): void {
  if (preconditions === undefined) return;
  const { uid, resourceVersion, name } = object.metadata;
  const refuse = (why: string): never => {
    throw conflict({ group: kind.group, plural: kind.kind }, name, why);
  };
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    refuse(
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    refuse(
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
  }
}

/**
 * Removes the object now, or marks it: a grace period (pods) and finalizers hold it. Source: apiserver's rest.BeforeDelete and
 * registry.Store.Delete; for namespaces pkg/registry/core/namespace/storage.
 */
export function decideDeletion(kind: Kind, current: KubeObject, options: DeleteOptions, now_ms: number): Deletion {
  const resource = resourceOf(kind);
  if (resource === "namespaces") return decideNamespaceDeletion(current as Namespace, options, now_ms);
  const object = current.metadata.deletionTimestamp === undefined ? (kind.prepareForDeletion?.(current, { now_ms }) ?? current) : current;
  const finalizers = finalizersFor(resource, object.metadata, options);
  const graceful = kind.defaultGraceSeconds === undefined ? undefined : gracefully(kind, object, options, now_ms);
  if (graceful === "pending") return { action: "keep" };
  if (graceful !== undefined) {
    const next = { ...object, metadata: withFinalizers(graceful, finalizers) };
    return { action: finalizers.length === 0 && graceful.deletionGracePeriodSeconds === 0 ? "remove" : "mark", object: next };
  }
  if (finalizers.length === 0) return { action: "remove", object };
  const marked = withFinalizers(markedNow(object.metadata, now_ms), finalizers);
  return marked === object.metadata ? { action: "keep" } : { action: "mark", object: { ...object, metadata: marked } };
}

/**
 * Whether an update leaves nothing that holds an object whose deletion was asked for, so that the update removes it. Source:
 * registry.ShouldDeleteDuringUpdate.
 */
export function isReleased(kind: Kind, next: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = next.metadata;
  if (deletionTimestamp === undefined || (finalizers !== undefined && finalizers.length > 0)) return false;
  if (resourceOf(kind) === "namespaces") return ((next as Namespace).spec.finalizers ?? []).length === 0;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** The metadata with its grace period; `pending` when a deletion under way is not made shorter; undefined when no grace is left to give. */
function gracefully(kind: Kind, object: KubeObject, options: DeleteOptions, now_ms: number): ObjectMeta | "pending" | undefined {
  const meta = object.metadata;
  if (meta.deletionTimestamp !== undefined) {
    const pending = meta.deletionGracePeriodSeconds ?? 0;
    if (pending === 0) return undefined;
    const asked = options.gracePeriodSeconds;
    if (asked === undefined || asked >= pending) return "pending";
    const grace = asked < 0 ? 1 : asked;
    return { ...meta, deletionTimestamp: shiftTimestamp(meta.deletionTimestamp, grace - pending), deletionGracePeriodSeconds: grace };
  }
  const grace = graceSeconds(kind, object, options);
  return { ...bumped(meta), deletionTimestamp: timestamp(now_ms + grace * 1_000), deletionGracePeriodSeconds: grace };
}

/** Source: podStrategy.CheckGracefulDelete. */
function graceSeconds(kind: Kind, object: KubeObject, options: DeleteOptions): number {
  if (kind.deletesAtOnce?.(object) === true) return 0;
  const asked = options.gracePeriodSeconds ?? kind.defaultGraceSeconds?.(object) ?? 0;
  return asked < 0 ? 1 : asked;
}

/** The finalizers that the garbage collector's part of the request asks for: at most one of its two. */
function finalizersFor(resource: string, meta: ObjectMeta, options: DeleteOptions): readonly string[] {
  const before = meta.finalizers ?? [];
  const policy = options.propagationPolicy;
  const orphan =
    policy === undefined
      ? before.includes(ORPHAN) || (ORPHANS_BY_DEFAULT.has(resource) && !before.includes(FOREGROUND))
      : policy === "Orphan";
  const foreground = policy === undefined ? before.includes(FOREGROUND) : policy === "Foreground";
  if (orphan === before.includes(ORPHAN) && foreground === before.includes(FOREGROUND)) return before;
  const others = before.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  return [...others, ...(orphan ? [ORPHAN] : []), ...(foreground ? [FOREGROUND] : [])];
}

function withFinalizers(meta: ObjectMeta, finalizers: readonly string[]): ObjectMeta {
  if (finalizers === meta.finalizers || (finalizers.length === 0 && meta.finalizers === undefined)) return meta;
  if (finalizers.length > 0) return { ...meta, finalizers };
  const { finalizers: _none, ...rest } = meta;
  return rest;
}

/** Marked for deletion without grace; the same object when it was so before. Source: registry.markAsDeleting. */
function markedNow(meta: ObjectMeta, now_ms: number): ObjectMeta {
  if (meta.deletionTimestamp !== undefined && meta.deletionGracePeriodSeconds === 0) return meta;
  const base = meta.deletionGracePeriodSeconds === undefined ? bumped(meta) : meta;
  return { ...base, deletionTimestamp: meta.deletionTimestamp ?? timestamp(now_ms), deletionGracePeriodSeconds: 0 };
}

function bumped(meta: ObjectMeta): ObjectMeta {
  return meta.generation === undefined || meta.generation === 0 ? meta : { ...meta, generation: meta.generation + 1 };
}

/** A namespace first becomes Terminating; it goes when its controller has emptied it and taken `kubernetes` out of spec.finalizers. */
function decideNamespaceDeletion(namespace: Namespace, options: DeleteOptions, now_ms: number): Deletion {
  const { metadata } = namespace;
  if (metadata.deletionTimestamp === undefined) {
    const marked = withFinalizers({ ...metadata, deletionTimestamp: timestamp(now_ms) }, finalizersFor("namespaces", metadata, options));
    return {
      action: "mark",
      object: { ...namespace, metadata: marked, status: { ...namespace.status, phase: "Terminating" } } as Namespace,
    };
  }
  const held = (namespace.spec.finalizers ?? []).length > 0 || (metadata.finalizers ?? []).length > 0;
  return held ? { action: "keep" } : { action: "remove", object: namespace };
}
