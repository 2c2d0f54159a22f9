import { validateLeftFinalizers } from "../kinds/core/namespace.ts";
import { conflict, invalid } from "../kinds/errors.ts";
import type { Namespace } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import type { Entry } from "../store/view.ts";
import { admitPart } from "./admission/part-admission.ts";
import type { WriteWorld } from "./create.ts";
import { isReleased } from "./deletion.ts";
import { sameObject } from "./object-state.ts";
import type { WriteOptions } from "./registry.ts";
import { replacing } from "./replacing.ts";
import { namedRevision } from "./update.ts";
import { changeStored, uidConflict } from "./writes.ts";

/** Sets spec.finalizers and nothing else. Source: pkg/registry/core/namespace, namespaceFinalizeStrategy. */
export function finalizeNamespace(world: WriteWorld, kind: Kind<Namespace>, wanted: Namespace, options: WriteOptions): Promise<Entry> {
  const { name, uid } = wanted.metadata;
  const named = namedRevision(wanted);
  return changeStored(world.access, kind, undefined, name, async (entry, current) => {
    if (uid !== undefined && uid !== "" && uid !== current.metadata.uid) throw uidConflict(kind, kind as unknown as Kind, current, uid);
    if (named !== undefined && named !== String(entry.revision)) throw conflict(kind, name);
    const own = kind as unknown as Kind;
    const part = { operation: "update", kind: own, subresource: "finalize", speaks: kind, namespace: undefined, name } as const;
    const admitted = await admitPart(world, { ...part, object: wanted, current, options });
    const finalizers = admitted.spec?.finalizers ?? [];
    const next: Namespace = { ...current, spec: finalizers.length === 0 ? {} : { finalizers } };
    const errors = validateLeftFinalizers(next);
    if (errors.length > 0) throw invalid(kind, name, errors);
    const released = isReleased(kind as unknown as Kind, next);
    if (!released && sameObject(next, current)) return { done: entry };
    const update = replacing(entry, next);
    const { key, expect, text, managers } = update;
    if (options.dryRun === true) return { done: { key, revision: expect, text, managers } };
    return {
      mutations: [released ? { op: "delete", key, expect } : update],
      result: (revision) => ({ key, revision, text, managers }),
      lost: () => (named === undefined ? undefined : conflict(kind, name)),
    };
  });
}
