import { isTerminal } from "../../kinds/core/pod-phase.ts";
import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type { ContainerStatus, Node, Pod } from "../../kinds/generated/types.ts";
import { type Allocation, allocated, isToBeResized, type Rejection, resizableContainers } from "../../pod/allocation.ts";
import { type ResizeRefusal, resizeRefusal, roomOn } from "../../pod/node-room.ts";
import { podRequests } from "../../scheduler/resource-needs.ts";
import { type Pressure, rejectionOf } from "./pod-admission.ts";
import type { SysctlAllowlist } from "./sysctl-allowlist.ts";

interface Kept {
  pod: Pod;
  readonly isStatic: boolean;
  granted: Allocation["resources"];
  pending: ResizeRefusal | undefined;
  rejected: Rejection | undefined;
}

/** UIDs of pods of which an allocation is new. */
export type Reallocated = ReadonlySet<string>;

const STATIC_RESIZE: ResizeRefusal = { reason: "Infeasible", message: "In-place resize of static-pods is not supported" };
const PENDING = "PodResizePending";

/**
 * What one node has granted its pods: it lets them in or rejects them as they come, and grants what they ask for later if there is room, else when others have
 * made room, the most urgent first. It promises that what is granted together is not more than the node has for pods, but for pods that are critical. Pure, but for
 * what it remembers; after a restart it goes by what statuses say was granted. Source: kubelet's allocation manager.
 */
export class Allocations {
  readonly #node: () => Node | undefined;
  readonly #sysctls: SysctlAllowlist;
  readonly #kept = new Map<string, Kept>();
  /** Those whose specs ask for something else than was granted. */
  readonly #pending = new Set<string>();
  /** Until all pods are known that were here before, nobody gets more. */
  #isComplete = false;
  pressures: readonly Pressure[] = [];

  constructor(node: () => Node | undefined, sysctls: SysctlAllowlist) {
    this.#node = node;
    this.#sysctls = sysctls;
  }

  of(uid: string): Allocation | undefined {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return undefined;
    const { granted, pending, rejected } = kept;
    return { resources: granted, ...(pending === undefined ? {} : { pending }), ...(rejected === undefined ? {} : { rejected }) };
  }

  /** The pod is new here, or has changed. */
  see(pod: Pod, isStatic = false): Reallocated {
    const { uid } = pod.metadata;
    const before = this.#kept.get(uid);
    const kept = before ?? this.#admitted(pod, isStatic);
    kept.pod = pod;
    if (isTerminal(pod) || kept.rejected !== undefined || !isToBeResized(pod, kept.granted)) {
      this.#pending.delete(uid);
      kept.pending = undefined;
    } else this.#pending.add(uid);
    return new Set([uid, ...this.#retry()]);
  }

  gone(uid: string): Reallocated {
    this.#kept.delete(uid);
    this.#pending.delete(uid);
    return this.#retry();
  }

  complete(): Reallocated {
    this.#isComplete = true;
    return this.#retry();
  }

  #admitted(pod: Pod, isStatic: boolean): Kept {
    const { uid } = pod.metadata;
    const node = this.#node();
    // Who has begun was let in then.
    const isNew = pod.status?.startTime === undefined && pod.metadata.deletionTimestamp === undefined && !isTerminal(pod);
    const at = { others: this.#others(uid), pressures: this.pressures, sysctls: this.#sysctls };
    const rejected = isNew && node !== undefined ? rejectionOf(pod, isStatic, { node, ...at }) : undefined;
    const kept: Kept = { pod, isStatic, granted: grantedBefore(pod), pending: undefined, rejected };
    this.#kept.set(uid, kept);
    return kept;
  }

  /** Source: retryPendingResizes. */
  #retry(): Reallocated {
    const told = new Set<string>();
    if (!this.#isComplete || this.#pending.size === 0) return told;
    for (const kept of [...this.#pending].flatMap((uid) => this.#kept.get(uid) ?? []).sort(byUrgency)) {
      const { uid } = kept.pod.metadata;
      const before = kept.pending;
      kept.pending = kept.isStatic ? STATIC_RESIZE : resizeRefusal(kept.pod, roomOn(this.#node()?.status?.allocatable, this.#others(uid)));
      if (kept.pending === undefined) {
        kept.granted = wantedBy(kept.pod);
        this.#pending.delete(uid);
        told.add(uid);
      } else if (kept.pending.message !== before?.message) told.add(uid);
    }
    return told;
  }

  /** The other pods that it has let in, as they are to run. */
  #others(uid: string): readonly Pod[] {
    return [...this.#kept.values()].flatMap(({ pod, granted, rejected }) =>
      pod.metadata.uid === uid || rejected !== undefined || isTerminal(pod) ? [] : [allocated(pod, { resources: granted })],
    );
  }
}

function wantedBy(pod: Pod): Allocation["resources"] {
  return Object.fromEntries(resizableContainers(pod).map(({ name, resources = {} }) => [name, resources]));
}

/** What its status says that it was granted; what it asks for, where that says nothing. */
function grantedBefore(pod: Pod): Allocation["resources"] {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const statuses = new Map<string, ContainerStatus>(
    [...initContainerStatuses, ...containerStatuses].map((status) => [status.name, status]),
  );
  const granted = resizableContainers(pod).map(({ name, resources: wanted = {} }) => {
    const { resources, allocatedResources } = statuses.get(name) ?? {};
    return [
      name,
      resources === undefined ? wanted : { ...wanted, ...resources, ...(allocatedResources && { requests: allocatedResources }) },
    ];
  });
  return Object.fromEntries(granted);
}

/** Who takes no more than before, then by priority, by class of service, and by how long it has waited. Source: sortPendingResizes. */
function byUrgency(a: Kept, b: Kept): number {
  return (
    Number(asksForMore(a)) - Number(asksForMore(b)) ||
    (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0) ||
    Number(qosClassOf(b.pod) === "Guaranteed") - Number(qosClassOf(a.pod) === "Guaranteed") ||
    waitsSince(a) - waitsSince(b)
  );
}

function asksForMore({ pod, granted }: Kept): boolean {
  const before = podRequests({ ...allocated(pod, { resources: granted }), status: {} });
  const wanted = podRequests({ ...pod, status: {} });
  return ["cpu", "memory"].some((name) => (wanted[name] ?? 0) > (before[name] ?? 0));
}

function waitsSince({ pod }: Kept): number {
  const { lastTransitionTime } = pod.status?.conditions?.find(({ type }) => type === PENDING) ?? {};
  return lastTransitionTime === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(lastTransitionTime);
}
