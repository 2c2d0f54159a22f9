import { isIPv4 } from "node:net";
import type { AddressRange } from "../../actors/controllers/services/address-pool.ts";
import { parseAddressRange } from "../../actors/controllers/services/address-pool.ts";
import type { MachineRange } from "../../actors/node/cidr.ts";
import { DNS_ADDRESS_NUMBER } from "../../actors/node/dns/dns-service.ts";
import type { Nameserver } from "../../actors/node/dns/upstream.ts";
import { addressInRange, DEFAULT_SERVICE_CIDR } from "../../actors/registry/service-range.ts";
import type { Values } from "./flag.ts";
import { WrongUsage } from "./wrong-usage.ts";

/** Where services are when they are forwarded by a process of no rights: on addresses that this machine has already. */
const LOOPBACK_PLACES = { services: "127.96.0.0/16", ingress: "127.97.1.1", balancers: "127.97.0.1-127.97.0.254" };
const DNS_PORT = 53;
const PORT_MAX = 65_535;
const NAMESERVERS_MAX = 15;

export const SERVICE_FLAGS = {
  "service-proxy": {
    value: "on|off|nftables",
    choices: ["on", "off", "nftables"],
    help: "forward services to what is behind them (on with real processes); nftables: by the kernel, which takes root",
    section: "Services and names (docs/services.md)",
  },
  dns: {
    value: "on|off",
    choices: ["on", "off"],
    help: "answer for the cluster's names (as --service-proxy)",
    section: "Services and names (docs/services.md)",
  },
  "service-cluster-ip-range": {
    value: "CIDR",
    help: "what services get their addresses from (10.96.0.0/16, if not given; where they are forwarded 127.96.0.0/16)",
    section: "Services and names (docs/services.md)",
  },
  "load-balancer-addresses": {
    value: "RANGE[,RANGE]",
    help: "what services of type LoadBalancer get theirs from",
    section: "Services and names (docs/services.md)",
  },
  "ingress-address": {
    value: "ADDRESS|off",
    help: "where ingresses are served",
    section: "Services and names (docs/services.md)",
  },
  "cluster-domain": {
    value: "NAME",
    default: "cluster.local",
    help: "under which names are",
    section: "Services and names (docs/services.md)",
  },
  "dns-upstream": {
    value: "ADDRESS[:PORT][,...]",
    help: "who is asked about all other names (those of this machine's resolv.conf, if not given)",
    section: "Services and names (docs/services.md)",
  },
} as const;

type ServiceValues = Values<typeof SERVICE_FLAGS>;

/** In userspace alone, or by the kernel as far as it can. */
export type ServiceProxy = "userspace" | "nftables";

export interface ServiceFlags {
  /** What services get their addresses from. */
  readonly range: string;
  /** By whom services are forwarded to what is behind them; undefined: by nobody. */
  readonly proxy: ServiceProxy | undefined;
  /** Whether names of the cluster are answered. */
  readonly dns: boolean;
  readonly clusterDomain: string;
  /** Who is asked about other names; undefined: those of this machine's resolv.conf. */
  readonly dnsUpstreams: readonly Nameserver[] | undefined;
  /** What services of type LoadBalancer get their addresses from; none: somebody else gives them. */
  readonly balancerAddresses: readonly AddressRange[];
  /** Where ingresses are served; undefined: nowhere. */
  readonly ingressAddress: string | undefined;
}

/**
 * Where pods are real their services are forwarded and named unless it is said otherwise: at addresses of loopback, or out of the `range` of pods that have a network
 * of their own. Throws WrongUsage.
 */
export function serviceFlags(values: ServiceValues, realPods: boolean, range?: MachineRange): ServiceFlags {
  const proxy = serviceProxy(values["service-proxy"] ?? (realPods ? "on" : "off"));
  const usual = range === undefined ? LOOPBACK_PLACES : { ...range, services: DEFAULT_SERVICE_CIDR };
  const balancers = values["load-balancer-addresses"] ?? (proxy !== undefined ? usual.balancers : "");
  return {
    range: serviceRange(values["service-cluster-ip-range"] ?? (proxy !== undefined ? usual.services : DEFAULT_SERVICE_CIDR)),
    proxy,
    dns: onOrOff("dns", values.dns) ?? proxy !== undefined,
    clusterDomain: clusterDomain(values["cluster-domain"]),
    dnsUpstreams: values["dns-upstream"] === undefined ? undefined : nameservers(values["dns-upstream"]),
    balancerAddresses: balancers
      .split(",")
      .filter((part) => part !== "")
      .map(addressRange),
    ingressAddress: ingressAddress(values["ingress-address"] ?? (proxy !== undefined ? usual.ingress : "off")),
  };
}

export function serviceProxy(value: string): ServiceProxy | undefined {
  switch (value) {
    case "on":
      return "userspace";
    case "off":
      return undefined;
    case "nftables":
      return "nftables";
    default:
      throw new WrongUsage(`--service-proxy ${value} is none of on, off and nftables`);
  }
}

export function onOrOff(flag: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== "on" && value !== "off") throw new WrongUsage(`--${flag} ${value} is neither on nor off`);
  return value === "on";
}

function serviceRange(cidr: string): string {
  try {
    addressInRange(cidr, DNS_ADDRESS_NUMBER);
    return cidr;
  } catch (error) {
    throw new WrongUsage(`--service-cluster-ip-range ${cidr}: ${(error as Error).message}`);
  }
}

/** A DNS name of at least one label, in small letters and without a dot at its end. */
function clusterDomain(value: string): string {
  const domain = value.toLowerCase().replace(/\.$/, "");
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
  if (domain.length <= 200 && domain.split(".").every((part) => label.test(part))) return domain;
  throw new WrongUsage(`--cluster-domain ${value} is not a domain such as ${SERVICE_FLAGS["cluster-domain"].default}`);
}

export function nameservers(value: string): readonly Nameserver[] {
  const servers = value.split(",").map((one) => {
    const [, host = "", port = String(DNS_PORT)] = /^([\d.]+)(?::(\d+))?$/.exec(one) ?? [];
    if (!isIPv4(host) || Number(port) < 1 || Number(port) > PORT_MAX)
      throw new WrongUsage(`--dns-upstream ${one} is not the address of a nameserver such as 192.0.2.53 or 192.0.2.53:5353`);
    return { address: host, port: Number(port) };
  });
  if (servers.length > NAMESERVERS_MAX) throw new WrongUsage(`--dns-upstream names ${servers.length} servers; ${NAMESERVERS_MAX} at most`);
  return servers;
}

function ingressAddress(value: string): string | undefined {
  if (value === "off") return undefined;
  if (!isIPv4(value)) throw new WrongUsage(`--ingress-address ${value} is neither an address such as ${LOOPBACK_PLACES.ingress} nor off`);
  return value;
}

function addressRange(text: string): AddressRange {
  const range = parseAddressRange(text);
  if (range === undefined)
    throw new WrongUsage(
      `--load-balancer-addresses ${text} is neither a range such as 127.97.0.0/24 nor one such as 127.97.0.10-127.97.0.99`,
    );
  return range;
}
