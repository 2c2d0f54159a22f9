import type { Pod } from "../../kinds/generated/types.ts";
import type { DnsConfig, SandboxSpec } from "../../node/container-runtime.ts";
import type { PodPlace } from "../pod-status.ts";

/** How pods of a cluster find one another by name. */
export interface ClusterDns {
  /** Addresses of the cluster's name servers; none: pods have the machine's. */
  readonly servers: readonly string[];
  /** `cluster.local` */
  readonly domain: string;
}

/** Source: kubelet's GeneratePodHostNameAndDomain, GetPodDNS. */
export function sandboxSpecOf(pod: Pod, place: PodPlace, attempt: number, dns: ClusterDns): SandboxSpec {
  const { metadata, spec } = pod;
  const { name, namespace = "", uid } = metadata;
  // A host name has 63 characters at most.
  const hostname = (spec.hostnameOverride ?? (spec.hostname || name)).slice(0, 63).replace(/[-.]+$/, "");
  const { subdomain = "" } = spec;
  const fqdn = subdomain === "" ? undefined : `${hostname}.${subdomain}.${namespace}.svc.${dns.domain}`;
  return {
    uid,
    namespace,
    name,
    attempt,
    hostname: spec.setHostnameAsFQDN === true && fqdn !== undefined ? fqdn : hostname,
    address: place.podIP,
    hostNetwork: spec.hostNetwork === true,
    dns: dnsOf(pod, dns),
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => ({ address: ip, names: hostnames })),
    fqdn,
  };
}

function dnsOf({ metadata, spec }: Pod, { servers, domain }: ClusterDns): DnsConfig {
  const { dnsPolicy = "ClusterFirst", dnsConfig = {}, hostNetwork } = spec;
  const isOfCluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && hostNetwork !== true);
  const base: DnsConfig =
    isOfCluster && servers.length > 0
      ? {
          ofMachine: "searches",
          servers,
          searches: [`${metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain],
          options: ["ndots:5"],
        }
      : { ofMachine: dnsPolicy === "None" ? "nothing" : "all", servers: [], searches: [], options: [] };
  const wanted = (dnsConfig.options ?? []).map(({ name = "", value }) => ({ name, text: value === undefined ? name : `${name}:${value}` }));
  const kept = base.options.filter((option) => !wanted.some(({ name }) => name === option.split(":")[0]));
  return {
    ofMachine: base.ofMachine,
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])],
    options: [...kept, ...wanted.map(({ text }) => text)],
  };
}
