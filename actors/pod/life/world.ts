import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { ContainerRuntime } from "../../node/container-runtime.ts";
import type { PodDevices } from "../../node/devices/pod-devices.ts";
import type { ClusterDns, ResolverConfig } from "../../node/dns/resolv-conf.ts";
import type { PodVolumes } from "../../node/pod-volumes.ts";
import type { Reach } from "../../node/reach.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import type { ObjectWrites } from "../../registry/registry.ts";
import type { ObjectView } from "../../store/view.ts";

/** What the life of a pod stands on. */
export interface LifeWorld {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly recorder: EventRecorder;
  readonly runtime: ContainerRuntime;
  readonly volumes: PodVolumes;
  /** Absent: nobody here prepares devices, and pods that claim any are started without. */
  readonly devices?: PodDevices;
  readonly reach: Reach;
  readonly dns: ClusterDns;
  /** What the machine itself asks about names. */
  readonly machineResolver: () => Promise<ResolverConfig>;
  /** Resolves when what the pod refers to is in the view, as far as it is anywhere; absent: the view has all that there is. */
  readonly references?: (pod: Pod) => Promise<void>;
}

export type Severity = "Normal" | "Warning";

/** Records an Event about a pod, or about one of its containers. */
export function tellOf(
  recorder: EventRecorder,
  pod: Pod,
  container: Container | undefined,
  severity: Severity,
  reason: string,
  message: string,
): void {
  const about = { kind: "Pod", apiVersion: "v1", metadata: pod.metadata };
  recorder.event(container === undefined ? about : { ...about, fieldPath: fieldPathOf(pod, container) }, severity, reason, message);
}

function fieldPathOf({ spec }: Pod, { name }: Container): string {
  if (spec.initContainers?.some((init) => init.name === name)) return `spec.initContainers{${name}}`;
  if (spec.ephemeralContainers?.some((ephemeral) => ephemeral.name === name)) return `spec.ephemeralContainers{${name}}`;
  return `spec.containers{${name}}`;
}
