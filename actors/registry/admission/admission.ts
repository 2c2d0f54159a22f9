import type { Kind } from "../../kinds/kind.ts";
import type { BodyKind } from "../../kinds/machinery/body.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { Mutation } from "../../store/transaction.ts";
import type { DeleteOptions, WriteOptions } from "../registry.ts";
import type { StoreAccess } from "../store-access.ts";

/** A write on its way in, after decoding and before defaults. */
export interface AdmissionRequest {
  /** `connect`: nothing is written; somebody wants to reach what the object stands for, and `object` is how. */
  readonly operation: "create" | "update" | "delete" | "connect";
  /** The kind in whose form objects are stored. */
  readonly kind: Kind;
  /** The kind as which the client named it: another version, or another group, of the same objects. */
  readonly requested: Kind;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Empty while `generateName` has not been used yet. */
  readonly name: string;
  readonly subresource: string | undefined;
  /** What the objects of this request are, where they are not of the kind itself: a Binding, an Eviction, a Scale. */
  readonly speaks?: BodyKind;
  /** The object to be written, a private copy that plugins may change or replace; the object to be deleted, which they may not. */
  object: KubeObject;
  readonly current: KubeObject | undefined;
  readonly options: WriteOptions | DeleteOptions;
  /** Set by plugins that call others out of the house, see Reinvocation. */
  reinvocation?: Reinvocation;
  /** Set in validation: what is to be written in the same transaction, decided anew whenever that is tried. Throws a StatusError when it may not be. */
  alongside?: () => readonly Mutation[];
}

/**
 * Plugins may undo or need what another changed after them. When a webhook has changed an object, all plugins see it once more, but only those webhooks
 * that ask for it. Source: apiserver's admission.newReinvocationHandler and mutating/reinvocationcontext.go.
 */
export interface Reinvocation {
  /** This is the second time. */
  again: boolean;
  /** Something was changed: there is to be a second time. */
  wanted: boolean;
  /** Webhooks that were called and want to be called again when others have changed the object. */
  readonly called: Set<string>;
  /** Those of them that are due. */
  readonly due: Set<string>;
  /** The object, printed, as the webhooks left it. */
  left: string;
}

/** What admission plugins may touch of the world: they read. */
export type AdmissionWorld = Pick<StoreAccess, "view" | "clock" | "random" | "find">;

/**
 * One plugin, one file, listed in `plugins.ts`. `mutate` runs before defaults and validation, `validate` after them; both refuse by
 * throwing a StatusError. They return a promise only when they have to wait, since most writes need none.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export interface AdmissionPlugin {
  readonly name: string;
  /** Sees writes through subresources too, while it is `busy` with those of this asker to this resource. The others are not asked, since a status comes by here a thousand times a second. */
  readonly busy?: (options: WriteOptions | DeleteOptions, resource: string) => boolean;
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
  const waits = admitOnce(plugins, phase, request, world);
  // Whoever asks for a second time has waited for an answer from outside.
  return phase === "validate" || waits === undefined ? waits : waits.then(() => admitAgain(plugins, request, world));
}

function admitOnce(
  plugins: readonly AdmissionPlugin[],
  phase: "mutate" | "validate",
  request: AdmissionRequest,
  world: AdmissionWorld,
): void | Promise<void> {
  for (let i = 0; i < plugins.length; i++) {
    const waits = plugins[i]?.[phase]?.(request, world);
    if (waits !== undefined) return waits.then(() => admitOnce(plugins.slice(i + 1), phase, request, world));
  }
}

async function admitAgain(plugins: readonly AdmissionPlugin[], request: AdmissionRequest, world: AdmissionWorld): Promise<void> {
  const { reinvocation } = request;
  if (reinvocation?.wanted !== true) return;
  reinvocation.again = true;
  await admitOnce(plugins, "mutate", request, world);
}
