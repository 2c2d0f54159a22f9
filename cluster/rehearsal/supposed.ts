import { badRequest } from "../../actors/kinds/errors.ts";
import { type KubeObject, type ObjectList, POD_GROUPS, type Pod } from "../../actors/mod.ts";

/** An object that is supposed to be there, as somebody wrote it. */
export interface Supposed extends KubeObject {
  readonly kind: string;
  readonly spec?: {
    readonly replicas?: number;
    readonly parallelism?: number;
    readonly completions?: number;
    readonly template?: { readonly metadata?: Pod["metadata"]; readonly spec: Pod["spec"] };
  };
}

export interface SupposeOptions {
  /** Of objects that name none. */
  readonly namespace: string;
  /** Default as many as they are. */
  readonly podsMax?: number;
}

/**
 * What is to be if so much was there: nodes and groups of pods are put among the objects, and what remains are pods, those of a template as many as are to be
 * there at a time. Throws 400 for what has no pods, and for too many of them.
 */
export function suppose(
  supposed: readonly Supposed[],
  objects: ObjectList,
  { namespace, podsMax = Number.POSITIVE_INFINITY }: SupposeOptions,
): Pod[] {
  const pods: Pod[] = [];
  for (const object of supposed) {
    const { kind, metadata } = object;
    const placed = { ...object, metadata: { ...metadata, namespace: metadata.namespace ?? namespace } };
    if (kind === "Node") objects.put("nodes", object);
    else if (kind === "PodGroup") objects.put(POD_GROUPS, placed);
    else {
      const count = kind === "Pod" ? 1 : podsOf(object);
      if (pods.length + count > podsMax) throw badRequest(`these are more than ${podsMax} pods`);
      if (kind === "Pod") pods.push(placed as unknown as Pod);
      else for (let number = 0; number < count; number++) pods.push(ofTemplate(placed, number));
    }
  }
  return pods;
}

function podsOf({ kind, metadata, spec }: Supposed): number {
  if (spec?.template?.spec === undefined)
    throw badRequest(`a ${kind} (${metadata.name}) has no pods: they are those of pods and of objects with a template`);
  const { replicas, completions, parallelism } = spec;
  return replicas ?? (completions === undefined ? parallelism : Math.min(completions, parallelism ?? 1)) ?? 1;
}

function ofTemplate({ metadata: { name, namespace }, spec }: Supposed, number: number): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...spec?.template?.metadata, name: `${name}-${number}`, namespace } as Pod["metadata"],
    spec: structuredClone(spec?.template?.spec) as Pod["spec"],
  };
}
