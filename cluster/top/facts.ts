import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { parseQuantity } from "../../actors/kinds/machinery/quantity.ts";

const NANO = 1e9;
/** What every pod asks for of a resource that it does not name: nothing. */
const NOTHING = "0";

/** What is kept of a node: a cluster may have thousands. */
export interface NodeFacts {
  readonly name: string;
  readonly zone: string;
  /** As kubectl has it: `Ready`, `NotReady`, with `,SchedulingDisabled` where no new pods come. */
  readonly status: string;
  readonly since_ms: number;
  readonly cpu: number;
  readonly memory_bytes: number;
  readonly podsMax: number;
}

/** What is kept of a pod: a cluster may have a hundred thousand. */
export interface PodFacts {
  readonly key: string;
  readonly node: string;
  /** Its phase, or what its containers wait for. */
  readonly status: string;
  readonly ready: number;
  readonly containers: number;
  readonly restarts: number;
  readonly since_ms: number;
  /** What it asks for. */
  readonly cpu: number;
  readonly memory_bytes: number;
}

export function nodeFacts({ metadata, spec, status }: Node): NodeFacts {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status === "True" ? "Ready" : "NotReady";
  const { cpu = NOTHING, memory = NOTHING, pods = NOTHING } = (status?.allocatable ?? {}) as Record<string, string>;
  return {
    name: metadata.name,
    zone: metadata.labels?.["topology.kubernetes.io/zone"] ?? "",
    status: `${ready}${spec?.unschedulable ? ",SchedulingDisabled" : ""}`,
    since_ms: Date.parse(metadata.creationTimestamp ?? ""),
    cpu: amount(cpu),
    memory_bytes: amount(memory),
    podsMax: amount(pods),
  };
}

export function podFacts({ metadata, spec, status }: Pod): PodFacts {
  const containers = status?.containerStatuses ?? [];
  const asked = (resource: "cpu" | "memory"): number =>
    (spec?.containers ?? []).reduce(
      (sum, { resources }) => sum + amount((resources?.requests as Record<string, string> | undefined)?.[resource] ?? NOTHING),
      0,
    );
  const waiting = containers.map(({ state }) => state?.waiting?.reason).find((reason) => reason !== undefined);
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    node: spec?.nodeName ?? "",
    status: metadata.deletionTimestamp === undefined ? (waiting ?? status?.phase ?? "Pending") : "Terminating",
    ready: containers.filter(({ ready }) => ready).length,
    containers: spec?.containers.length ?? 0,
    restarts: containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    since_ms: Date.parse(metadata.creationTimestamp ?? ""),
    cpu: asked("cpu"),
    memory_bytes: asked("memory"),
  };
}

/** Whether a pod holds what it asks for: one that has ended does not. */
export function holdsRoom({ status }: PodFacts): boolean {
  return status !== "Succeeded" && status !== "Failed";
}

function amount(quantity: string): number {
  return Number(parseQuantity(quantity).nano) / NANO;
}
