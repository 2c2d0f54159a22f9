/** What Kubernetes fills in where a pod, or a pod template, is silent. Source: pkg/apis/core/v1/defaults.go of 1.34. */
import type { Container, EphemeralContainer, HTTPGetAction, LifecycleHandler, Pod, PodSpec, Probe, Volume } from "../generated/types.ts";
import { dropDisabledFields } from "./pod-disabled-fields.ts";
import { defaultPodLevel } from "./pod-level-resources.ts";

export const DEFAULT_GRACE_S = 30;
/** 0644. */
const FILE_MODE = 420;
const TOKEN_EXPIRATION_S = 3600;

/** `IfNotPresent`, or `Always` for the tag `latest` and for none. Source: SetDefaults_Container, parsers.ParseImageName. */
export function pullPolicyFor(image: string): string {
  if (image.includes("@") && !/:latest@/.test(image)) return "IfNotPresent";
  const last = image.slice(image.lastIndexOf("/") + 1).split("@", 1)[0] ?? "";
  const colon = last.lastIndexOf(":");
  return colon < 0 || last.slice(colon + 1) === "latest" ? "Always" : "IfNotPresent";
}

function defaultHttpGet(action: HTTPGetAction | undefined): void {
  if (action === undefined) return;
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) return;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  defaultHttpGet(handler?.httpGet);
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyFor(container.image ?? "");
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const variable of container.env ?? [])
    if (variable.valueFrom?.fieldRef !== undefined) variable.valueFrom.fieldRef.apiVersion ||= "v1";
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

/** What a volume of a pod and a PersistentVolume have alike. */
type SharedSource = Pick<Volume, "hostPath" | "azureDisk"> & {
  iscsi?: { iscsiInterface?: string };
  rbd?: { pool?: string; user?: string; keyring?: string };
  scaleIO?: { storageMode?: string; fsType?: string };
};

export function defaultVolumeSource(source: SharedSource): void {
  if (source.hostPath !== undefined) source.hostPath.type ??= "";
  if (source.iscsi !== undefined) source.iscsi.iscsiInterface ||= "default";
  if (source.rbd !== undefined) {
    source.rbd.pool ||= "rbd";
    source.rbd.user ||= "admin";
    source.rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (source.azureDisk !== undefined) {
    source.azureDisk.cachingMode ??= "ReadWrite";
    source.azureDisk.kind ??= "Shared";
    source.azureDisk.fsType ??= "ext4";
    source.azureDisk.readOnly ??= false;
  }
  if (source.scaleIO !== undefined) {
    source.scaleIO.storageMode ||= "ThinProvisioned";
    source.scaleIO.fsType ||= "xfs";
  }
}

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    for (const item of volume.downwardAPI.items ?? []) if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= "v1";
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= FILE_MODE;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= TOKEN_EXPIRATION_S;
      for (const item of source.downwardAPI?.items ?? []) if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= "v1";
    }
  }
  defaultVolumeSource(volume);
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim !== undefined) claim.spec.volumeMode ??= "Filesystem";
}

/** The defaults of a pod's spec wherever it stands; a template gets no more than these. */
export function defaultPodSpec(spec: PodSpec): void {
  dropDisabledFields(spec);
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= DEFAULT_GRACE_S;
  spec.schedulerName ||= "default-scheduler";
  // The old name of the field is an alias in both directions.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}

/** A limit without a request is a request too; only pods that will run get this, not templates. */
export function defaultRequests(container: Container): void {
  const limits = container.resources?.limits;
  if (limits === undefined || container.resources === undefined) return;
  const requests = { ...container.resources.requests };
  for (const name in limits) requests[name] ??= limits[name] ?? "0";
  if (Object.keys(requests).length > 0) container.resources.requests = requests;
}

function defaultHostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

/** The defaults of a pod. Source: SetDefaults_Pod. */
export function defaultPod(pod: Pod): void {
  const spec = pod.spec;
  if (spec === undefined) return;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    defaultRequests(container);
    if (spec.hostNetwork === true) defaultHostPorts(container);
  }
  defaultPodLevel(spec);
  // Of a pod, not of a template. Source: Convert_v1_Pod_To_core_Pod.
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
}
