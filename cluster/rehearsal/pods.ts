import type { KubeObject, Pod } from "../../actors/mod.ts";
import { BootFailure } from "../boot/failure.ts";

interface Templated extends KubeObject {
  readonly kind: string;
  readonly spec?: {
    readonly replicas?: number;
    readonly parallelism?: number;
    readonly completions?: number;
    readonly template?: { readonly metadata?: Pod["metadata"]; readonly spec: Pod["spec"] };
  };
}

/** The pods that an object comes to: itself, or as many as its template is to be there at a time. Throws BootFailure for what has none. */
export function podsOf(object: KubeObject, namespace: string): Pod[] {
  const { kind, metadata, spec } = object as Templated;
  if (kind === "Pod") return [{ ...(object as Pod), metadata: { ...metadata, namespace: metadata.namespace ?? namespace } }];
  if (spec?.template === undefined)
    throw new BootFailure(`a ${kind} (${metadata?.name}) has no pods; -f takes pods and objects with a template of pods`);
  const { template } = spec;
  const count =
    spec.replicas ?? (spec.completions === undefined ? spec.parallelism : Math.min(spec.completions, spec.parallelism ?? 1)) ?? 1;
  return Array.from({ length: count }, (_, number) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template.metadata, name: `${metadata.name}-${number}`, namespace: metadata.namespace ?? namespace } as Pod["metadata"],
    spec: structuredClone(template.spec),
  })) as Pod[];
}
