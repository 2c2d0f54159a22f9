import type { Kind } from "../kinds/kind.ts";
import { apiVersionOf } from "../kinds/kind.ts";
import type { KubeObject, ObjectMeta } from "../kinds/object.ts";
import type { Regarding } from "../registry/event-recorder.ts";
import type { DeleteOptions } from "../registry/registry.ts";
import type { Note, Notes, Write } from "./controller.ts";

// A Kind<Pod> is no Kind<KubeObject> to the compiler (its functions take pods only); each function here pairs a kind with an object of the
// same type, which is what makes forgetting the type inside an Action safe.
export function anyKind<T extends KubeObject>(kind: Kind<T>): Kind {
  return kind as unknown as Kind;
}

/** Creates the object, which must be a private copy. */
export function create<T extends KubeObject>(kind: Kind<T>, object: T, notes?: Notes): Write {
  return { do: "create", kind: anyKind(kind), object, ...(notes === undefined ? {} : { notes }) };
}

/** Replaces the status of exactly this object. */
export function updateStatus<T extends KubeObject & { status?: object }>(kind: Kind<T>, of: T, status: NonNullable<T["status"]>): Write {
  return { do: "updateStatus", kind: anyKind(kind), of, status };
}

/** Changes exactly this object; `change` returns undefined to leave it. */
export function modify<T extends KubeObject>(kind: Kind<T>, of: T, change: (current: T) => T | undefined, notes?: Notes): Write {
  const any = change as unknown as (current: KubeObject) => KubeObject | undefined;
  return { do: "modify", kind: anyKind(kind), of, change: any, ...(notes === undefined ? {} : { notes }) };
}

/** The same through the `status` subresource, of which each kind says what beside the status it may change. */
export function modifyStatus<T extends KubeObject>(kind: Kind<T>, of: T, change: (current: T) => T | undefined): Write {
  const any = change as unknown as (current: KubeObject) => KubeObject | undefined;
  return { do: "modify", kind: anyKind(kind), of, change: any, subresource: "status" };
}

/** The same through the `approval` subresource. */
export function modifyApproval<T extends KubeObject>(kind: Kind<T>, of: T, change: (current: T) => T | undefined): Write {
  const any = change as unknown as (current: KubeObject) => KubeObject | undefined;
  return { do: "modify", kind: anyKind(kind), of, change: any, subresource: "approval" };
}

/** Gives the workload, in exactly this state, so many replicas. */
export function scale(kind: Kind, of: KubeObject, replicas: number, notes: Notes): Write {
  return { do: "scale", kind, of, replicas, notes };
}

/** Deletes exactly this object. */
export function remove<T extends KubeObject>(kind: Kind<T>, of: KubeObject, options?: DeleteOptions, notes?: Notes): Write {
  return {
    do: "delete",
    kind: anyKind(kind),
    of,
    ...(options === undefined ? {} : { options }),
    ...(notes === undefined ? {} : { notes }),
  };
}

/** An object of this kind as Events name it. */
export function regarding<T extends KubeObject>(kind: Kind<T>, object: KubeObject): Regarding {
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: object.metadata };
}

export function normal(about: Regarding, reason: string, message: string): Note {
  return { about, type: "Normal", reason, message };
}

export function warning(about: Regarding, reason: string, message: string): Note {
  return { about, type: "Warning", reason, message };
}

/** Metadata of an object to be created: the registry fills in name (from generateName), uid and time. */
export function newMeta(meta: Partial<ObjectMeta>): ObjectMeta {
  return meta as ObjectMeta;
}
