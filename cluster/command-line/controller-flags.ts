import { isIPv4 } from "node:net";
import { resolve } from "node:path";
import { NodeCidrs } from "../../actors/controllers/nodes/node-cidrs.ts";
import type { ClusterCidr } from "../../actors/controllers/nodes/node-ipam.ts";
import { isCidr } from "../../actors/kinds/networking/cidr.ts";
import type { Values } from "./flag.ts";
import { duration_ms, WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** Source: --node-cidr-mask-size-ipv4 and -ipv6. */
const MASK_SIZE = { IPv4: 24, IPv6: 64 } as const;
const PREFIX_BITS_MAX = 128;
/** Usage is not known more finely. */
const PERIOD_LEAST_MS = 1_000;

/** The names of kube-controller-manager. */
export const CONTROLLER_FLAGS = {
  "cluster-cidr": {
    value: "CIDR[,CIDR]",
    help: "give nodes that others bring ranges for their pods out of this, one a family (hollow nodes have their own)",
    section: "Controllers",
  },
  "node-cidr-mask-size": { value: "N", help: "how large a node's range is (24, if not given; IPv6: 64)", section: "Controllers" },
  "node-cidr-mask-size-ipv4": { value: "N", help: "the same where there are two families", section: "Controllers" },
  "node-cidr-mask-size-ipv6": { value: "N", help: "the same where there are two families", section: "Controllers" },
  "csi-controller": {
    value: "SOCKET[,SOCKET]",
    help: "CSI drivers of which Troupe calls the controller's side itself, in place of their sidecars",
    section: "Controllers",
  },
  "terminated-pod-gc-threshold": {
    value: "N",
    help: "how many pods that have ended are kept (12500, if not given; 0 keeps all)",
    section: "Controllers",
  },
  "horizontal-pod-autoscaler-sync-period": {
    value: "D",
    help: "how often autoscalers look (15s, if not given)",
    section: "Controllers",
  },
} as const;

type ControllerValues = Values<typeof CONTROLLER_FLAGS>;

export interface ControllerFlags {
  /** What nodes get the ranges of their pods from; none: nobody gives them any. */
  readonly clusterCidrs: readonly ClusterCidr[];
  /** Sockets of CSI drivers whose controller's side is called from here. */
  readonly csiSockets: readonly string[];
  /** Pods that have ended and are kept; 0: all are, undefined: as many as Kubernetes keeps. */
  readonly endedPodsMax: number | undefined;
  /** How often autoscalers look; undefined: as often as Kubernetes'. */
  readonly autoscalerPeriod_ms: number | undefined;
}

/** Throws WrongUsage. */
export function controllerFlags(values: ControllerValues): ControllerFlags {
  return {
    clusterCidrs: clusterCidrs(values),
    csiSockets: (values["csi-controller"]?.split(",") ?? []).map((socket) => resolve(socket.replace(/^unix:(\/\/)?/, ""))),
    autoscalerPeriod_ms: autoscalerPeriod_ms(values["horizontal-pod-autoscaler-sync-period"]),
    endedPodsMax: wholeNumber("--terminated-pod-gc-threshold", values["terminated-pod-gc-threshold"], 0, Number.MAX_SAFE_INTEGER),
  };
}

function autoscalerPeriod_ms(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const period_ms = duration_ms("--horizontal-pod-autoscaler-sync-period", value);
  if (period_ms < PERIOD_LEAST_MS) throw new WrongUsage(`--horizontal-pod-autoscaler-sync-period ${value} is less than a second`);
  return period_ms;
}

function clusterCidrs(values: ControllerValues): readonly ClusterCidr[] {
  const cidrs = values["cluster-cidr"]?.split(",") ?? [];
  const families = new Set(cidrs.map(familyOf));
  if (families.size < cidrs.length)
    throw new WrongUsage(`--cluster-cidr ${values["cluster-cidr"]} has two ranges of one family; give one of each`);
  if (cidrs.length > 1 && values["node-cidr-mask-size"] !== undefined)
    throw new WrongUsage("--node-cidr-mask-size is for one family; with two say --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6");
  return cidrs.map((cidr) => {
    const family = familyOf(cidr);
    const flag = family === "IPv4" ? "node-cidr-mask-size-ipv4" : "node-cidr-mask-size-ipv6";
    const named = values[flag] === undefined ? "node-cidr-mask-size" : flag;
    const maskSize = wholeNumber(`--${named}`, values[named], 1, PREFIX_BITS_MAX) ?? MASK_SIZE[family];
    try {
      new NodeCidrs(cidr, maskSize);
    } catch (error) {
      throw new WrongUsage(`--cluster-cidr ${cidr}: ${(error as Error).message}; choose another --${named}`);
    }
    return { cidr, maskSize };
  });
}

function familyOf(cidr: string): "IPv4" | "IPv6" {
  if (!isCidr(cidr)) throw new WrongUsage(`--cluster-cidr ${cidr} is not a range of addresses such as 10.244.0.0/16`);
  return isIPv4(cidr.split("/")[0] ?? "") ? "IPv4" : "IPv6";
}
