import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Entry } from "../store/view.ts";

/** Who asks, and how: the part of a request that every write has. */
export interface WriteOptions {
  /** Recorded in managedFields; a controller's or a component's own name inside the house. */
  readonly fieldManager?: string;
  /** Everything happens but the write. */
  readonly dryRun?: boolean;
  /** What to do with unknown and duplicate fields of the body. */
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
}

export interface DeleteOptions extends WriteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type Deleted =
  /** The object is gone; the entry is its last state. */
  | { readonly removed: true; readonly entry: Entry }
  /** It only has a deletionTimestamp now: finalizers or a grace period hold it. */
  | { readonly removed: false; readonly entry: Entry };

/**
 * The one door to the store for everything that is an API object: admission, defaults, validation, metadata, conflict, deletion. The
 * REST gateway, the NATS services, controllers, schedulers and nodes all write through it, so an object is checked
 * once and inside the house is trusted. Everything is refused with a StatusError in Kubernetes' words.
 */
export interface Registry {
  /** `object` is a private copy, owned by the registry from here on. The namespace, where the kind has one, is in its metadata. */
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<Entry>;
  /** A full replacement; metadata.resourceVersion, when given, must be the current one. `subresource` is `status` or undefined. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions & { readonly subresource?: "status" }): Promise<Entry>;
  /**
   * Reads, modifies, writes, and starts over on a conflict (etcd3's GuaranteedUpdate). `modify` gets a private copy and returns the
   * new object, or undefined to leave it as it is. NotFound when there is none.
   */
  modify<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    modify: (current: T) => T | undefined,
    options?: WriteOptions & { readonly subresource?: "status" },
  ): Promise<Entry>;
  delete(kind: Kind, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<Deleted>;
  /** Sets a pod's node (the `binding` subresource). Conflict when the pod is bound, being deleted, or not of this uid. */
  bind(namespace: string, name: string, uid: string | undefined, nodeName: string): Promise<Entry>;
}
