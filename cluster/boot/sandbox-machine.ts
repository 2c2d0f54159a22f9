import { machineRange } from "../../actors/node/cidr.ts";
import type { MachineStatsOptions } from "../../actors/node/eviction/machine-stats.ts";
import { ImageStore } from "../../actors/node/images/image-store.ts";
import { installApplets } from "../../actors/node/process/applets.ts";
import type { Catalog } from "../../actors/node/process/catalog.ts";
import { forPods, type MachineNodes, type Reservation } from "../../actors/node/process/machine.ts";
import type { NetworkConfig } from "../../actors/node/sandbox/cni.ts";
import { SandboxImages } from "../../actors/node/sandbox/images.ts";
import { findMachine } from "../../actors/node/sandbox/machine.ts";
import { takeAddresses } from "../../actors/node/sandbox/own-network.ts";
import { SandboxRuntime } from "../../actors/node/sandbox/sandbox-runtime.ts";
import { isLoopback, parseServiceCidr } from "../../actors/registry/service-range.ts";
import type { Clock } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";

export interface SandboxSettings {
  /** A directory of OCI image layouts and archives, and where they are unpacked. */
  readonly images: string;
  readonly unpackedImages: string;
  readonly seccompProfiles: string;
  /** A MachineRange. */
  readonly podCidr: string;
  readonly podPidsMax: number | undefined;
  /** Undefined: a bridge. */
  readonly network: NetworkConfig | undefined;
  /** Directories of CNI plugins. */
  readonly cniPlaces: readonly string[];
}

export interface SandboxesWanted {
  /** Of the pods' files. */
  readonly directory: string;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly settings: SandboxSettings;
  readonly nodes: number;
  /** The range of services' addresses, where these are forwarded. */
  readonly services: string | undefined;
  readonly reserved: Reservation;
}

export interface Sandboxes {
  readonly runtime: SandboxRuntime;
  readonly of: MachineNodes;
  readonly cautions: readonly string[];
  readonly allocatableMemory: MachineStatsOptions["allocatableMemory"];
}

/** What runs pods in sandboxes on this machine, and its nodes. Throws BootFailure, which says what it takes. */
export async function openSandboxes({
  directory,
  catalog,
  clock,
  settings,
  nodes,
  services,
  reserved,
}: SandboxesWanted): Promise<Sandboxes> {
  const { podCidr, network, cniPlaces, podPidsMax, images, unpackedImages, seccompProfiles } = settings;
  try {
    const range = machineRange(podCidr);
    if (range === undefined) throw new Error(`${podCidr} is no range for its pods`);
    const machine = await findMachine({
      directory,
      network,
      podCidr: range.pods,
      pluginPlaces: cniPlaces,
      podPidsMax,
      forPods: forPods(reserved),
    });
    const forwarded = services === undefined || isLoopback(parseServiceCidr(services)) ? [] : [services];
    const ofNodes = Array.from({ length: nodes }, (_, index) => range.addresses.nodeAddressOf(index));
    await takeAddresses({ pods: directory, range, network, services: forwarded, nodes: ofNodes });
    const runtime = await SandboxRuntime.begin({
      directory,
      clock,
      machine,
      images: new SandboxImages(catalog, await installApplets(catalog, directory), new ImageStore(images, unpackedImages)),
      seccompDirectory: seccompProfiles,
    });
    const of = { runtime: runtime.name, addresses: range.addresses, labels: {}, version: machine.oci.version };
    return { runtime, of, cautions: machine.wants, allocatableMemory: () => machine.groups?.memoryLeft };
  } catch (error) {
    throw new BootFailure(`--runtime sandbox cannot run here: ${(error as Error).message}`);
  }
}
