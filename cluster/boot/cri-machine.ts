import { machineRange } from "../../actors/node/cidr.ts";
import { CriRuntime } from "../../actors/node/cri/cri-runtime.ts";
import { findCri } from "../../actors/node/cri/machine.ts";
import { keepEndpoint } from "../../actors/node/cri/release.ts";
import type { MachineStatsOptions } from "../../actors/node/eviction/machine-stats.ts";
import { forPods, type MachineNodes, type Reservation } from "../../actors/node/process/machine.ts";
import { takeAddresses } from "../../actors/node/sandbox/own-network.ts";
import { isLoopback, parseServiceCidr } from "../../actors/registry/service-range.ts";
import type { Clock } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";

export interface CriSettings {
  /** Sockets of the runtime, and of what brings its images. */
  readonly socket: string;
  readonly imageSocket: string;
  readonly seccompProfiles: string;
  /** A MachineRange. */
  readonly podCidr: string;
  readonly podPidsMax: number | undefined;
}

export interface CriWanted {
  /** Of the pods' files. */
  readonly directory: string;
  readonly clock: Clock;
  readonly settings: CriSettings;
  readonly nodes: number;
  /** The range of services' addresses, where these are forwarded. */
  readonly services: string | undefined;
  readonly reserved: Reservation;
}

export interface Cri {
  readonly runtime: CriRuntime;
  readonly of: MachineNodes;
  readonly cautions: readonly string[];
  readonly allocatableMemory: MachineStatsOptions["allocatableMemory"];
}

/** A container runtime of this machine, and its nodes. Throws BootFailure, which says what it takes. */
export async function openCri({ directory, clock, settings, nodes, services, reserved }: CriWanted): Promise<Cri> {
  const { socket, imageSocket, podCidr, podPidsMax, seccompProfiles } = settings;
  try {
    const range = machineRange(podCidr);
    if (range === undefined) throw new Error(`${podCidr} is no range for its pods`);
    const { scheme, groups, machine, wants } = await findCri(socket, {
      directory,
      podCidr: range.pods,
      podPidsMax,
      forPods: forPods(reserved),
      clock,
    });
    const forwarded = services === undefined || isLoopback(parseServiceCidr(services)) ? [] : [services];
    const ofNodes = Array.from({ length: nodes }, (_, index) => range.addresses.nodeAddressOf(index));
    await takeAddresses({ pods: directory, range, network: "others", services: forwarded, nodes: ofNodes });
    const runtime = await CriRuntime.begin({
      directory,
      clock,
      socket,
      imageSocket,
      seccompDirectory: seccompProfiles,
      groups,
      machine,
      scheme,
    });
    await keepEndpoint(directory, socket);
    const health = await runtime.health();
    const of: MachineNodes = {
      runtime: runtime.name,
      addresses: range.addresses,
      labels: {},
      get version() {
        return health.version;
      },
      trouble: () => health.trouble,
      images: () => health.images,
    };
    const cautions = [...wants, ...(health.trouble === undefined ? [] : [`pods cannot run: ${health.trouble}`])];
    return { runtime, of, cautions, allocatableMemory: () => groups.memoryLeft() };
  } catch (error) {
    throw new BootFailure(`--runtime cri cannot run here: ${(error as Error).message}`);
  }
}
