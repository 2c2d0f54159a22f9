import type { Clock, Random } from "../../runtime/mod.ts";
import { isAboutLoopback } from "../kinds/addresses.ts";
import { resourceNotFound } from "../kinds/errors.ts";
import type { Namespace, Pod } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { keyFor } from "../kinds/kind.ts";
import type { KindTable } from "../kinds/kinds.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { StoreClient } from "../store/transaction.ts";
import type { View } from "../store/view.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import { type DynamicOptions, dynamicAdmission } from "./admission/dynamic.ts";
import { admitPart, dividedAdmission } from "./admission/part-admission.ts";
import { admissionPlugins } from "./admission/plugins.ts";
import { applyObject } from "./apply.ts";
import { bindPod, bindPods } from "./bind.ts";
import type { Companion } from "./companion.ts";
import type { WriteWorld } from "./create.ts";
import { createObject } from "./create.ts";
import { deleteMatching, deleteObject } from "./delete.ts";
import { evictPod } from "./evict.ts";
import { finalizeNamespace } from "./finalize-namespace.ts";
import { patchObject, patchScale } from "./patch.ts";
import type { Registry } from "./registry.ts";
import { readScale, scaleObject } from "./scale.ts";
import { createServiceAllocation } from "./service-allocation.ts";
import { DEFAULT_SERVICE_CIDR, isLoopback, parseServiceCidr } from "./service-range.ts";
import { createStoreAccess } from "./store-access.ts";
import { modifyObject, rewriteTexts, updateObject } from "./update.ts";

export interface RegistryOptions extends Omit<DynamicOptions, "kinds"> {
  readonly view: View;
  readonly store: StoreClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly kinds: Pick<KindTable, "byResource" | "all" | "byApiVersion">;
  /** What access has to say about what is written; before all others. */
  readonly access?: readonly AdmissionPlugin[];
  /** Default admissionPlugins. */
  readonly admission?: readonly AdmissionPlugin[];
  /** Default DEFAULT_SERVICE_CIDR. Throws RangeError when it is no IPv4 prefix. */
  readonly serviceCidr?: string;
  /** What is behind services may be on loopback, wherever they are themselves: it is this machine that forwards them. */
  readonly forwardsHere?: boolean;
}

/** The kind by whose rules objects of this kind are stored. */
function storedKind<T extends KubeObject>(kind: Kind<T>): Kind<T> {
  return kind.stored === undefined ? kind : (kind.stored.kind as unknown as Kind<T>);
}

function toStored<T extends KubeObject>(kind: Kind<T>, object: T): T {
  return kind.stored === undefined ? object : (kind.stored.toStored(object) as T);
}

/** The registry of one host: it reads what the host's view shows and writes through the store's client. */
export function createRegistry(options: RegistryOptions): Registry {
  const access = createStoreAccess(options.view, options.store, options.clock, options.random, options.webhooks);
  const admission = options.admission ?? [...(options.access ?? []), ...admissionPlugins(dynamicAdmission(options))];
  for (const plugin of admission) plugin.prepare?.(access);
  const range = parseServiceCidr(options.serviceCidr ?? DEFAULT_SERVICE_CIDR);
  const services = createServiceAllocation(access, range);
  const companions = new Map([[services.resource, services as unknown as Companion]]);
  // Where services are on loopback, so is what is behind them.
  const tolerates = options.forwardsHere === true || isLoopback(range) ? isAboutLoopback : () => false;
  const world: WriteWorld = { access, admission, companions, tolerates, ...dividedAdmission(admission) };
  const kindOf = (resource: string): Kind => {
    const kind = options.kinds.byResource(resource);
    if (kind === undefined) throw resourceNotFound();
    return kind;
  };
  const pods = (): Kind<Pod> => kindOf("pods") as unknown as Kind<Pod>;
  return {
    create: (kind, object, write = {}) =>
      createObject(world, storedKind(kind), toStored(kind, object), write, undefined, kind as unknown as Kind),
    update: (kind, object, write = {}) =>
      updateObject(
        world,
        storedKind(kind),
        toStored(kind, object),
        kind.stored === undefined ? write : { ...write, requested: kind as unknown as Kind },
      ),
    modify: (kind, namespace, name, modify, write = {}) => modifyObject(world, kind, namespace, name, modify, write),
    rewriteTogether: (kind, namespace, names, rewrite, write = {}) => rewriteTexts(world, kind, namespace, names, rewrite, write),
    patch: (kind, namespace, name, patch, write = {}) => patchObject(world, kind, namespace, name, patch, write),
    apply: (kind, namespace, name, configuration, write) => applyObject(world, kind, namespace, name, configuration, write),
    delete: (kind, namespace, name, write = {}) => deleteObject(world, storedKind(kind), namespace, name, write, kind),
    deleteCollection: (kind, namespace, matches, write = {}) => deleteMatching(world, storedKind(kind), namespace, matches, write, kind),
    bindTogether: async (bindings, write = {}) => bindPods(access, pods(), bindings, write),
    bind: async (namespace, name, uid, nodeName, write = {}) => bindPod(world, pods(), namespace, name, uid, nodeName, write),
    evict: async (namespace, name, write = {}) => evictPod(world, pods(), namespace, name, write),
    admitConnection: async (kind, namespace, name, { object, ...connection }, write) => {
      const options = object as unknown as KubeObject;
      await admitPart(world, { operation: "connect", kind, namespace, name, ...connection, object: options, options: write });
    },
    served: async (kind, entries) => {
      const conversion = kind.custom?.conversion;
      return conversion === undefined ? entries : access.conversion.served(kind, conversion, entries);
    },
    getScale: (kind, namespace, name) => readScale(access, kind, keyFor(kind, namespace, name), name),
    updateScale: (kind, scale, write = {}) => scaleObject(world, kind, scale, write),
    patchScale: (kind, namespace, name, patch, write = {}) => patchScale(world, kind, namespace, name, patch, write),
    finalizeNamespace: async (namespace, write = {}) =>
      finalizeNamespace(world, kindOf("namespaces") as unknown as Kind<Namespace>, namespace, write),
  };
}
