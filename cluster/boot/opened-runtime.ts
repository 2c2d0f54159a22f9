import type { MachineStatsOptions, StoringRuntime } from "../../actors/node/eviction/machine-stats.ts";
import { KernelNetwork } from "../../actors/node/pod-network/kernel-network.ts";
import type { NetworkPlace } from "../../actors/node/pod-network/place.ts";
import type { MachineNodes, Reservation } from "../../actors/node/process/machine.ts";
import { isLoopback, parseServiceCidr } from "../../actors/registry/service-range.ts";
import type { Clock } from "../../runtime/mod.ts";

/** What a runtime is opened with whose pods have a network of their own. */
export interface NetworkedRuntimeWanted<Settings> {
  /** Of the pods' files. */
  readonly directory: string;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly addresses: MachineNodes["addresses"];
  readonly place: NetworkPlace;
  /** The range of services' addresses, where these are forwarded. */
  readonly services: string | undefined;
  readonly reserved: Reservation;
}

/** What runs pods on this machine, and its nodes. */
export interface OpenedRuntime {
  readonly runtime: StoringRuntime & { close(): Promise<void> };
  readonly of: MachineNodes;
  /** What it cannot do for pods, for people. */
  readonly cautions: readonly string[];
  readonly allocatableMemory: MachineStatsOptions["allocatableMemory"];
  /** Undefined: the network of pods is not Troupe's affair. */
  readonly podNetwork: PodNetworkOpened | undefined;
}

export interface PodNetworkOpened {
  readonly kernel: KernelNetwork;
  /** Is told the range of this machine's pods when that is known; undefined: nobody wants to know. */
  readonly usePods: ((range: string) => Promise<void>) | undefined;
}

/** Makes the machine's own what pods are to reach on it. Throws an Error. */
export async function takeAddresses({
  directory,
  place,
  services,
}: Pick<NetworkedRuntimeWanted<unknown>, "directory" | "place" | "services">): Promise<KernelNetwork> {
  const kernel = new KernelNetwork(directory);
  const forwarded = services === undefined || isLoopback(parseServiceCidr(services)) ? [] : [services];
  await kernel.take({ local: [...place.own, ...forwarded], nodes: place.nodes, ranges: place.ranges });
  return kernel;
}

/** Pods that have a network have a loopback of their own. */
export function unreachedServices(services: string | undefined): readonly string[] {
  if (services === undefined || !isLoopback(parseServiceCidr(services))) return [];
  return [
    `pods do not reach services at ${services}: start the cluster with --service-cluster-ip-range 10.96.0.0/16, or with this runtime`,
  ];
}
