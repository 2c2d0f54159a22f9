import { html, type TemplateResult } from "lit-html";
import { readiness, stateMark } from "./cell.ts";
import type { AnyObject, ContainerStatus, PodObject, Subject } from "./subject.ts";

interface Counts {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly desiredNumberScheduled?: number;
  readonly numberReady?: number;
  readonly active?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly phase?: string;
}

/** How an object is, in a word or two beside its name. */
export function summaryOf({ type, object }: Subject): TemplateResult {
  if (object.metadata.deletionTimestamp !== undefined) return stateMark("Terminating", "warn");
  const status = (object.status ?? {}) as Counts;
  switch (type.id) {
    case "pods":
      return stateMark(podState(object as PodObject));
    case "deployments.apps":
    case "statefulsets.apps":
    case "replicasets.apps":
      return readiness(status.readyReplicas ?? 0, Number(object.spec?.replicas ?? 1));
    case "daemonsets.apps":
      return readiness(status.numberReady ?? 0, status.desiredNumberScheduled ?? 0);
    case "jobs.batch":
      return jobState(object, status);
    case "cronjobs.batch":
      return object.spec?.suspend === true ? stateMark("Suspended") : stateMark("Active");
    case "nodes":
      return nodeState(object);
    default:
      return status.phase === undefined ? html`` : stateMark(status.phase);
  }
}

function jobState(object: AnyObject, { active = 0, succeeded = 0 }: Counts): TemplateResult {
  const ended = object.status?.conditions?.find(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True");
  if (ended !== undefined) return stateMark(ended.type);
  if (object.spec?.suspend === true) return stateMark("Suspended");
  const wanted = Number(object.spec?.completions ?? 1);
  return html`${stateMark(active > 0 ? "Running" : "Pending")} ${readiness(succeeded, wanted)}`;
}

function nodeState(object: AnyObject): TemplateResult {
  const ready = object.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  const word = ready ? "Ready" : "NotReady";
  return object.spec?.unschedulable === true ? stateMark(`${word}, SchedulingDisabled`, ready ? "warn" : "bad") : stateMark(word);
}

/** What kubectl prints as the status of a pod: what the first container that is not as it should be says, else the phase. */
export function podState({ status }: PodObject): string {
  if (status.reason !== undefined) return status.reason;
  for (const each of status.initContainerStatuses ?? []) {
    const { terminated, waiting } = each.state ?? {};
    if (terminated !== undefined && terminated.exitCode !== 0) return `Init:${terminated.reason ?? `ExitCode:${terminated.exitCode}`}`;
    if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
  }
  const worst = status.containerStatuses?.map(wordOf).find((word) => word !== undefined && word !== "Completed");
  if (worst !== undefined) return worst;
  if (status.phase === "Succeeded") return "Completed";
  if (status.phase === "Pending" && status.conditions?.some(({ reason }) => reason === "SchedulingGated")) return "SchedulingGated";
  return status.phase ?? "Unknown";
}

function wordOf({ state }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  if (waiting !== undefined) return waiting.reason;
  return terminated === undefined ? undefined : (terminated.reason ?? `ExitCode:${terminated.exitCode}`);
}
