import { readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, release, totalmem } from "node:os";
import type { NodeRuntimeHandler } from "../../kinds/generated/types.ts";
import { machineAddresses } from "../cidr.ts";
import { amountIn, type Threshold } from "../eviction/thresholds.ts";
import type { NodeForm, NodeShape } from "../node-form.ts";
import { numberedName } from "../node-indexes.ts";
import { RUNTIME_LABEL } from "../runtime.ts";
import type { Isolation } from "./isolation.ts";

/** What of the machine is kept from pods: for the system and for Troupe itself. */
export interface Reservation {
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly storage_bytes: number;
  readonly pids: number;
}

/** A node's pod range has so many addresses. */
const PODS = 250;
const MILLI = 1_000;
const KI = 1_024;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** What all pods of the machine together may take: all but what is reserved. */
export function forPods(reserved: Reservation): { readonly cpu_milli: number; readonly memory_bytes: number; readonly pids: number } {
  return {
    cpu_milli: Math.max(0, availableParallelism() * MILLI - reserved.cpu_milli),
    memory_bytes: Math.max(0, totalmem() - reserved.memory_bytes),
    pids: Math.max(1, Number(textOf("/proc/sys/kernel/pid_max")) - reserved.pids),
  };
}

/**
 * What a node that is one of so many on this machine has, and has for pods: an equal share. Nor may they ask for what is left before somebody has to go. Source:
 * kubelet's GetNodeAllocatableReservation.
 */
function machineShapes(
  nodes: number,
  reserved: Reservation,
  thresholds: readonly Threshold[],
  directory: string,
): { readonly capacity: NodeShape; readonly allocatable: NodeShape } {
  const { blocks, bsize } = statfsSync(directory);
  const all = { cpu_milli: availableParallelism() * MILLI, memory_bytes: totalmem(), storage_bytes: blocks * bsize };
  const spared = (signal: Threshold["signal"], capacity: number): number => {
    const hard = thresholds.find((threshold) => threshold.signal === signal && threshold.grace_ms === 0);
    return hard === undefined ? 0 : amountIn(hard.value, capacity);
  };
  const rest = {
    cpu_milli: all.cpu_milli - reserved.cpu_milli,
    memory_bytes: all.memory_bytes - reserved.memory_bytes - spared("memory.available", all.memory_bytes),
    storage_bytes: all.storage_bytes - reserved.storage_bytes - spared("nodefs.available", all.storage_bytes),
  };
  return { capacity: shapeOf(all, nodes), allocatable: shapeOf(rest, nodes) };
}

function shapeOf({ cpu_milli, memory_bytes, storage_bytes }: Omit<Reservation, "pids">, nodes: number): NodeShape {
  const share = (amount: number, unit: number): number => Math.max(0, Math.floor(amount / nodes / unit));
  const milli = share(cpu_milli, 1);
  const cpu = milli % MILLI === 0 ? String(milli / MILLI) : `${milli}m`;
  return { cpu, memory: `${share(memory_bytes, KI)}Ki`, ephemeralStorage: `${share(storage_bytes, KI)}Ki`, pods: String(PODS) };
}

/** On nodes of the runtime `process`: how far the machine lets it set pods apart. */
const ISOLATION_LABEL = "troupe.dev/process-isolation";

/** What is different with runtimes whose nodes are this machine. */
export type MachineNodes = Pick<NodeForm, "runtime" | "addresses" | "trouble" | "images"> & {
  readonly features: NonNullable<NodeForm["features"]>;
  readonly labels: Readonly<Record<string, string>>;
  /** As nodes say it now: a name, `://` and a version. */
  readonly version: string;
};

export function processNodesOf(directory: string, isolation: Isolation): MachineNodes {
  return {
    runtime: "process",
    addresses: machineAddresses(directory),
    labels: { [ISOLATION_LABEL]: isolation },
    version: "process://1",
    // Groups of others nobody but root can have.
    features: () => ({ handlers: [handlerWith("")], supplementalGroupsPolicy: isolation === "mount-namespace" }),
  };
}

/** One that makes no namespaces of users, which nothing here does. */
export function handlerWith(name: string, recursiveReadOnlyMounts = false): NodeRuntimeHandler {
  return { name, features: { recursiveReadOnlyMounts, userNamespaces: false } };
}

/** How nodes look that are this machine, so many of them. */
export function machineForm(
  nodes: number,
  reserved: Reservation,
  thresholds: readonly Threshold[],
  directory: string,
  of: MachineNodes,
): NodeForm {
  const info: Omit<ReturnType<NodeForm["info"]>, "containerRuntimeVersion"> = {
    machineID: textOf("/etc/machine-id"),
    systemUUID: textOf("/etc/machine-id"),
    bootID: textOf("/proc/sys/kernel/random/boot_id"),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf("/etc/os-release"))?.[1] ?? "Linux",
    architecture: ARCHITECTURES[arch()] ?? arch(),
  };
  return {
    label: RUNTIME_LABEL,
    runtime: of.runtime,
    nodeName: numberedName,
    addresses: of.addresses,
    labels: () => of.labels,
    architecture: info.architecture,
    ...machineShapes(nodes, reserved, thresholds, directory),
    isImagined: false,
    info: () => ({ ...info, containerRuntimeVersion: of.version }),
    ...(of.trouble === undefined ? {} : { trouble: of.trouble }),
    ...(of.images === undefined ? {} : { images: of.images }),
    features: of.features,
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
