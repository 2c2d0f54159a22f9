/** What a pod's spec refers to in its namespace. Source: pkg/api/v1/pod VisitPodSecretNames and VisitPodConfigmapNames of Kubernetes 1.34. */
import type { Container, PersistentVolume, Pod, Volume } from "../generated/types.ts";

type Names = Iterable<string | undefined>;

export function refersToSecret(pod: Pod, secret: string): boolean {
  return some(secretsOf(pod), secret);
}

export function refersToConfigMap(pod: Pod, configMap: string): boolean {
  return some(configMapsOf(pod), configMap);
}

export function refersToClaim(pod: Pod, claim: string): boolean {
  return some(claimsOf(pod), claim);
}

function some(names: Names, wanted: string): boolean {
  for (const name of names) if (name === wanted) return true;
  return false;
}

function containersOf({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...((spec.ephemeralContainers ?? []) as unknown as Container[])];
}

export function* secretsOf(pod: Pod): Generator<string | undefined> {
  for (const { name } of pod.spec.imagePullSecrets ?? []) yield name;
  for (const { env = [], envFrom = [] } of containersOf(pod)) {
    for (const { valueFrom } of env) yield valueFrom?.secretKeyRef?.name;
    for (const { secretRef } of envFrom) yield secretRef?.name;
  }
  for (const volume of pod.spec.volumes ?? []) yield* secretsOfVolume(volume);
}

function* secretsOfVolume(volume: Volume): Generator<string | undefined> {
  yield volume.secret?.secretName;
  yield volume.azureFile?.secretName;
  yield volume.cephfs?.secretRef?.name;
  yield volume.cinder?.secretRef?.name;
  yield volume.flexVolume?.secretRef?.name;
  yield volume.rbd?.secretRef?.name;
  yield volume.scaleIO?.secretRef?.name;
  yield volume.iscsi?.secretRef?.name;
  yield volume.storageos?.secretRef?.name;
  yield volume.csi?.nodePublishSecretRef?.name;
  for (const { secret } of volume.projected?.sources ?? []) yield secret?.name;
}

export function* configMapsOf(pod: Pod): Generator<string | undefined> {
  for (const { env = [], envFrom = [] } of containersOf(pod)) {
    for (const { valueFrom } of env) yield valueFrom?.configMapKeyRef?.name;
    for (const { configMapRef } of envFrom) yield configMapRef?.name;
  }
  for (const { configMap, projected } of pod.spec.volumes ?? []) {
    yield configMap?.name;
    for (const source of projected?.sources ?? []) yield source.configMap?.name;
  }
}

/** Claims of a pod's volumes; those of ephemeral ones are called after both. */
export function* claimsOf({ metadata, spec }: Pod): Generator<string> {
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim !== undefined) yield persistentVolumeClaim.claimName;
    else if (ephemeral !== undefined) yield `${metadata.name}-${name}`;
  }
}

/** The secrets of a volume that its node needs, each with its namespace; those without are in the claim's. Source: VisitPVSecretNames. */
export function* secretsOfPersistentVolume({
  spec,
}: PersistentVolume): Generator<{ name?: string | undefined; namespace?: string | undefined }> {
  const claimNamespace = spec.claimRef?.namespace;
  if (spec.azureFile !== undefined) {
    yield { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace ?? claimNamespace };
  }
  const { csi } = spec;
  const references = [
    spec.cephfs?.secretRef,
    spec.cinder?.secretRef,
    spec.flexVolume?.secretRef,
    spec.rbd?.secretRef,
    spec.scaleIO?.secretRef,
    spec.iscsi?.secretRef,
    spec.storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  for (const reference of references) {
    if (reference !== undefined) yield { name: reference.name, namespace: reference.namespace ?? claimNamespace };
  }
}

/** Kinds of volumes that are made of objects of the API, as a static pod's manifest is told that it has one. */
const VOLUMES_OF_API: Readonly<Record<string, string>> = {
  configMap: "configmaps (via configmap volumes)",
  secret: "secrets (via secret volumes)",
  csi: "csidrivers (via CSI volumes)",
  glusterfs: "endpoints (via glusterFS volumes)",
  persistentVolumeClaim: "persistentvolumeclaims",
  ephemeral: "persistentvolumeclaims (via ephemeral volumes)",
  azureFile: "secrets (via azureFile volumes)",
};
const SOURCES_OF_API: Readonly<Record<string, string>> = {
  configMap: "configmaps (via projected volumes)",
  secret: "secrets (via projected volumes)",
  serviceAccountToken: "serviceaccounts (via projected volumes)",
  clusterTrustBundle: "clustertrustbundles",
  podCertificate: "podcertificates",
};

/** What the pod refers to of the API, which who runs it without that must not; undefined: nothing. Source: HasAPIObjectReference of Kubernetes 1.34. */
export function apiReferenceOf(pod: Pod): string | undefined {
  const { serviceAccountName, resourceClaims = [], volumes = [] } = pod.spec;
  const names = (all: Names): boolean => [...all].some((name) => name !== undefined && name !== "");
  if (serviceAccountName) return "serviceaccounts";
  if (names(secretsOf({ ...pod, spec: { ...pod.spec, volumes: [] } }))) return "secrets";
  if (names(configMapsOf({ ...pod, spec: { ...pod.spec, volumes: [] } }))) return "configmaps";
  if (resourceClaims.length > 0) return "resourceclaims";
  const first = (table: Readonly<Record<string, string>>, object: object): string | undefined =>
    Object.keys(object).flatMap((field) => table[field] ?? [])[0];
  for (const volume of volumes) {
    const sources = volume.projected?.sources ?? [];
    const found =
      first(VOLUMES_OF_API, volume) ?? sources.map((source) => first(SOURCES_OF_API, source)).find((what) => what !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}
