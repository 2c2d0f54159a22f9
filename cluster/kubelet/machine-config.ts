import type { ConfigMap } from "../../actors/kinds/generated/types.ts";

/** What machines have to know of a cluster that they join, to be one with the others: a ConfigMap that nodes may read, as kubeadm's kubelet-config. */
export interface MachineConfig {
  readonly clusterDomain: string;
  /** What services get their addresses from. */
  readonly serviceRange: string;
  /** Services are forwarded, at addresses that each machine has by itself. */
  readonly forwarded: boolean;
  /** Names of the cluster are answered. */
  readonly dns: boolean;
}

export const MACHINE_CONFIG = { namespace: "kube-system", name: "troupe-machine-config" } as const;

export function configData({ clusterDomain, serviceRange, forwarded, dns }: MachineConfig): Readonly<Record<string, string>> {
  return { clusterDomain, serviceRange, serviceProxy: forwarded ? "on" : "off", dns: dns ? "on" : "off" };
}

export function configIn({ data = {} }: ConfigMap): MachineConfig {
  const { clusterDomain = "cluster.local", serviceRange = "", serviceProxy, dns } = data;
  return { clusterDomain, serviceRange, forwarded: serviceProxy === "on", dns: dns === "on" };
}
