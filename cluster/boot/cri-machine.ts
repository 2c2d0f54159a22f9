import { CriRuntime } from "../../actors/node/cri/cri-runtime.ts";
import { findCri, tellPodRange } from "../../actors/node/cri/machine.ts";
import { keepEndpoint } from "../../actors/node/cri/release.ts";
import { forPods, type MachineNodes } from "../../actors/node/process/machine.ts";
import { BootFailure } from "./failure.ts";
import { type NetworkedRuntimeWanted, type OpenedRuntime, takeAddresses, unreachedServices } from "./opened-runtime.ts";

export interface CriSettings {
  /** Sockets of the runtime, and of what brings its images. */
  readonly socket: string;
  readonly imageSocket: string;
  readonly seccompProfiles: string;
  readonly podPidsMax: number | undefined;
}

/** A container runtime of this machine, and its nodes. Throws BootFailure, which says what it takes. */
export async function openCri(wanted: NetworkedRuntimeWanted<CriSettings>): Promise<OpenedRuntime> {
  const { directory, clock, settings, addresses, place, reserved, services } = wanted;
  const { socket, imageSocket, podPidsMax, seccompProfiles } = settings;
  try {
    const { scheme, groups, machine, wants } = await findCri(socket, {
      directory,
      pods: place.pods(),
      podPidsMax,
      forPods: forPods(reserved),
      clock,
    });
    const kernel = await takeAddresses(wanted);
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
      addresses,
      labels: {},
      get version() {
        return health.version;
      },
      trouble: () => health.trouble,
      images: () => health.images,
      features: () => health.features,
    };
    return {
      runtime,
      of,
      cautions: [...wants, ...unreachedServices(services), ...(health.trouble === undefined ? [] : [`pods cannot run: ${health.trouble}`])],
      allocatableMemory: () => groups.memoryLeft(),
      podNetwork: { kernel, usePods: (range) => tellPodRange(socket, range, clock) },
    };
  } catch (error) {
    throw new BootFailure(`--runtime cri cannot run here: ${(error as Error).message}`);
  }
}
