import type { ConfigMap } from "../../actors/kinds/generated/types.ts";
import type { NetworkPlace } from "../../actors/node/pod-network/place.ts";

/** What machines have to know of a cluster that they join, to be one with the others: a ConfigMap that nodes may read, as kubeadm's kubelet-config. */
export interface MachineConfig {
  readonly clusterDomain: string;
  /** What services get their addresses from. */
  readonly serviceRange: string;
  /** Services are forwarded, at addresses that each machine has by itself. */
  readonly forwarded: boolean;
  /** Names of the cluster are answered. */
  readonly dns: boolean;
  /** See NetworkPlace; `routes` to the cluster's own machine. */
  readonly podRanges: NetworkPlace["ranges"];
  readonly routes: NetworkPlace["routes"];
}

export const MACHINE_CONFIG = { namespace: "kube-system", name: "troupe-machine-config" } as const;

const VIA = " via ";

export function configData({
  clusterDomain,
  serviceRange,
  forwarded,
  dns,
  podRanges,
  routes,
}: MachineConfig): Readonly<Record<string, string>> {
  return {
    clusterDomain,
    serviceRange,
    serviceProxy: forwarded ? "on" : "off",
    dns: dns ? "on" : "off",
    podRanges: podRanges.join(),
    routes: routes.map(({ to, via }) => `${to}${VIA}${via}`).join(),
  };
}

export function configIn({ data = {} }: ConfigMap): MachineConfig {
  const { clusterDomain = "cluster.local", serviceRange = "", serviceProxy, dns, podRanges = "", routes = "" } = data;
  return {
    clusterDomain,
    serviceRange,
    forwarded: serviceProxy === "on",
    dns: dns === "on",
    podRanges: listIn(podRanges),
    routes: listIn(routes).map((text) => {
      const [to = "", via = ""] = text.split(VIA);
      return { to, via };
    }),
  };
}

function listIn(text: string): readonly string[] {
  return text.split(",").filter((part) => part !== "");
}
