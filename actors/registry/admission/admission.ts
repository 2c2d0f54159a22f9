import type { Kind } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { DeleteOptions, WriteOptions } from "../registry.ts";
import type { StoreAccess } from "../store-access.ts";

/** A write on its way in, after decoding and before defaults. */
export interface AdmissionRequest {
  readonly operation: "create" | "update" | "delete";
  readonly kind: Kind;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Empty while `generateName` has not been used yet. */
  readonly name: string;
  readonly subresource: string | undefined;
  /** The object to be written, a private copy that plugins may change; the object to be deleted, which they may not. */
  readonly object: KubeObject;
  readonly current: KubeObject | undefined;
  readonly options: WriteOptions | DeleteOptions;
}

/** What admission plugins may touch of the world: they read; only quotas are written, before what they are charged for. */
export type AdmissionWorld = Pick<StoreAccess, "view" | "clock" | "random" | "find" | "commit" | "awaitActual">;

/**
 * One plugin, one file, listed in `plugins.ts`. `mutate` runs before defaults and validation, `validate` after them; both refuse by
 * throwing a StatusError. They return a promise only when they have to wait, since most writes need none.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export interface AdmissionPlugin {
  readonly name: string;
  /** Declares the indexes that the plugin looks things up in. */
  prepare?(world: AdmissionWorld): void;
  mutate?(request: AdmissionRequest, world: AdmissionWorld): void | Promise<void>;
  validate?(request: AdmissionRequest, world: AdmissionWorld): void | Promise<void>;
}

/** The name in a refusal: what the object is called, will be called, or `Unknown`. Source: admission.extractResourceName. */
export function refusedName(request: AdmissionRequest): string {
  if (request.name !== "") return request.name;
  return request.object.metadata.generateName ?? "Unknown";
}

/** Runs one phase of all plugins in order; a promise only if one of them waits. */
export function admit(
  plugins: readonly AdmissionPlugin[],
  phase: "mutate" | "validate",
  request: AdmissionRequest,
  world: AdmissionWorld,
): void | Promise<void> {
  for (let i = 0; i < plugins.length; i++) {
    const waits = plugins[i]?.[phase]?.(request, world);
    if (waits !== undefined) return waits.then(() => admit(plugins.slice(i + 1), phase, request, world));
  }
}
