import type { KubeObject, ObjectMeta } from "../object.ts";

/** The ecosystem's PodGroup, a custom resource. Source: kubernetes-sigs/scheduler-plugins, apis/scheduling/v1alpha1. */
export const POD_GROUPS = "podgroups.scheduling.x-k8s.io";
export const POD_GROUP_VERSION = "v1alpha1";
/** The label by which a pod says which group of its namespace it is a member of. */
export const POD_GROUP_LABEL = "scheduling.x-k8s.io/pod-group";

export interface PodGroup extends KubeObject {
  readonly spec?: PodGroupSpec;
  readonly status?: PodGroupStatus;
}

interface PodGroupSpec {
  readonly minMember?: number;
  readonly minResources?: Readonly<Record<string, string>>;
  readonly scheduleTimeoutSeconds?: number;
}

export interface PodGroupStatus {
  readonly phase?: "Pending" | "Scheduling" | "Running" | "Unknown" | "Finished" | "Failed";
  /** The owners of its pods, as `<namespace>/<name>`, by name, with commas between them. */
  readonly occupiedBy?: string;
  readonly scheduled?: number;
  readonly running?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly scheduleStartTime?: string;
}

/** How many members a group needs to be of use. */
export function leastMembers(group: PodGroup | undefined): number {
  return Math.max(1, group?.spec?.minMember ?? 1);
}

/** The group that a pod names, as `<namespace>/<name>`; undefined: none. */
export function groupOf({ namespace, labels }: Pick<ObjectMeta, "namespace" | "labels">): string | undefined {
  const name = labels?.[POD_GROUP_LABEL];
  return name === undefined || name === "" ? undefined : `${namespace}/${name}`;
}
