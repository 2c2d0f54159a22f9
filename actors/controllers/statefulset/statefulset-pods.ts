import { StatefulSetKind } from "../../kinds/apps/stateful-set.ts";
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from "../../kinds/generated/types.ts";
import { newMeta } from "../actions.ts";
import { controllerReference } from "../ownership.ts";
import { PodMaker } from "../pods/pod-template.ts";

const POD_NAME = "statefulset.kubernetes.io/pod-name";
const POD_INDEX = "apps.kubernetes.io/pod-index";
/** The label of a pod with the name of the revision that it was made of. */
export const REVISION_LABEL = "controller-revision-hash";
const ORDINAL_MAX = 2 ** 31 - 1;

export function startOrdinal(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function wantedReplicas(set: StatefulSet): number {
  return set.spec.replicas ?? 1;
}

/** The number at the end of the pod's name; undefined for a name that is none of the set's. Source: getParentNameAndOrdinal. */
export function ordinalOf(set: StatefulSet, podName: string): number | undefined {
  const prefix = `${set.metadata.name}-`;
  if (!podName.startsWith(prefix)) return undefined;
  const digits = podName.slice(prefix.length);
  if (!/^[0-9]+$/.test(digits)) return undefined;
  const ordinal = Number(digits);
  return ordinal <= ORDINAL_MAX ? ordinal : undefined;
}

function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${set.metadata.name}-${ordinal}`;
}

/** The claims of the pod with this ordinal, as they are to be created. Source: getPersistentVolumeClaims. */
export function claimsOf(set: StatefulSet, ordinal: number): readonly PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { labels, annotations } = template.metadata;
    return structuredClone({
      metadata: newMeta({
        name: claimName(set, template, ordinal),
        namespace: set.metadata.namespace ?? "",
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations === undefined ? {} : { annotations }),
      }),
      spec: template.spec,
    });
  });
}

function claimVolumes(set: StatefulSet, ordinal: number): Volume[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    name: template.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }));
}

function identity(podName: string, ordinal: number): Record<string, string> {
  return { [POD_NAME]: podName, [POD_INDEX]: String(ordinal) };
}

function withClaims(volumes: readonly Volume[] | undefined, claims: readonly Volume[]): Volume[] {
  const names = new Set(claims.map(({ name }) => name));
  return [...claims, ...(volumes ?? []).filter(({ name }) => !names.has(name))];
}

/** The pod of this ordinal, to be created. Source: newStatefulSetPod. */
export function newPod(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = new PodMaker(template, set.metadata.namespace ?? "", controllerReference(StatefulSetKind, set)).make();
  const volumes = withClaims(pod.spec.volumes, claimVolumes(set, ordinal));
  const { serviceName = "" } = set.spec;
  return {
    ...pod,
    metadata: { ...pod.metadata, name, labels: { ...pod.metadata.labels, ...identity(name, ordinal), [REVISION_LABEL]: revision } },
    spec: {
      ...pod.spec,
      hostname: name,
      ...(serviceName === "" ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

/** Whether the pod has the name and the volumes of its ordinal. Source: identityMatches and storageMatches. */
export function conforms(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  if (pod.metadata.labels?.[POD_NAME] !== pod.metadata.name) return false;
  return claimVolumes(set, ordinal).every(({ name, persistentVolumeClaim }) => {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    return volume?.persistentVolumeClaim?.claimName === persistentVolumeClaim?.claimName;
  });
}

/** The pod as it has to be. */
export function conformed(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const { name } = pod.metadata;
  const volumes = withClaims(pod.spec.volumes, claimVolumes(set, ordinal));
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...identity(name, ordinal) } },
    spec: { ...pod.spec, ...(volumes.length === 0 ? {} : { volumes }) },
  };
}
