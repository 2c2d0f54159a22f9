/** How far a claim is with getting more room, as its status says it. Pure. Source: external-resizer and pkg/volume/util/resize_util.go (Kubernetes 1.34). */
import type { PersistentVolumeClaim, PersistentVolumeClaimCondition, PersistentVolumeClaimStatus } from "../../kinds/generated/types.ts";
import { compareQuantities, parseQuantity } from "../../kinds/machinery/quantity.ts";
import { timestamp } from "../../registry/timestamps.ts";

const RESIZE_CONDITIONS: readonly string[] = ["Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"];
const WAITS_FOR_NODE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";

type Claim = PersistentVolumeClaim;

export function isMore(a: string, b: string): boolean {
  return compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;
}

/** `ControllerResizeInProgress`, `NodeResizePending`, ...; undefined: nothing is under way. */
export function resizeStage({ status }: Claim): string | undefined {
  return status?.allocatedResourceStatuses?.storage;
}

/** Its driver is being told to give it so much. */
export function resizing(claim: Claim, size: string, now_ms: number): Claim {
  return told(claim, "ControllerResizeInProgress", [conditionOf(claim, "Resizing", "", now_ms)], { allocatedResources: { storage: size } });
}

/** It has it, once the node that has the volume has done its part. */
export function waitingForNode(claim: Claim, now_ms: number): Claim {
  return told(claim, "NodeResizePending", [conditionOf(claim, "FileSystemResizePending", WAITS_FOR_NODE, now_ms)]);
}

export function resizingOnNode(claim: Claim): Claim {
  const conditions = claim.status?.conditions?.filter(({ type }) => type !== "NodeResizeError") ?? [];
  return told(claim, "NodeResizeInProgress", conditions.filter(isOfResize));
}

export function resized(claim: Claim, size: string): Claim {
  return told(claim, undefined, [], { capacity: { ...claim.status?.capacity, storage: size } });
}

/** `where` it went wrong; one that is infeasible is not tried again until the claim asks for something else. */
export function resizeFailed(claim: Claim, where: "Controller" | "Node", infeasible: boolean, message: string, now_ms: number): Claim {
  const stage = infeasible ? `${where}ResizeInfeasible` : resizeStage(claim);
  const others = claim.status?.conditions?.filter(({ type }) => isResizeCondition(type) && type !== `${where}ResizeError`) ?? [];
  return told(claim, stage, [...others, conditionOf(claim, `${where}ResizeError`, message, now_ms)]);
}

function told(
  claim: Claim,
  stage: string | undefined,
  conditions: readonly PersistentVolumeClaimCondition[],
  more: Pick<PersistentVolumeClaimStatus, "capacity" | "allocatedResources"> = {},
): Claim {
  const { allocatedResourceStatuses: before, conditions: all = [], ...rest } = claim.status ?? {};
  const { storage: _, ...others } = before ?? {};
  const stages = stage === undefined ? others : { ...others, storage: stage };
  const kept = [...all.filter((condition) => !isOfResize(condition)), ...conditions];
  const status: PersistentVolumeClaimStatus = {
    ...rest,
    ...more,
    ...(kept.length === 0 ? {} : { conditions: kept }),
    ...(Object.keys(stages).length === 0 ? {} : { allocatedResourceStatuses: stages }),
  };
  return { ...claim, status };
}

function conditionOf(claim: Claim, type: string, message: string, now_ms: number): PersistentVolumeClaimCondition {
  const before = claim.status?.conditions?.find((condition) => condition.type === type);
  return {
    type,
    status: "True",
    lastTransitionTime: before?.lastTransitionTime ?? timestamp(now_ms),
    ...(message === "" ? {} : { message }),
  };
}

function isResizeCondition(type: string): boolean {
  return RESIZE_CONDITIONS.includes(type);
}

const isOfResize = ({ type }: PersistentVolumeClaimCondition): boolean => isResizeCondition(type);
