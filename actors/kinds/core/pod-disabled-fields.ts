/**
 * What Kubernetes 1.34 knows of a pod's spec but does not take as it comes: fields behind feature gates that are closed by default. Source:
 * dropDisabledFields of pkg/api/pod.
 */
import type { Container, PodSpec } from "../generated/types.ts";

function dropOfContainer(container: Container): void {
  if (container.restartPolicyRules !== undefined) delete container.restartPolicyRules;
  for (const { valueFrom } of container.env ?? []) delete valueFrom?.fileKeyRef;
  if (container.lifecycle?.stopSignal === undefined) return;
  delete container.lifecycle.stopSignal;
  if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
}

/** Volumes of images go, and with them what mounts them. */
function dropImageVolumes(spec: PodSpec, ...containers: readonly (readonly Container[])[]): void {
  if (spec.volumes?.some(({ image }) => image !== undefined) !== true) return;
  const names = new Set(spec.volumes.filter(({ image }) => image !== undefined).map(({ name }) => name));
  spec.volumes = spec.volumes.filter(({ name }) => !names.has(name));
  for (const container of containers.flat()) {
    if (container.volumeMounts !== undefined) container.volumeMounts = container.volumeMounts.filter(({ name }) => !names.has(name));
  }
}

/** Changes the spec that it is given. */
export function dropDisabledFields(spec: PodSpec): void {
  if (spec.hostnameOverride !== undefined) delete spec.hostnameOverride;
  const { containers = [], initContainers = [] } = spec;
  const ephemeral = (spec.ephemeralContainers ?? []) as Container[];
  for (const some of [containers, ephemeral])
    for (const container of some) if (container.restartPolicy !== undefined) delete container.restartPolicy;
  for (const container of initContainers) if (container.restartPolicy !== "Always") delete container.restartPolicy;
  for (const some of [containers, initContainers, ephemeral]) for (const container of some) dropOfContainer(container);
  for (const { projected } of spec.volumes ?? []) {
    for (const source of projected?.sources ?? []) {
      delete source.clusterTrustBundle;
      delete source.podCertificate;
    }
  }
  dropImageVolumes(spec, containers, initContainers, ephemeral);
}
