/** A pod as `kubectl get pods` prints it. Source: printPod of pkg/printers/internalversion. */

import type { ContainerStatus, Pod, PodTemplateSpec } from "../generated/types.ts";
import type { Cell } from "../kind.ts";
import { ageOf, NONE, since } from "../table.ts";
import { isTerminal } from "./pod-phase.ts";

interface Tally {
  ready: number;
  total: number;
  restarts: number;
  /** When a container ended last, RFC 3339; empty when none did. */
  lastRestart: string;
  reason: string;
}

function endWords(prefix: string, ended: { reason?: string; signal?: number; exitCode: number }): string {
  if (ended.reason) return `${prefix}${ended.reason}`;
  return ended.signal ? `${prefix}Signal:${ended.signal}` : `${prefix}ExitCode:${ended.exitCode}`;
}

function later(a: string, b: string | undefined): string {
  return b !== undefined && b > a ? b : a;
}

/** Counts the init containers; true while the pod is initializing. */
function tallyInit(pod: Pod, tally: Tally, sidecars: Tally): boolean {
  const specs = new Map((pod.spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const container of specs.values()) if (container.restartPolicy === "Always") tally.total++;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const { state, lastState } = status;
    tally.restarts += status.restartCount;
    tally.lastRestart = later(tally.lastRestart, lastState?.terminated?.finishedAt);
    const sidecar = specs.get(status.name)?.restartPolicy === "Always";
    if (sidecar) {
      sidecars.restarts += status.restartCount;
      sidecars.lastRestart = later(sidecars.lastRestart, lastState?.terminated?.finishedAt);
    }
    if (state?.terminated?.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) tally.ready++;
      continue;
    }
    const waiting = state?.waiting?.reason;
    if (state?.terminated !== undefined) tally.reason = endWords("Init:", state.terminated);
    else if (waiting && waiting !== "PodInitializing") tally.reason = `Init:${waiting}`;
    else tally.reason = `Init:${index}/${specs.size}`;
    return true;
  }
  return false;
}

function tallyContainer(status: ContainerStatus, tally: Tally): boolean {
  const { state, lastState } = status;
  tally.restarts += status.restartCount;
  tally.lastRestart = later(tally.lastRestart, lastState?.terminated?.finishedAt);
  if (state?.waiting?.reason) tally.reason = state.waiting.reason;
  else if (state?.terminated !== undefined) tally.reason = endWords("", state.terminated);
  else if (status.ready && state?.running !== undefined) {
    tally.ready++;
    return true;
  }
  return false;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

function tallyOf(pod: Pod): Tally {
  const { status } = pod;
  const tally: Tally = { ready: 0, total: pod.spec.containers?.length ?? 0, restarts: 0, lastRestart: "", reason: "" };
  tally.reason = status?.reason || status?.phase || "";
  for (const condition of status?.conditions ?? []) {
    if (condition.type === "PodScheduled" && condition.reason === "SchedulingGated") tally.reason = "SchedulingGated";
  }
  const sidecars: Tally = { ...tally };
  const initializing = tallyInit(pod, tally, sidecars);
  if (!initializing || hasCondition(pod, "Initialized")) {
    tally.restarts = sidecars.restarts;
    tally.lastRestart = sidecars.lastRestart;
    let running = false;
    for (const container of [...(status?.containerStatuses ?? [])].reverse()) running = tallyContainer(container, tally) || running;
    if (tally.reason === "Completed" && running) tally.reason = hasCondition(pod, "Ready") ? "Running" : "NotReady";
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status?.reason === "NodeLost") tally.reason = "Unknown";
    else if (!isTerminal(pod)) tally.reason = "Terminating";
  }
  return tally;
}

/** Name, Ready, Status, Restarts, Age; IP, Node, Nominated Node, Readiness Gates. */
export function podCells(pod: Pod, now_ms: number): readonly Cell[] {
  const tally = tallyOf(pod);
  const restarts =
    tally.restarts !== 0 && tally.lastRestart !== "" ? `${tally.restarts} (${since(tally.lastRestart, now_ms)} ago)` : `${tally.restarts}`;
  const gates = pod.spec.readinessGates ?? [];
  const open = gates.filter((gate) => hasCondition(pod, gate.conditionType)).length;
  return [
    pod.metadata.name,
    `${tally.ready}/${tally.total}`,
    tally.reason,
    restarts,
    ageOf(pod, now_ms),
    pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || NONE,
    pod.spec.nodeName || NONE,
    pod.status?.nominatedNodeName || NONE,
    gates.length === 0 ? NONE : `${open}/${gates.length}`,
  ];
}

/** The names and images of a template's containers, as wide tables show them. */
export function containerCells(template: PodTemplateSpec | undefined): [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map((container) => container.name).join(","), containers.map((container) => container.image ?? "").join(",")];
}
