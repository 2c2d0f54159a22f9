import { conflict, notFound } from "../kinds/errors.ts";
import type { Binding, Pod, PodCondition } from "../kinds/generated/types.ts";
import { type Kind, keyFor } from "../kinds/kind.ts";
import type { BodyKind } from "../kinds/machinery/body.ts";
import type { ObjectMeta } from "../kinds/object.ts";
import type { Premises } from "../store/premises.ts";
import { PREMISES_BROKEN } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import { admitPart, isBusy } from "./admission/part-admission.ts";
import { grantsTo } from "./claim-grants.ts";
import type { WriteWorld } from "./create.ts";
import type { BindOptions, PodBinding } from "./registry.ts";
import { replacing } from "./replacing.ts";
import type { StoreAccess } from "./store-access.ts";
import { timestamp } from "./timestamps.ts";
import { changeStored, Outdated, type Step, uidConflict, WRITE_ATTEMPTS_MAX } from "./writes.ts";

const BINDING_KIND: BodyKind = { group: "", version: "v1", kind: "Binding", schema: "io.k8s.api.core.v1.Binding" };
const BINDING = { group: "", plural: "pods/binding" } as const;

/** Why a pod cannot be bound; undefined when it can. Source: pkg/registry/core/pod/storage, BindingREST. */
export function bindingRefusal(pod: Pod): string | undefined {
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== "") return `pod ${name} is already assigned to node "${pod.spec.nodeName}"`;
  if ((pod.spec.schedulingGates ?? []).length > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** The pod on its node, with the condition PodScheduled. Only the changed path is copied. */
export function boundPod(pod: Pod, nodeName: string, annotations: BindOptions["annotations"], now_ms: number): Pod {
  const conditions = pod.status?.conditions ?? [];
  const at = conditions.findIndex((condition) => condition.type === "PodScheduled");
  const before = at < 0 ? undefined : conditions[at];
  const scheduled = {
    lastProbeTime: null,
    lastTransitionTime:
      before?.status === "True" && before.lastTransitionTime !== undefined ? before.lastTransitionTime : timestamp(now_ms),
    status: "True",
    type: "PodScheduled",
  } as unknown as PodCondition;
  const metadata: ObjectMeta =
    annotations === undefined ? pod.metadata : { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } };
  return {
    ...pod,
    metadata,
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions: before === undefined ? [...conditions, scheduled] : conditions.with(at, scheduled) },
  };
}

/** What a binding touches; whoever decides by what is on nodes rests on these. */
export const touchesOfBinding = (namespace: string, node: string): string[] => [`node/${node}`, `namespace/${namespace}`, "pods"];

/** Who binds without a word about what it rests on has decided, and the others are to know. */
function someones(namespace: string, node: string): Premises {
  return { by: "", seen: Number.MAX_SAFE_INTEGER, checks: [], touches: touchesOfBinding(namespace, node) };
}

/** Sets the node of a pod that has none. */
export async function bindPod(
  world: WriteWorld,
  kind: Kind<Pod>,
  namespace: string,
  name: string,
  uid: string | undefined,
  nodeName: string,
  options: BindOptions,
): Promise<Entry> {
  const { access } = world;
  if (isBusy(world.partAdmission, options, "pods")) {
    const target = { apiVersion: "v1", kind: "Node", name: nodeName };
    const metadata = {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    };
    const object = { metadata, target } as unknown as Binding;
    const own = kind as unknown as Kind;
    const admitted = await admitPart(world, {
      operation: "create",
      kind: own,
      subresource: "binding",
      speaks: BINDING_KIND,
      namespace,
      name,
      object,
      options,
    });
    return bindTo(access, kind, namespace, name, uid, admitted.target.name ?? "", { ...options, ...annotationsOf(admitted) });
  }
  return bindTo(access, kind, namespace, name, uid, nodeName, options);
}

function annotationsOf({ metadata }: Binding): Pick<BindOptions, "annotations"> {
  return metadata?.annotations === undefined ? {} : { annotations: metadata.annotations };
}

function bindTo(
  access: StoreAccess,
  kind: Kind<Pod>,
  namespace: string,
  name: string,
  uid: string | undefined,
  nodeName: string,
  options: BindOptions,
): Promise<Entry> {
  const decide = (entry: Entry, pod: Pod): Step<Entry> | Promise<Step<Entry>> => {
    if (uid !== undefined && uid !== "" && uid !== pod.metadata.uid) throw uidConflict(BINDING, kind as unknown as Kind, pod, uid);
    const refusal = bindingRefusal(pod);
    if (refusal !== undefined) throw conflict(BINDING, name, refusal);
    const bound = boundPod(pod, nodeName, options.annotations, access.clock.now_ms());
    const own = replacing(entry, bound);
    const { key, text, managers } = own;
    if (options.dryRun === true) return { done: { key, revision: entry.revision, text, managers } };
    const result = (revision: number): Entry => {
      access.wrote(key, revision, bound);
      return { key, revision, text, managers };
    };
    const premises = options.premises ?? someones(namespace, nodeName);
    if (options.claims === undefined) return { mutations: [own], premises, result };
    return grantsTo(pod.metadata, options.claims, access).then((granted) => ({ mutations: [own, ...granted], premises, result }));
  };
  return changeStored(access, kind, namespace, name, decide, (entry) => access.read<Pod>(entry));
}

/** Sets the nodes of pods that have none, in one transaction. */
export async function bindPods(access: StoreAccess, kind: Kind<Pod>, bindings: readonly PodBinding[], options: BindOptions): Promise<void> {
  for (let attempt = 0; attempt < WRITE_ATTEMPTS_MAX; attempt++) {
    const bound = await Promise.all(
      bindings.map(async ({ namespace, name, uid, node }) => {
        const entry = await access.find(keyFor(kind, namespace, name));
        if (entry === undefined) throw notFound(kind, name);
        const pod = access.read<Pod>(entry);
        if (uid !== pod.metadata.uid) throw uidConflict(BINDING, kind as unknown as Kind, pod, uid);
        const refusal = bindingRefusal(pod);
        if (refusal !== undefined) throw conflict(BINDING, name, refusal);
        return { entry, pod: boundPod(pod, node, options.annotations, access.clock.now_ms()) };
      }),
    );
    const mutations = bound.map(({ entry, pod }) => replacing(entry, pod));
    const outcome = await access.commit(mutations, options.premises);
    if (outcome.committed) {
      for (const [i, { entry, pod }] of bound.entries()) access.wrote(entry.key, outcome.revision + i, pod);
      return;
    }
    await access.awaitActual(outcome.actual);
    if (outcome.index === PREMISES_BROKEN) throw new Outdated("a group of pods was decided on what is not so any more");
  }
  throw conflict(BINDING, bindings[0]?.name ?? "", "others change these pods all the time");
}
