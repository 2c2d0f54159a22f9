import { apiVersionOf, type Kind, keyFor } from "../../kinds/kind.ts";
import { mergePatch } from "../../kinds/machinery/merge-patch.ts";
import { strategicMergePatch } from "../../kinds/machinery/strategic-merge.ts";
import type { KubeObject, ObjectMeta } from "../../kinds/object.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, modify } from "../actions.ts";
import type { Write } from "../controller.ts";
import { ATTEMPT_LABEL, type Attempt, type Manifest, type SetupObject, type SetupStep } from "./learn-objects.ts";

/** What setup may make outside of the attempt's namespace: what a learner can be given of his own. */
const OUTSIDE: ReadonlySet<string> = new Set(["nodes", "persistentvolumes", "priorityclasses"]);

/** A challenge that cannot be set up; the message says why. */
export class SetupFailure extends Error {
  override readonly name = "SetupFailure";
}

/** One object of a setup, as it is to be for an attempt. */
export interface Planned {
  readonly kind: Kind;
  readonly object: KubeObject;
  /** `deployments/web` */
  readonly name: string;
}

/** The objects of a setup step for an attempt. Throws SetupFailure. */
export function planned(manifests: readonly Manifest[], kinds: readonly Kind[], attempt: Attempt, namespace: string): readonly Planned[] {
  return manifests.map((manifest) => {
    const { apiVersion, kind: kindName, ...rest } = substituted(manifest, namespace) as Manifest;
    const kind = kinds.find((each) => each.kind === kindName && apiVersionOf(each) === apiVersion);
    if (kind === undefined) throw new SetupFailure(`setup has a ${kindName} of ${apiVersion}, which is no kind here`);
    const metadata = rest.metadata as ObjectMeta;
    const own = { ...metadata, labels: { ...metadata.labels, [ATTEMPT_LABEL]: attempt.metadata.name } };
    if (kind.namespaced) return { kind, name: `${kind.plural}/${metadata.name}`, object: { ...rest, metadata: { ...own, namespace } } };
    if (!OUTSIDE.has(kind.plural)) throw new SetupFailure(`setup may not make a ${kindName}, which is in no namespace`);
    if (!metadata.name.startsWith(`${namespace}-`))
      throw new SetupFailure(`setup's ${kindName} ${metadata.name} is to be called $(namespace)-...`);
    return {
      kind,
      name: `${kind.plural}/${metadata.name}`,
      object: { ...rest, metadata: { ...own, ownerReferences: [ownerOf(attempt)] } },
    };
  });
}

/** `$(namespace)` in all texts. */
function substituted(value: unknown, namespace: string): unknown {
  if (typeof value === "string") return value.replaceAll("$(namespace)", namespace);
  if (Array.isArray(value)) return value.map((item) => substituted(item, namespace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substituted(item, namespace)]));
}

/** What goes with an attempt. */
export function ownerOf({ metadata: { name, uid } }: Attempt): NonNullable<ObjectMeta["ownerReferences"]>[number] {
  return { apiVersion: "learn.troupe.dev/v1", kind: "Attempt", name, uid, controller: true, blockOwnerDeletion: false };
}

/** Throws SetupFailure where an object outside of the attempt's namespace is somebody else's. */
export function refuseOthers(attempt: Attempt, kind: Kind, { metadata: { name, ownerReferences = [] } }: KubeObject): void {
  if (ownerReferences.some(({ uid }) => uid === attempt.metadata.uid)) return;
  throw new SetupFailure(`there is a ${kind.kind} ${name} already, which is not this attempt's; make one of another name`);
}

/** The writes that make it so. Throws SetupFailure. */
export function writesOf(view: View, attempt: Attempt, plan: readonly Planned[]): readonly Write[] {
  return plan.map(({ kind, object }) => {
    const current = view.get(keyFor(kind, object.metadata.namespace, object.metadata.name));
    if (current === undefined) return create(anyKind(kind), structuredClone(object));
    if (!kind.namespaced) refuseOthers(attempt, kind, current);
    return modify(anyKind(kind), current, (now) => {
      const patch = structuredClone(object);
      return (kind.custom === undefined ? strategicMergePatch(kind.schema, now, patch) : mergePatch(now, patch)) as KubeObject;
    });
  });
}

/** What these steps have made, as it is now; undefined while some of it does not show. Throws SetupFailure. */
export function madeBy(
  view: View,
  steps: readonly SetupStep[],
  kinds: readonly Kind[],
  attempt: Attempt,
  namespace: string,
): Record<string, SetupObject> | undefined {
  const made: Record<string, SetupObject> = {};
  for (const { objects = [] } of steps) {
    for (const { kind, name, object } of planned(objects, kinds, attempt, namespace)) {
      const now = view.get(keyFor(kind, object.metadata.namespace, object.metadata.name));
      if (now === undefined) return undefined;
      const { uid, resourceVersion = "", generation } = now.metadata;
      made[name] = { uid, resourceVersion, ...(generation === undefined ? {} : { generation }) };
    }
  }
  return made;
}
