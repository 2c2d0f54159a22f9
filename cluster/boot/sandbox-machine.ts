import { ImageStore } from "../../actors/node/images/image-store.ts";
import { installApplets } from "../../actors/node/process/applets.ts";
import type { Catalog } from "../../actors/node/process/catalog.ts";
import { forPods, handlerWith } from "../../actors/node/process/machine.ts";
import type { NetworkConfig } from "../../actors/node/sandbox/cni.ts";
import { SandboxImages } from "../../actors/node/sandbox/images.ts";
import { findMachine } from "../../actors/node/sandbox/machine.ts";
import { bridgeOf, checkFree } from "../../actors/node/sandbox/own-network.ts";
import { SandboxRuntime } from "../../actors/node/sandbox/sandbox-runtime.ts";
import { BootFailure } from "./failure.ts";
import { type NetworkedRuntimeWanted, type OpenedRuntime, takeAddresses, unreachedServices } from "./opened-runtime.ts";

export interface SandboxSettings {
  /** A directory of OCI image layouts and archives, and where they are unpacked. */
  readonly images: string;
  readonly unpackedImages: string;
  readonly seccompProfiles: string;
  readonly podPidsMax: number | undefined;
  /** Undefined: a bridge. */
  readonly network: NetworkConfig | undefined;
  /** Directories of CNI plugins. */
  readonly cniPlaces: readonly string[];
}

/** What runs pods in sandboxes on this machine, and its nodes. Throws BootFailure, which says what it takes. */
export async function openSandboxes(
  wanted: NetworkedRuntimeWanted<SandboxSettings> & { readonly catalog: Catalog },
): Promise<OpenedRuntime> {
  const { directory, catalog, clock, settings, addresses, place, reserved, services } = wanted;
  const { network, cniPlaces, podPidsMax, images, unpackedImages, seccompProfiles } = settings;
  try {
    const pods = place.pods();
    if (network === undefined && pods !== undefined) await checkFree(pods, bridgeOf(directory));
    const machine = await findMachine({
      directory,
      network,
      pods: place.pods,
      pluginPlaces: cniPlaces,
      podPidsMax,
      forPods: forPods(reserved),
    });
    const kernel = await takeAddresses(wanted);
    const runtime = await SandboxRuntime.begin({
      directory,
      clock,
      machine,
      images: new SandboxImages(catalog, await installApplets(catalog, directory), new ImageStore(images, unpackedImages)),
      seccompDirectory: seccompProfiles,
    });
    return {
      runtime,
      of: {
        runtime: runtime.name,
        addresses,
        labels: {},
        version: machine.oci.version,
        features: () => ({ handlers: runtime.handlers.map((name) => handlerWith(name, true)), supplementalGroupsPolicy: true }),
      },
      cautions: [...machine.wants, ...unreachedServices(services)],
      allocatableMemory: () => machine.groups?.memoryLeft,
      podNetwork: network === undefined ? { kernel, usePods: undefined } : undefined,
    };
  } catch (error) {
    throw new BootFailure(`--runtime sandbox cannot run here: ${(error as Error).message}`);
  }
}
