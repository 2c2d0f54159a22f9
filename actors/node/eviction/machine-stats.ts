import { statSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { isMirrorPod, MIRROR_ANNOTATION } from "../../kinds/core/mirror-pod.ts";
import { isTerminal } from "../../kinds/core/pod-phase.ts";
import type { Pod, Volume } from "../../kinds/generated/types.ts";
import type { ObjectView } from "../../store/view.ts";
import { type ContainerRuntime, schemeOf } from "../container-runtime.ts";
import { type DiskUse, diskUse, NO_DISK } from "../disk-use.ts";
import type { NodeStats } from "./eviction.ts";
import type { ContainerStats, Disks, PodStats } from "./ranking.ts";
import type { Observation, Observations, Signal } from "./thresholds.ts";

/** A runtime whose containers lie on this machine's disk. */
export interface StoringRuntime extends ContainerRuntime {
  /** Where a run of a container writes beside its volumes, and where its logs are. */
  placesOf(uid: string, name: string, attempt: number): { readonly root: string; readonly logs: string };
  /** Removes images that nothing runs of. */
  clearImages(): Promise<void>;
}

export interface MachineStatsOptions {
  readonly view: ObjectView;
  readonly runtime: StoringRuntime;
  /** Of the pods' files. */
  readonly directory: string;
  /** Where images are unpacked; undefined: there are none. */
  readonly images: string | undefined;
  /** What all pods together have left of what is kept for them; undefined: nobody holds them to that. */
  readonly allocatableMemory: () => Observation | undefined;
}

const KI = 1_024;
/** Volumes that lie with the pod. */
const LOCAL: readonly (keyof Volume)[] = ["emptyDir", "configMap", "secret", "downwardAPI", "projected"];

/** Nodes that are this machine: what the kernel says of it, and what lies in the pods' directories. */
export class MachineStats implements NodeStats {
  readonly disks: Disks;
  readonly #options: MachineStatsOptions;

  constructor(options: MachineStatsOptions) {
    this.#options = options;
    this.disks = isOnAnotherDisk(options.directory, options.images) ? "images apart" : "one";
  }

  async observe(): Promise<Observations> {
    const { directory, images, allocatableMemory } = this.#options;
    const observed = new Map<Signal, Observation>();
    const tell = (signal: Signal, observation: Observation | undefined): void => {
      if (observation !== undefined) observed.set(signal, observation);
    };
    tell("memory.available", memoryIn(await textOf("/proc/meminfo")));
    tell("allocatableMemory.available", allocatableMemory());
    const nodefs = await statfs(directory);
    const imagefs = this.disks === "one" || images === undefined ? nodefs : await statfs(images);
    for (const [name, { bavail, blocks, bsize, ffree, files }] of [["nodefs", nodefs] as const, ["imagefs", imagefs] as const]) {
      tell(`${name}.available`, { available: bavail * bsize, capacity: blocks * bsize });
      // Some file systems make inodes as they are wanted, and have no number of them.
      tell(`${name}.inodesFree`, files === 0 ? undefined : { available: ffree, capacity: files });
    }
    const [most, threads, load] = await Promise.all(
      ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max", "/proc/loadavg"].map((path) => textOf(path)),
    );
    tell("pid.available", pidsIn(Math.min(Number(most), Number(threads)), load ?? ""));
    return observed;
  }

  async stats(pod: Pod, disks: boolean): Promise<PodStats | undefined> {
    const { runtime, directory } = this.#options;
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    if (statuses.length === 0) return undefined;
    const uid = uidOf(pod);
    const used = runtime.usage();
    const containers: ContainerStats[] = [];
    for (const { name, restartCount, containerID = "" } of statuses) {
      const { memory_bytes = 0, processes = 0 } = used.get(containerID.slice(`${schemeOf(runtime)}://`.length)) ?? {};
      const { root, logs } = runtime.placesOf(uid, name, restartCount);
      const of = (path: string): Promise<DiskUse> => (disks ? diskUse(path) : Promise.resolve(NO_DISK));
      containers.push({ name, memory_bytes, processes, root: await of(root), logs: await of(logs) });
    }
    const volumes = new Map<string, DiskUse>();
    for (const volume of disks ? (pod.spec.volumes ?? []) : []) {
      const isLocal = LOCAL.some((field) => volume[field] !== undefined) && volume.emptyDir?.medium !== "Memory";
      if (isLocal) volumes.set(volume.name, await diskUse(join(directory, uid, "volumes", volume.name)));
    }
    return { containers, volumes };
  }

  /** Source: DeleteAllUnusedContainers, DeleteUnusedImages: logs of pods that have ended go with their containers. */
  async reclaim(): Promise<void> {
    const { view, runtime } = this.#options;
    const pods = view.list("pods").map((entry) => view.decode<Pod>(entry));
    const ended = pods.filter(isTerminal);
    for (const pod of ended) {
      const { containers } = await runtime.observe(uidOf(pod));
      for (const { id, state } of containers) if (state === "exited") await runtime.removeContainer(id);
    }
    await runtime.clearImages();
  }

  async isGone(uid: string): Promise<boolean> {
    const { sandboxes, containers } = await this.#options.runtime.observe(uid);
    return sandboxes.length === 0 && containers.length === 0;
  }
}

/** What runs of a mirror is the pod that it shows. */
function uidOf({ metadata, ...rest }: Pod): string {
  return isMirrorPod({ metadata, ...rest }) ? (metadata.annotations?.[MIRROR_ANNOTATION] ?? metadata.uid) : metadata.uid;
}

function isOnAnotherDisk(directory: string, images: string | undefined): boolean {
  const of = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.dev;
  const apart = images === undefined ? undefined : of(images);
  return apart !== undefined && apart !== of(directory);
}

/** What can be had without swapping, by the kernel's own estimate. */
export function memoryIn(meminfo: string): Observation | undefined {
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? Number.NaN) * KI;
  const [capacity, available] = [field("MemTotal"), field("MemAvailable")];
  return Number.isNaN(capacity) || Number.isNaN(available) ? undefined : { available, capacity };
}

function pidsIn(capacity: number, loadavg: string): Observation | undefined {
  const running = Number(/\/(\d+) /.exec(loadavg)?.[1] ?? Number.NaN);
  return Number.isNaN(running) || Number.isNaN(capacity) ? undefined : { available: capacity - running, capacity };
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
