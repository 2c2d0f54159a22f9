import type { AllocationResult, Namespace, Scale } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import type { BodyKind } from "../kinds/machinery/body.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { ObjectText } from "../kinds/text.ts";
import type { Premises } from "../store/premises.ts";
import type { Entry } from "../store/view.ts";

/** Who asks, as the access layer found out: what admission is told of them. Source: authentication's user.Info. */
export interface Requester {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Who an object is written by. Only called when somebody is to be told, so that a write costs nothing more for it. */
export type Author = (object: KubeObject) => Requester;

/** Who asks, and how: the part of a request that every write has. */
export interface WriteOptions {
  /** Who asks. The house itself when nobody is named. */
  readonly requester?: Requester;
  /** Which part of the house writes where nobody asks; the API server by default. */
  readonly author?: Author;
  /** Told what the client should know although it is not refused. */
  readonly warn?: (text: string) => void;
  /** Told what an audit of this request should keep beside it. */
  readonly annotate?: (key: string, value: string) => void;
  /** Recorded in managedFields; a controller's or a component's own name inside the house. */
  readonly fieldManager?: string;
  /**
   * Nobody comes to own the fields that are written. For reports in such numbers that their owners, as long as the reports themselves, would be half of what is
   * stored and sent.
   */
  readonly unmanaged?: boolean;
  /** Asked whenever the store has not answered in time: true to go on asking. For who would otherwise decide anew, and make a second one. */
  readonly insists?: () => boolean;
  /** Everything happens but the write. The entry of a dry create has revision 0, which is never printed. */
  readonly dryRun?: boolean;
  /** What to do with unknown and duplicate fields of the body. */
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
}

export interface ModifyOptions extends WriteOptions {
  readonly subresource?: WrittenPart;
}

export interface DeleteOptions extends WriteOptions {
  readonly gracePeriodSeconds?: number;
  /** The old `orphanDependents` is said here: true is Orphan, false is Background. */
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface BindOptions extends WriteOptions {
  /** Annotations of the Binding; they are merged into the pod's. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Claims on devices that the pod uses from now on, written in the same transaction. */
  readonly claims?: readonly ClaimGrant[];
  /** What the decision rests on, beside the node: rejects with Outdated when others have touched it. */
  readonly premises?: Premises;
}

/** A claim that a pod gets to use, and what the claim gets where it has nothing yet. */
export interface ClaimGrant {
  readonly key: string;
  readonly uid: string;
  readonly allocation: AllocationResult | undefined;
}

/** Which pod is to run where. */
export interface PodBinding {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

export type Deleted =
  /** The object is gone; the entry is its last state. */
  | { readonly removed: true; readonly entry: Entry }
  /** It only has a deletionTimestamp now: finalizers or a grace period hold it. */
  | { readonly removed: false; readonly entry: Entry };

/** The doors of an object through which only a part of it is written: its status, the approval in it, or a part of the spec (`Kind.specDoors`). */
export type WrittenPart = "status" | "approval" | "ephemeralcontainers" | "resize";

/** A change described by the client: RFC 6902, RFC 7386 or Kubernetes' own. `body` is the parsed JSON. */
export interface Patch {
  readonly type: "json" | "merge" | "strategic";
  readonly body: unknown;
}

/** What a client wants an object to be, as far as it cares (server-side apply). `body` is the parsed configuration. */
export interface Configuration {
  readonly body: unknown;
  /** Takes fields over that others own. */
  readonly force: boolean;
}

export type Applied = { readonly created: boolean; readonly entry: Entry };

/** Which objects a deletecollection takes. */
export type Matches = (object: KubeObject) => boolean;

/**
 * The one door to the store for everything that is an API object: admission, defaults, validation, metadata, conflict, deletion. The
 * REST gateway, the NATS services, controllers, schedulers and nodes all write through it, so an object is checked
 * once and inside the house is trusted. Everything is refused with a StatusError in Kubernetes' words.
 */
/** A connection that somebody asks for by a subresource, and the options that it speaks. */
export interface Connection {
  readonly subresource: string;
  readonly speaks: BodyKind;
  readonly object: object;
}

export interface Registry {
  /** `object` is a private copy, owned by the registry from here on. The namespace, where the kind has one, is in its metadata. */
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<Entry>;
  /** A full replacement; metadata.resourceVersion, when given, must be the current one. Without a `subresource` it is all but the status. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions & { readonly subresource?: WrittenPart }): Promise<Entry>;
  /**
   * Reads, modifies, writes, and starts over on a conflict (etcd3's GuaranteedUpdate). `modify` gets the current object and returns the
   * new one, or undefined to leave it as it is; with subresource `status` it must not change the current object, which is compared with
   * the new one: `{ ...current, status: next }`. NotFound when there is none.
   */
  modify<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    modify: (current: T) => T | undefined,
    options?: ModifyOptions,
  ): Promise<Entry>;
  /**
   * Changes the stored texts of several objects in one transaction; `rewrite` returns undefined for a text that is not as expected. Done where nobody
   * else has a say in the write, and not checked: for what is written so often and changes so little that to read, check and print the objects is nearly all
   * of its cost. Resolves to the names of those that were changed: none, when somebody else was faster with one of them. The others are for `modify`.
   */
  rewriteTogether<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    names: readonly string[],
    rewrite: (text: ObjectText, name: string) => ObjectText | undefined,
    options?: WriteOptions,
  ): Promise<ReadonlySet<string>>;
  /** Applies a patch to what is there, again on a conflict unless the patch itself names a resourceVersion. */
  patch<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    patch: Patch,
    options?: WriteOptions & { readonly subresource?: WrittenPart },
  ): Promise<Entry>;
  /** Server-side apply: makes the object if there is none; the applied fields are the manager's from then on. Conflict when others own them. */
  apply<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    configuration: Configuration,
    options: WriteOptions & { readonly fieldManager: string; readonly subresource?: WrittenPart },
  ): Promise<Applied>;
  delete(kind: Kind, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<Deleted>;
  /** Deletes all that match, each by the same rules as `delete`. What somebody else deleted meanwhile is left out. */
  deleteCollection(kind: Kind, namespace: string | undefined, matches: Matches, options?: DeleteOptions): Promise<readonly Deleted[]>;
  /** Sets a pod's node (the `binding` subresource). Conflict when the pod is bound, being deleted, or not of this uid. */
  bind(namespace: string, name: string, uid: string | undefined, nodeName: string, options?: BindOptions): Promise<Entry>;
  /** Sets the nodes of several pods in one transaction: of all, or of none. */
  bindTogether(bindings: readonly PodBinding[], options?: BindOptions): Promise<void>;
  /** Deletes a pod if its PodDisruptionBudget allows (the `eviction` subresource); 429 TooManyRequests if it does not. */
  evict(namespace: string, name: string, options?: DeleteOptions): Promise<Deleted>;
  /** Asks those who have a say whether somebody may reach what an object stands for, as `exec` and `proxy` do; `object` is how. Throws their refusal. */
  admitConnection(kind: Kind, namespace: string | undefined, name: string, connection: Connection, options: WriteOptions): Promise<void>;
  /** Entries as clients of this kind see them, where a webhook has to be asked to convert them; the others as they are. */
  served(kind: Kind, entries: readonly Entry[]): Promise<readonly Entry[]>;
  /** The `scale` subresource of a workload: Deployment or ReplicaSet. */
  getScale(kind: Kind, namespace: string, name: string): Promise<Scale>;
  updateScale(kind: Kind, scale: Scale, options?: WriteOptions): Promise<Scale>;
  patchScale(kind: Kind, namespace: string, name: string, patch: Patch, options?: WriteOptions): Promise<Scale>;
  /** Sets a namespace's spec.finalizers (the `finalize` subresource); a namespace being deleted goes with the last of them. */
  finalizeNamespace(namespace: Namespace, options?: WriteOptions): Promise<Entry>;
}

/** What nodes write, and all that they do: the part of the door that a machine outside the cluster has by the API, too. */
export type ObjectWrites = Pick<Registry, "create" | "modify" | "delete" | "rewriteTogether">;
