import type { Objects } from "./objects.ts";
import type { PodRecord } from "./pod-record.ts";

/** The ecosystem's PodGroup, a custom resource. Source: kubernetes-sigs/scheduler-plugins, coscheduling. */
export const POD_GROUPS = "podgroups.scheduling.x-k8s.io";
export const POD_GROUP_LABEL = "scheduling.x-k8s.io/pod-group";

const TIMEOUT_S = 60;
const MS_PER_S = 1_000;

export interface PodGroup {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
  readonly spec?: { readonly minMember?: number; readonly scheduleTimeoutSeconds?: number };
  readonly status?: PodGroupStatus;
}

export interface PodGroupStatus {
  readonly phase?: "Pending" | "Scheduling" | "Scheduled";
  readonly scheduled?: number;
  readonly scheduleStartTime?: string;
}

interface Gang {
  readonly waiting: Set<PodRecord>;
  readonly bound: Set<PodRecord>;
  /** Since when its members have been looked at together in vain. */
  began_ms: number | undefined;
}

/**
 * Groups of pods of which all that are wanted get nodes together, or none does. Members are held back until there are enough of them; they are decided in one
 * batch, and what the batch cannot give all of them it gives none. So no group holds nodes while it waits for more, and two of them never wait
 * for each other. Where there is no PodGroup of the name that a pod's label has, the pod is one like any other.
 */
export class Gangs {
  readonly #view: Objects;
  readonly #gangs = new Map<string, Gang>();

  constructor(view: Objects) {
    this.#view = view;
  }

  /** The pod waits as a member, or is on a node. */
  enter(key: string, record: PodRecord, isBound: boolean): void {
    const gang = this.#gangs.get(key) ?? { waiting: new Set(), bound: new Set(), began_ms: undefined };
    this.#gangs.set(key, gang);
    (isBound ? gang.bound : gang.waiting).add(record);
  }

  leave(key: string, record: PodRecord): void {
    const gang = this.#gangs.get(key);
    gang?.waiting.delete(record);
    gang?.bound.delete(record);
    if (gang?.waiting.size === 0 && gang.bound.size === 0) this.#gangs.delete(key);
  }

  group(key: string): PodGroup | undefined {
    return this.#view.get(`${POD_GROUPS}/${key}`) as PodGroup | undefined;
  }

  /** Members that wait. */
  waiting(key: string): ReadonlySet<PodRecord> {
    return this.#gangs.get(key)?.waiting ?? new Set();
  }

  /** How many more must get nodes together; 0: any may go alone. */
  wanted(key: string): number {
    const { minMember = 1 } = this.group(key)?.spec ?? {};
    return Math.max(0, minMember - (this.#gangs.get(key)?.bound.size ?? 0));
  }

  /** What is said of a member while there are too few of them; undefined: there are enough. */
  shortage(key: string): string | undefined {
    const wanted = this.wanted(key);
    const there = this.waiting(key).size;
    if (wanted <= there) return undefined;
    return `pod group "${key}" waits for ${wanted - there} more of its ${this.group(key)?.spec?.minMember} members`;
  }

  /** They were decided together and not all found a node; answers whether that has gone on for longer than the group's timeout. */
  failed(key: string, now_ms: number): boolean {
    const gang = this.#gangs.get(key);
    if (gang === undefined) return false;
    gang.began_ms ??= now_ms;
    const { scheduleTimeoutSeconds = TIMEOUT_S } = this.group(key)?.spec ?? {};
    if (now_ms - gang.began_ms < scheduleTimeoutSeconds * MS_PER_S) return false;
    gang.began_ms = undefined;
    return true;
  }

  placed(key: string): void {
    const gang = this.#gangs.get(key);
    if (gang !== undefined) gang.began_ms = undefined;
  }
}
