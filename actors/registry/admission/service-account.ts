import { isMirrorPod } from "../../kinds/core/mirror-pod.ts";
import { secretsOf } from "../../kinds/core/pod-references.ts";
import { forbidden } from "../../kinds/errors.ts";
import type { Container, Pod, ServiceAccount, Volume } from "../../kinds/generated/types.ts";
import type { Entry } from "../../store/view.ts";
import { randomSuffix } from "../names.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";

const DEFAULT_ACCOUNT = "default";
const VOLUME_PREFIX = "kube-api-access-";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Just over an hour, so that the kubelet renews it at the hour. */
const TOKEN_EXPIRATION_S = 3_607;
const DEFAULT_MODE = 0o644;

/** The volume with the token, the cluster's CA and the namespace that lets a container call the API. */
function accessVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: DEFAULT_MODE,
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_S, path: "token" } },
        { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
        { downwardAPI: { items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }] } },
      ],
    },
  };
}

/** Mounts the volume in each container that has nothing at its path; says whether one needed it. */
function mount(containers: readonly Container[] | undefined, volume: string): boolean {
  let mounted = false;
  for (const container of containers ?? []) {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some((existing) => existing.mountPath === MOUNT_PATH)) continue;
    container.volumeMounts = [...mounts, { mountPath: MOUNT_PATH, name: volume, readOnly: true }];
    mounted = true;
  }
  return mounted;
}

function useAccount(request: AdmissionRequest, entry: Entry | undefined, name: string, world: AdmissionWorld): void {
  if (entry === undefined) {
    const why = `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
    throw forbidden(request.kind, refusedName(request), why);
  }
  const account = world.view.decode<ServiceAccount>(entry);
  const { spec } = request.object as Pod;
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
    const volumes = spec.volumes ?? [];
    const existing = volumes.find((volume) => volume.name.startsWith(VOLUME_PREFIX));
    const volume = existing?.name ?? VOLUME_PREFIX + randomSuffix(world.random);
    const inInit = mount(spec.initContainers, volume);
    const inMain = mount(spec.containers, volume);
    if (existing === undefined && (inInit || inMain)) spec.volumes = [...volumes, accessVolume(volume)];
  }
  if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
    spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((secret) => ({ ...secret }));
  }
}

/** Every pod runs as a service account that exists. Source: plugin/pkg/admission/serviceaccount. */
export const ServiceAccountAdmission: AdmissionPlugin = {
  name: "ServiceAccount",
  mutate(request, world) {
    if (request.operation !== "create" || request.resource !== "pods") return;
    const pod = request.object as Pod;
    const { spec } = pod;
    // What its node runs is not to be changed here.
    if (isMirrorPod(pod)) return;
    const name = spec.serviceAccountName || spec.serviceAccount || DEFAULT_ACCOUNT;
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    const entry = world.find(`serviceaccounts/${request.namespace}/${name}`);
    if (entry instanceof Promise) return entry.then((found) => useAccount(request, found, name, world));
    useAccount(request, entry, name, world);
  },
  validate(request) {
    if (request.operation !== "create" || request.resource !== "pods" || !isMirrorPod(request.object as Pod)) return;
    const why = wrongWithMirror(request.object as Pod);
    if (why !== undefined) throw forbidden(request.kind, refusedName(request), why);
  },
};

function wrongWithMirror(pod: Pod): string | undefined {
  if (pod.spec.serviceAccountName) return "a mirror pod may not reference service accounts";
  for (const name of secretsOf(pod)) if (name !== undefined && name !== "") return "a mirror pod may not reference secrets";
  const sources = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  const hasToken = sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined);
  return hasToken ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}
