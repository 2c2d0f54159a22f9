import { readFile } from "node:fs/promises";
import type { Pod } from "../../kinds/generated/types.ts";

/** What a resolv.conf says. */
export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** What a kubelet is told of the cluster's names. */
export interface ClusterDns {
  /** The addresses of the cluster's nameserver; none: there is no nameserver. */
  readonly addresses: readonly string[];
  readonly domain: string;
}

export interface PodResolver extends ResolverConfig {
  /** For Events about the pod, of type Warning. */
  readonly warnings: readonly { readonly reason: "DNSConfigForming" | "MissingClusterDNS"; readonly message: string }[];
}

const RESOLV_CONF = "/etc/resolv.conf";
/** Source: pkg/apis/core/validation, MaxDNSNameservers and the like; the domain's is DNS1123SubdomainMaxLength. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_LIST_CHARS_MAX = 2_048;
const SEARCH_CHARS_MAX = 253;
const CLUSTER_OPTIONS: readonly string[] = ["ndots:5"];

/** What the machine itself asks; nothing where it has no resolv.conf. */
export async function machineResolver(): Promise<ResolverConfig> {
  return parseResolvConf(await readFile(RESOLV_CONF, "utf8").catch(() => ""));
}

/** Reads a resolv.conf: nameservers add up, of `search` the last line counts, and of options the last of a name. Source: parseResolvConf. */
export function parseResolvConf(text: string): ResolverConfig {
  const nameservers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [word = "", ...rest] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (word === "nameserver" && rest[0] !== undefined) nameservers.push(rest[0]);
    else if (word === "search") searches = rest.filter((domain) => domain !== ".").map((domain) => domain.replace(/\.$/, ""));
    else if (word === "options") options = merged(options, rest);
  }
  return { nameservers, searches, options };
}

/** The text of a resolv.conf. */
export function resolvConfText({ nameservers, searches, options }: ResolverConfig): string {
  const lines = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}`]),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * What a pod's resolv.conf says, by its `dnsPolicy` and `dnsConfig`; `host` is what its node's says. Source: pkg/kubelet/network/dns, GetPodDNS, and
 * https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
 */
export function podResolver(pod: Pod, cluster: ClusterDns, host: ResolverConfig): PodResolver {
  const warnings: PodResolver["warnings"][number][] = [];
  const base = baseOf(pod, cluster, host, warnings);
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {};
  const asked = options.map(({ name = "", value }) => (value === undefined || value === "" ? name : `${name}:${value}`));
  const all = {
    nameservers: [...new Set([...base.nameservers, ...nameservers])],
    searches: [...new Set([...base.searches, ...searches])],
    options: merged(base.options, asked),
  };
  return {
    nameservers: fewEnough(all.nameservers, warnings),
    searches: shortEnough(all.searches, warnings),
    options: all.options,
    warnings,
  };
}

function baseOf(
  pod: Pod,
  { addresses, domain }: ClusterDns,
  host: ResolverConfig,
  warnings: PodResolver["warnings"][number][],
): ResolverConfig {
  const { dnsPolicy = "ClusterFirst", hostNetwork = false } = pod.spec;
  const { namespace = "", name } = pod.metadata;
  if (dnsPolicy === "None") return { nameservers: [], searches: [], options: [] };
  if (dnsPolicy === "Default" || (dnsPolicy === "ClusterFirst" && hostNetwork)) return host;
  if (addresses.length === 0) {
    const message = `pod: ${JSON.stringify(`${name}_${namespace}(${pod.metadata.uid})`)}. kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`;
    warnings.push({ reason: "MissingClusterDNS", message });
    return host;
  }
  const own = domain === "" ? [] : [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { nameservers: addresses, searches: [...new Set([...own, ...host.searches])], options: CLUSTER_OPTIONS };
}

/** Options by their names; a later one goes before an earlier one. */
function merged(first: readonly string[], second: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const option of [...first, ...second]) byName.set(option.split(":")[0] ?? "", option);
  return [...byName.values()];
}

function fewEnough(nameservers: readonly string[], warnings: PodResolver["warnings"][number][]): readonly string[] {
  if (nameservers.length <= NAMESERVERS_MAX) return nameservers;
  const kept = nameservers.slice(0, NAMESERVERS_MAX);
  const message = `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${kept.join(" ")}`;
  warnings.push({ reason: "DNSConfigForming", message });
  return kept;
}

function shortEnough(searches: readonly string[], warnings: PodResolver["warnings"][number][]): readonly string[] {
  const kept = searches.slice(0, SEARCHES_MAX).filter((domain) => domain.length <= SEARCH_CHARS_MAX);
  while (kept.join(" ").length > SEARCH_LIST_CHARS_MAX) kept.pop();
  if (kept.length === searches.length) return kept;
  const message = `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${kept.join(" ")}`;
  warnings.push({ reason: "DNSConfigForming", message });
  return kept;
}
