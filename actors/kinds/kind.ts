import type { ScaleFields } from "./custom/scale-paths.ts";
import type { StructuralSchema } from "./custom/structural-schema.ts";
import type { ApiextensionsWebhookClientConfig } from "./generated/types.ts";
import type { Shaped } from "./machinery/shape.ts";
import type { StructType } from "./managed-fields/typed.ts";
import type { KubeObject } from "./object.ts";
import type { FieldError } from "./status.ts";
import type { ObjectText } from "./text.ts";

/** One column of a kind's table, as kubectl prints it. Source: pkg/printers/internalversion of Kubernetes 1.34. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description: string;
  /** 0 is always printed, 1 only with `-o wide`. */
  readonly priority: number;
}

export type Cell = string | number | boolean | null;

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export interface Subresource {
  /** `status`, `scale`, `binding`, `eviction`, ... */
  readonly name: string;
  readonly verbs: readonly ("get" | "patch" | "update" | "create" | "delete")[];
  /** The kind that the subresource speaks, where it is not the parent's: `Scale` of `autoscaling/v1`. */
  readonly gvk?: { readonly group: string; readonly version: string; readonly kind: string };
  /** It leads to what the object stands for (`log`, `exec`, `proxy`, ...): what goes over it is no object, and no schema describes it. */
  readonly connects?: true;
}

/** Reads one selectable field. A method's type, so that a Kind<Pod> is a Kind like any other. */
export type FieldValue<T extends KubeObject> = { value(object: T): string }["value"];

/**
 * How a version that is not the stored one is made of it. The registry and the store only know the stored form; `cells` and
 * `selectableFields` of such a kind read it too.
 */
export interface StoredForm {
  /** The kind whose rules (defaults, validation, strategy) hold for what is stored. */
  readonly kind: Kind;
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

/** What a kind is beside its facts when a CustomResourceDefinition made it: it is described by a schema, not by the schema tables. */
export interface CustomFacts {
  readonly listKind: string;
  readonly schema: StructuralSchema;
  /** The fields as server-side apply sees them. */
  readonly typed: StructType;
  /** Brings a decoded body, a private copy, into shape: prunes it, fills in defaults. Throws ShapeError. */
  shape(body: unknown): Shaped;
  /** A stored object, a private copy, in this version, with the defaults of today. */
  asServed(object: KubeObject): KubeObject;
  /** Where the numbers of its Scale are. */
  readonly scale?: ScaleFields;
  /** Its definition is being deleted: nothing new is made. */
  readonly terminating: boolean;
  /** Its versions are made of one another by a webhook. */
  readonly conversion?: WebhookConversion;
}

/** A subresource through which one part of the spec is written, under rules of its own; the rest stays as it is. */
export interface SpecDoor<T extends KubeObject> {
  /** The next object: the current one with this part of what the client wants. Neither of the two is changed. */
  through(wanted: T, current: T): KubeObject;
  validate(next: T, current: T): FieldError[];
}

/** Who converts the versions of a custom resource. */
export interface WebhookConversion {
  /** The `apiVersion` in which objects are stored from now on. */
  readonly storage: string;
  readonly client: ApiextensionsWebhookClientConfig;
  readonly reviewVersions: readonly string[];
}

/** What the facts of a kind may need of the world when an object is prepared. */
export interface PrepareContext {
  readonly now_ms: number;
  /** Who asks, for objects that keep it; undefined: the house itself. */
  readonly requester?: {
    readonly user: string;
    readonly groups: readonly string[];
    readonly uid?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

/**
 * One of the things that an update is checked for: what changed in `metadata`, what is wrong with the new `content` (by `validate`) or with
 * the `whole` object, metadata too, and what has changed beside (by `validateUpdate`).
 */
export type UpdateCheck = "metadata" | "content" | "whole" | "changes";

/**
 * The facts of one kind of object: one small file each, listed in `kinds.ts`. Everything that is generic (metadata, schema,
 * patches, conflict, deletion, tables, discovery) is derived from them. `T` is the generated type of the object.
 * The functions `applyDefaults` and `prepare...` change the object they are given, which is always a private copy.
 */
export interface Kind<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** The definition in the schema tables, for example `io.k8s.api.core.v1.Pod`. */
  readonly schema: string;
  /** What its objects hold is in no message, log or record of requests. */
  readonly confidential?: true;
  /** Only for kinds whose objects are stored as another version's, or another group's. */
  readonly stored?: StoredForm;
  /** Only for kinds that CustomResourceDefinitions made. */
  readonly custom?: CustomFacts;
  /** What all who use it are told, because it is deprecated. */
  readonly deprecation?: string;
  /** Fills in what the client left out. Source: SetDefaults_* of Kubernetes 1.34. */
  applyDefaults?(object: T): void;
  /** Clears or sets what the client may not decide at creation (status, generation is generic). */
  prepareForCreate?(object: T, context: PrepareContext): void;
  /** The same for an update through the main resource: keep status and what is immutable silently. */
  prepareForUpdate?(next: T, current: T, context: PrepareContext): void;
  /** True for kinds of which an update through `status` leaves metadata as it is; with the others labels and annotations go along. */
  readonly statusKeepsMetadata?: boolean;
  /** The same for an update through `status`, which keeps the rest from `current`. */
  prepareForStatusUpdate?(next: T, current: T, context: PrepareContext): void;
  /** The same for an update through `approval`, which writes its own part of the status. */
  prepareForApproval?(next: T, current: T, context: PrepareContext): void;
  /** What is wrong with an update through `approval`. */
  validateApproval?(next: T, current: T): FieldError[];
  /** What an object is from the moment on that its deletion is asked for, where that is more than a timestamp. Returns the next object. */
  prepareForDeletion?(object: T, context: PrepareContext): KubeObject;
  /** True for kinds of which an update must name the revision that it changes. Source: AllowUnconditionalUpdate. */
  readonly updatesNameRevision?: boolean;
  /** How names must look; absent: as any name must, which is looked at last. */
  nameRule?(name: string, object: T): string[];
  /** True for kinds of which a finalizer may have any qualified name; with the others one without a domain is one of Kubernetes' own. */
  readonly anyFinalizer?: boolean;
  /**
   * What is wrong with an object beside its metadata. `current` is what an update replaces: what was wrong before and is as it was may be
   * let through.
   */
  validate(object: T, current?: T): FieldError[];
  /** What an update is checked for, and in which order; absent: UPDATE_CHECKS. */
  readonly updateChecks?: readonly UpdateCheck[];
  /** The field by which an object, or a new status, wants devices that others use, which is for namespaces whose administrators say so. */
  adminAccess?(next: T, current?: T): string | undefined;
  /** True for kinds whose status is validated as it is written. */
  readonly validatesStatus?: boolean;
  validateUpdate?(next: T, current: T): FieldError[];
  /** What a client is told of an object that is accepted, or of its update. Source: WarningsOnCreate, WarningsOnUpdate. */
  warnings?(object: T, current?: T): string[];
  /** What is wrong with a status that is written through its own door. */
  validateStatus?(next: T, current: T): FieldError[];
  /** Subresources by name, beside `status`, `scale` and the like, that write a part of the spec. */
  readonly specDoors?: Readonly<Record<string, SpecDoor<T>>>;
  /** Seconds of grace when the deletion request names none; absent: no graceful deletion. */
  defaultGraceSeconds?(object: T): number;
  /** True when the object's deletion has no grace, whatever the request names: nothing of it runs anywhere. */
  deletesAtOnce?(object: T): boolean;
  /** True for kinds that count `metadata.generation`: 1 at creation, one more when `generationChanges`. */
  readonly tracksGeneration?: boolean;
  /** Whether an update raises the generation; absent: when `spec` differs. */
  generationChanges?(next: T, current: T): boolean;
  /** True for kinds of which a `PUT` under a name that is free makes a new object. Source: AllowCreateOnUpdate of Kubernetes 1.34. */
  readonly createsOnUpdate?: boolean;
  /** True for kinds whose deletion answers with the object even when it is gone at once; the others answer with a Status. */
  readonly returnsDeletedObject?: boolean;
  readonly columns: readonly Column[];
  cells(object: T, now_ms: number): readonly Cell[];
  /** An annotation that rows of tables lack, since it is a field of Kubernetes' internal type. */
  readonly fieldAnnotation?: string;
  /** `conditions` of the object's table row, each of type `Completed` and status `True`: reason and message. */
  rowConditions?(object: T): readonly (readonly [reason: string, message: string])[];
  /** Field selectors beyond `metadata.name` and `metadata.namespace`: the value of each for an object. */
  readonly selectableFields: Readonly<Record<string, FieldValue<T>>>;
  /** The same for fields that a stored text tells without being decoded: those that clients watch by. */
  readonly selectableTexts?: Readonly<Record<string, (text: ObjectText) => string>>;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** `["apps", "v1"]` of `apps/v1`, `["", "v1"]` of `v1`. */
export function splitApiVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

/** The store's name for a kind's objects: `pods`, `deployments.apps`. */
export function resourceOf(kind: Pick<Kind, "group" | "plural" | "stored">): string {
  if (kind.stored !== undefined) return resourceOf(kind.stored.kind);
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** The store's key for an object of this kind. */
export function keyFor(kind: Pick<Kind, "group" | "plural" | "stored">, namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === "" ? `${resourceOf(kind)}/${name}` : `${resourceOf(kind)}/${namespace}/${name}`;
}

/** The namespace and name of a key of a namespaced resource. */
export function partsOf(key: string): { readonly namespace: string; readonly name: string } {
  const first = key.indexOf("/");
  const last = key.lastIndexOf("/");
  return { namespace: key.slice(first + 1, Math.max(first + 1, last)), name: key.slice(last + 1) };
}

/** A stored object, a private copy, as clients of this kind see it. */
export function asServed(kind: Pick<Kind, "stored" | "custom">, object: KubeObject): KubeObject {
  if (kind.stored !== undefined) return kind.stored.fromStored(object);
  return kind.custom === undefined ? object : kind.custom.asServed(object);
}
