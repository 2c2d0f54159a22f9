import { readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, release, totalmem } from "node:os";
import { machineAddresses } from "../cidr.ts";
import type { NodeForm, NodeShape } from "../node-form.ts";
import type { Isolation } from "./isolation.ts";

/** What of the machine is kept from pods: for the system, for Troupe itself, and as a reserve before it runs short. */
export interface Reservation {
  readonly cpu_milli: number;
  readonly memory_bytes: number;
}

/** A node's pod range has so many addresses. */
const PODS = 250;
const MILLI = 1_000;
const KI = 1_024;
/** Source: kubelet's default of --eviction-hard, `memory.available<100Mi`. */
const MEMORY_RESERVE_BYTES = 100 * KI * KI;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** What a node that is one of so many on this machine has, and has for pods: an equal share. */
function machineShapes(
  nodes: number,
  reserved: Reservation,
  directory: string,
): { readonly capacity: NodeShape; readonly allocatable: NodeShape } {
  const { blocks, bsize } = statfsSync(directory);
  const cpu_milli = Math.floor((availableParallelism() * MILLI) / nodes);
  const memory_bytes = Math.floor(totalmem() / nodes);
  const storage = Math.floor((blocks * bsize) / nodes / KI);
  const rest = {
    cpu_milli: Math.max(0, cpu_milli - Math.floor(reserved.cpu_milli / nodes)),
    memory_bytes: Math.max(0, memory_bytes - Math.floor((reserved.memory_bytes + MEMORY_RESERVE_BYTES) / nodes)),
  };
  return { capacity: shapeOf({ cpu_milli, memory_bytes }, storage), allocatable: shapeOf(rest, storage) };
}

function shapeOf({ cpu_milli, memory_bytes }: Reservation, storage_Ki: number): NodeShape {
  const cpu = cpu_milli % MILLI === 0 ? String(cpu_milli / MILLI) : `${cpu_milli}m`;
  return { cpu, memory: `${Math.floor(memory_bytes / KI)}Ki`, ephemeralStorage: `${storage_Ki}Ki`, pods: String(PODS) };
}

/** On nodes of the runtime `process`: how far the machine lets it set pods apart. */
const ISOLATION_LABEL = "troupe.dev/process-isolation";

/** What is different with runtimes whose nodes are this machine. */
export type MachineNodes = Pick<NodeForm, "runtime" | "addresses"> & {
  readonly labels: Readonly<Record<string, string>>;
  /** As nodes say it: a name, `://` and a version. */
  readonly version: string;
};

export function processNodesOf(directory: string, isolation: Isolation): MachineNodes {
  return { runtime: "process", addresses: machineAddresses(directory), labels: { [ISOLATION_LABEL]: isolation }, version: "process://1" };
}

/** How nodes look that are this machine, so many of them. */
export function machineForm(nodes: number, reserved: Reservation, directory: string, of: MachineNodes): NodeForm {
  const info: ReturnType<NodeForm["info"]> = {
    machineID: textOf("/etc/machine-id"),
    systemUUID: textOf("/etc/machine-id"),
    bootID: textOf("/proc/sys/kernel/random/boot_id"),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf("/etc/os-release"))?.[1] ?? "Linux",
    containerRuntimeVersion: of.version,
    architecture: ARCHITECTURES[arch()] ?? arch(),
  };
  return {
    runtime: of.runtime,
    addresses: of.addresses,
    labels: () => of.labels,
    architecture: info.architecture,
    ...machineShapes(nodes, reserved, directory),
    isImagined: false,
    info: () => info,
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
