/**
 * Whether a node takes a pod that has come to it: its scheduler may have known less of the node, and who writes `nodeName` has asked none. Pure. Source: kubelet's
 * predicateAdmitHandler and the eviction manager's Admit (Kubernetes 1.34).
 */
import { selects, toleratesAny } from "../../../scheduler-core/mod.ts";
import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type { Node, Pod, SecurityContext } from "../../kinds/generated/types.ts";
import type { Rejection } from "../../pod/allocation.ts";
import { roomOn, shortage } from "../../pod/node-room.ts";
import { hostPortsOf, readNode, readPod } from "../../scheduler/facts.ts";
import { podRequests } from "../../scheduler/resource-needs.ts";
import type { SysctlAllowlist } from "./sysctl-allowlist.ts";

/** Conditions of a node that has little left. */
export const PRESSURES = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;
export type Pressure = (typeof PRESSURES)[number];

export interface AdmittingNode {
  readonly node: Node;
  /** Those that it has admitted, with what they have been granted. */
  readonly others: readonly Pod[];
  readonly pressures: readonly Pressure[];
  /** Settings of the kernel that a pod may have for itself. */
  readonly sysctls: SysctlAllowlist;
}

const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;
const ALL_ADDRESSES = "0.0.0.0";
const MEMORY_TAINT = { key: "node.kubernetes.io/memory-pressure", value: "", effect: "NoSchedule" } as const;

/** Pods without which the cluster does not run: those are not evicted, and come in whatever others take. Source: kubelet's IsCriticalPod. */
export function isCritical(pod: Pod, isStatic: boolean): boolean {
  return isStatic || (pod.spec.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY;
}

/** Why the node does not take the pod; undefined: it does. */
export function rejectionOf(pod: Pod, isStatic: boolean, at: AdmittingNode): Rejection | undefined {
  const critical = isCritical(pod, isStatic);
  return (
    (critical ? undefined : underPressure(pod, at.pressures)) ??
    withForbiddenSysctls(pod, at) ??
    ofAnotherSystem(pod) ??
    withStrictGroups(pod, at) ??
    (critical ? undefined : withoutRoom(pod, at)) ??
    misplaced(pod, isStatic, at) ??
    toBeConfined(pod)
  );
}

/** While memory is all that is short, those come in that have asked for something, or are told to bear it. */
function underPressure(pod: Pod, pressures: readonly Pressure[]): Rejection | undefined {
  if (pressures.length === 0) return undefined;
  const isOfMemory = pressures.length === 1 && pressures[0] === "MemoryPressure";
  if (isOfMemory && (qosClassOf(pod) !== "BestEffort" || toleratesAny(readPod(pod, false).tolerations, MEMORY_TAINT))) return undefined;
  return { reason: "Evicted", message: `The node had condition: [${pressures.join(" ")}]. ` };
}

/** Source: kubelet's sysctl allowlist. */
function withForbiddenSysctls({ spec }: Pod, { sysctls }: AdmittingNode): Rejection | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const why = sysctls.refusal(name, spec);
    if (why !== undefined) return { reason: "SysctlForbidden", message: `forbidden sysctl: ${why}` };
  }
  return undefined;
}

/** Source: rejectPodAdmissionBasedOnSupplementalGroupsPolicy. */
function withStrictGroups({ spec }: Pod, { node }: AdmittingNode): Rejection | undefined {
  if (spec.securityContext?.supplementalGroupsPolicy !== "Strict" || node.status?.features?.supplementalGroupsPolicy === true)
    return undefined;
  return { reason: "SupplementalGroupsPolicyNotSupported", message: "SupplementalGroupsPolicy=Strict is not supported in this node" };
}

/** No runtime here confines anybody by AppArmor. Source: kubelet's appArmorAdmitHandler. */
function toBeConfined({ spec }: Pod): Rejection | undefined {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const wants = ({ appArmorProfile }: Pick<SecurityContext, "appArmorProfile"> = {}): boolean =>
    appArmorProfile !== undefined && appArmorProfile.type !== "Unconfined";
  if (!wants(spec.securityContext) && !containers.some(({ securityContext }) => wants(securityContext))) return undefined;
  return { reason: "AppArmor", message: "Cannot enforce AppArmor: it is not enabled on this node" };
}

function ofAnotherSystem({ spec }: Pod): Rejection | undefined {
  if (spec.os === undefined || spec.os.name === "linux") return undefined;
  return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
}

function withoutRoom(pod: Pod, { node, others }: AdmittingNode): Rejection | undefined {
  const { allocatable, taken } = roomOn(node.status?.allocatable, others);
  const pods = shortage("pods", 1, others.length, allocatable.pods);
  if (pods !== undefined) return { reason: "OutOfpods", message: pods };
  for (const [name, requested] of Object.entries(podRequests(pod))) {
    // What the node knows nothing of is somebody else's to give.
    if (requested === 0 || allocatable[name] === undefined) continue;
    const message = shortage(name, requested, taken[name], allocatable[name]);
    if (message !== undefined) return { reason: `OutOf${name}`, message };
  }
  return undefined;
}

function misplaced(pod: Pod, isStatic: boolean, { node, others }: AdmittingNode): Rejection | undefined {
  const { facts } = readNode(node);
  const wanted = readPod(pod, false);
  const failed = (reason: string, why: string): Rejection => ({ reason, message: `Predicate ${reason} failed: ${why}` });
  if (!selects(wanted, facts)) return failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  const taken = others.flatMap(hostPortsOf);
  if (hostPortsOf(pod).some((port) => taken.some((other) => clash(port, other))))
    return failed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
  const repels = facts.taints.some((taint) => taint.effect === "NoExecute" && !toleratesAny(wanted.tolerations, taint));
  if (repels && !isStatic) return failed("TaintToleration", "node(s) had taints that the pod didn't tolerate");
  return undefined;
}

type HostPort = ReturnType<typeof hostPortsOf>[number];

function clash(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === ALL_ADDRESSES || b.ip === ALL_ADDRESSES;
}
