/**
 * What Kubernetes 1.34 knows of a pod's spec but does not take as it comes: fields behind feature gates that are closed by default. Source:
 * dropDisabledFields of pkg/api/pod.
 */
import type { Container, PodSpec } from "../generated/types.ts";

function dropOfContainer(container: Container): void {
  delete container.restartPolicyRules;
  for (const { valueFrom } of container.env ?? []) delete valueFrom?.fileKeyRef;
  if (container.lifecycle?.stopSignal === undefined) return;
  delete container.lifecycle.stopSignal;
  if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
}

/** Volumes of images go, and with them what mounts them. */
function dropImageVolumes(spec: PodSpec, containers: readonly Container[]): void {
  const names = new Set((spec.volumes ?? []).filter(({ image }) => image !== undefined).map(({ name }) => name));
  if (names.size === 0) return;
  spec.volumes = (spec.volumes ?? []).filter(({ name }) => !names.has(name));
  for (const container of containers) {
    if (container.volumeMounts !== undefined) container.volumeMounts = container.volumeMounts.filter(({ name }) => !names.has(name));
  }
}

/** Changes the spec that it is given. */
export function dropDisabledFields(spec: PodSpec): void {
  delete spec.hostnameOverride;
  const { containers = [], initContainers = [] } = spec;
  const ephemeral = (spec.ephemeralContainers ?? []) as Container[];
  for (const container of [...containers, ...ephemeral]) delete container.restartPolicy;
  for (const container of initContainers) if (container.restartPolicy !== "Always") delete container.restartPolicy;
  const all = [...containers, ...initContainers, ...ephemeral];
  for (const container of all) dropOfContainer(container);
  for (const { projected } of spec.volumes ?? []) {
    for (const source of projected?.sources ?? []) {
      delete source.clusterTrustBundle;
      delete source.podCertificate;
    }
  }
  dropImageVolumes(spec, all);
}
