import {
  type ControlGroup,
  groupWithin,
  killTogether,
  limitDevices,
  limitGroup,
  makeGroup,
  removeGroup,
  usageOf,
} from "../cgroups/control-group.ts";
import { type GroupLimits, quotaOf, sharesOf } from "../cgroups/resource-values.ts";
import type { ContainerSize, ContainerSpec, QosClass, SandboxSpec } from "../container-runtime.ts";
import { volumeDevices } from "./machine-rights.ts";
import { deviceRules } from "./oci-config.ts";

/** Where pods of each class are. Source: kubelet's cgroup names. */
const OF_CLASS: Readonly<Record<QosClass, readonly string[]>> = { Guaranteed: [], Burstable: ["burstable"], BestEffort: ["besteffort"] };
const NOTHING = { cpuShares: sharesOf(0), cpuQuota_us: undefined, memory_bytes: undefined, pids: undefined } as const;

/** What of a machine is kept for its pods together. */
export interface ForPods {
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly pids: number;
}

type Pod = Pick<SandboxSpec, "uid" | "qosClass">;

/**
 * The control groups of a cluster's pods: one for each class of service, one in that for each pod, one in that for each run of a container. Source: kubelet's
 * qosContainerManagerImpl and podContainerManagerImpl.
 */
export class PodGroups {
  readonly #root: ControlGroup;
  readonly #names: readonly string[];
  readonly #podPidsMax: number | undefined;
  #held_bytes: number | undefined;

  /** Below `root`, of the machine, the cluster has a group of these `names`. */
  constructor(root: ControlGroup, names: readonly string[], podPidsMax: number | undefined) {
    this.#root = root;
    this.#names = names;
    this.#podPidsMax = podPidsMax;
  }

  /**
   * Holds all pods together to what is kept for them: what is reserved is others'. Throws an Error where they use more already. Source: kubelet's
   * enforceNodeAllocatableCgroups.
   */
  hold({ cpu_milli, memory_bytes, pids }: ForPods): void {
    this.#held_bytes = memory_bytes;
    limitGroup(groupWithin(this.#root, ...this.#names), { cpuShares: sharesOf(cpu_milli), cpuQuota_us: undefined, memory_bytes, pids });
  }

  /** What they have left of the memory that is kept for them; undefined: nobody holds them to any. */
  get memoryLeft(): { readonly available: number; readonly capacity: number } | undefined {
    const capacity = this.#held_bytes;
    if (capacity === undefined || this.#root.directories.memory === undefined) return undefined;
    return { available: Math.max(0, capacity - usageOf(groupWithin(this.#root, ...this.#names)).memory_bytes), capacity };
  }

  /** Whether it can keep containers from devices that are not theirs. */
  get limitsDevices(): boolean {
    return this.#root.directories.devices !== undefined;
  }

  /** From the root of the hierarchies. */
  pathOf(pod: Pod, spec: ContainerSpec): string {
    return `/${[...this.#podNames(pod), groupName(spec)].join("/")}`;
  }

  makePod(pod: SandboxSpec): void {
    const group = makeGroup(this.#root, this.#podNames(pod));
    limitGroup(group, { ...limitsOf(pod), pids: this.#podPidsMax });
    this.#share();
  }

  removePod(uid: string): void {
    for (const qosClass of Object.keys(OF_CLASS) as QosClass[]) removeGroup(groupWithin(this.#root, ...this.#podNames({ uid, qosClass })));
  }

  makeContainer(pod: Pod, spec: ContainerSpec): ControlGroup {
    const group = makeGroup(this.#root, [...this.#podNames(pod), groupName(spec)]);
    limitGroup(group, { ...limitsOf(spec.size), pids: undefined });
    killTogether(group);
    limitDevices(group, deviceRules(spec.security, volumeDevices(spec.mounts)));
    return group;
  }

  /** From the root of the hierarchies: the pod's own, for who makes groups of containers in it. */
  parentOf(pod: Pod): string {
    return `/${this.#podNames(pod).join("/")}`;
  }

  /** Throws an Error when it uses more already. */
  async resize(pod: Pod, run: Pick<ContainerSpec, "name" | "attempt">, size: ContainerSize): Promise<void> {
    const group = groupWithin(this.#root, ...this.#podNames(pod), groupName(run));
    const { memory } = size.limits;
    const used = usageOf(group).memory_bytes;
    if (memory !== undefined && used >= memory) {
      const about = `container ${JSON.stringify(run.name)} memory limit (${memory}) below current usage (${used})`;
      throw new Error(`cannot decrease memory limits: attempting to set ${about}`);
    }
    await this.resizePod(pod, size, async () => limitGroup(group, { ...limitsOf(size), pids: undefined }));
  }

  /** What holds less has to make room before what is above it does, and the other way round: `resize` does it to the container. */
  async resizePod(pod: Pod, size: ContainerSize, resize: () => Promise<void>): Promise<void> {
    const above = groupWithin(this.#root, ...this.#podNames(pod));
    const limits = { ...limitsOf(size.pod), pids: this.#podPidsMax };
    limitGroup(above, { ...limits, cpuQuota_us: undefined, memory_bytes: undefined });
    try {
      await resize();
    } finally {
      limitGroup(above, limits);
    }
  }

  /** What has asked for nothing has nothing for sure, whether any such pod is there by now or not. */
  #share(): void {
    limitGroup(makeGroup(this.#root, [...this.#names, ...OF_CLASS.BestEffort]), NOTHING);
  }

  #podNames({ uid, qosClass }: Pod): readonly string[] {
    return [...this.#names, ...OF_CLASS[qosClass], `pod${uid}`];
  }
}

function limitsOf({ requests, limits }: Pick<SandboxSpec, "requests" | "limits">): Omit<GroupLimits, "pids"> {
  // Who says only what it may take at the most asks for that. Source: kubelet's calculateLinuxResources.
  return { cpuShares: sharesOf(requests.cpu ?? limits.cpu ?? 0), cpuQuota_us: quotaOf(limits.cpu), memory_bytes: limits.memory };
}

function groupName({ name, attempt }: Pick<ContainerSpec, "name" | "attempt">): string {
  return `${name}-${attempt}`;
}
