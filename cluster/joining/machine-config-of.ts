import { machineRange } from "../../actors/node/cidr.ts";
import { podRanges } from "../boot/pod-ranges.ts";
import type { MachineConfig } from "../kubelet/machine-config.ts";
import type { InitFlags } from "./flags.ts";

/** What machines that join are to know of a cluster that is started so. */
export function machineConfigOf({ services, runtime, controllers, advertiseAddress }: InitFlags["up"]): MachineConfig {
  const { clusterDomain, range: serviceRange, proxy, dns } = services;
  const hasNetwork = runtime.sandbox !== undefined || runtime.cri !== undefined;
  const first = hasNetwork ? machineRange(runtime.podCidr)?.first : undefined;
  return {
    clusterDomain,
    serviceRange,
    forwarded: proxy !== undefined,
    dns,
    podRanges: podRanges(runtime.podCidr, controllers.clusterCidrs),
    routes: first === undefined ? [] : [{ to: first, via: advertiseAddress }],
  };
}
