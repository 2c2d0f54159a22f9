import { isIP } from "node:net";
import type { ClusterNames } from "./cluster-names.ts";
import { addressRecord, type DnsRecord, type Question, RECORD_TTL_S, type Reply } from "./records.ts";
import { addressOfReverse } from "./reverse.ts";
import { endpointPlaces, hasNamedPort, type Place, placesOf, serviceNameOf, srvRecords } from "./service-places.ts";

const VERSION_TTL_S = 28_800;
const SCHEMA_VERSION = "1.1.0";
/** ExternalNames that lead to ExternalNames. */
const ALIASES_MAX = 8;

/** The cluster's domain and who answers for it. */
export interface Zone {
  readonly domain: string;
  /** The address of the nameserver. */
  readonly nameserver: string;
  /** Seconds, as of now. */
  readonly serial: number;
}

/** What there is at a name: records of the type that was asked for, if any. */
interface Found {
  readonly records: readonly DnsRecord[];
  readonly additional?: readonly DnsRecord[];
}

const EMPTY: Found = { records: [] };

/**
 * The answer to a question about the cluster, by what is known here; undefined: it is about something else. Pure. Source: the specification of
 * DNS-based service discovery (kubernetes/dns, docs/specification.md), and CoreDNS' plugin `kubernetes` where that leaves a choice; NODATA is told
 * from NXDOMAIN as RFC 8020 has it.
 */
export function answerOf(names: ClusterNames, zone: Zone, question: Question): Reply | undefined {
  const asked = question.name.toLowerCase();
  if (asked.endsWith(".in-addr.arpa") || asked.endsWith(".ip6.arpa")) return answerReverse(names, zone, question, asked);
  if (asked !== zone.domain && !asked.endsWith(`.${zone.domain}`)) return undefined;
  if (question.type === "AXFR" || question.type === "IXFR") return { code: "REFUSED", answers: [], additional: [], authority: [] };
  return resolve(names, zone, question, []);
}

/** `before`: the aliases that have led to this name. */
function resolve(names: ClusterNames, zone: Zone, question: Question, before: readonly DnsRecord[]): Reply {
  const asked = question.name.toLowerCase();
  const labels = asked === zone.domain ? [] : asked.slice(0, -zone.domain.length - 1).split(".");
  const alias = aliasOf(names, labels);
  if (alias === undefined) {
    const found = look(names, zone, labels, question);
    // An alias that leads nowhere is there all the same, and the code is that of its end.
    if (found === undefined) return { ...negative("NXDOMAIN", zone), answers: before };
    const answers = [...before, ...found.records];
    if (found.records.length === 0) return { ...negative("NOERROR", zone), answers };
    return { code: "NOERROR", answers, additional: found.additional ?? [], authority: [] };
  }
  const answers: readonly DnsRecord[] = [...before, { type: "CNAME", name: question.name, ttl_s: RECORD_TTL_S, target: alias }];
  const aliased: Reply = { code: "NOERROR", answers, additional: [], authority: [] };
  if (question.type === "CNAME" || answers.length > ALIASES_MAX) return aliased;
  const target = alias.toLowerCase();
  if (target.endsWith(`.${zone.domain}`)) return resolve(names, zone, { ...question, name: target }, answers);
  return question.type === "A" || question.type === "AAAA" ? { ...aliased, leadsTo: alias } : aliased;
}

function negative(code: "NOERROR" | "NXDOMAIN", zone: Zone): Reply {
  return { code, answers: [], additional: [], authority: [soa(zone)] };
}

function soa({ domain, serial }: Zone): DnsRecord {
  return { type: "SOA", name: domain, ttl_s: RECORD_TTL_S, serial };
}

/** The name that a service of type ExternalName is another name for. */
function aliasOf(names: ClusterNames, labels: readonly string[]): string | undefined {
  const [name = "", namespace = "", kind] = labels;
  if (labels.length !== 3 || kind !== "svc") return undefined;
  const { type, externalName = "" } = names.service(namespace, name)?.spec ?? {};
  const target = externalName.replace(/\.$/, "");
  // An address is no name, whatever it looks like.
  return type === "ExternalName" && target !== "" && isIP(target) === 0 ? target : undefined;
}

/** What is at the name that these labels make with the domain; undefined: nothing, and nothing below it. */
function look(names: ClusterNames, zone: Zone, labels: readonly string[], question: Question): Found | undefined {
  const kind = labels.at(-1);
  switch (kind) {
    case undefined:
      return apex(zone, question);
    case "dns-version":
      return labels.length > 1
        ? undefined
        : only(question, { type: "TXT", name: question.name, ttl_s: VERSION_TTL_S, text: SCHEMA_VERSION });
    case "dns":
      if (labels.length === 1) return EMPTY;
      return labels.length === 2 && labels[0] === "ns" ? only(question, addressRecord(question.name, zone.nameserver)) : undefined;
    case "svc":
    case "pod": {
      const namespace = labels.at(-2);
      if (namespace === undefined) return EMPTY;
      if (!names.hasNamespace(namespace)) return undefined;
      if (labels.length === 2) return EMPTY;
      return kind === "pod" ? podAt(labels, question) : serviceAt(names, zone, namespace, labels.slice(0, -2), question);
    }
    default:
      return undefined;
  }
}

function apex(zone: Zone, { type, name }: Question): Found {
  if (type === "SOA") return { records: [soa(zone)] };
  const target = `ns.dns.${zone.domain}`;
  if (type !== "NS") return EMPTY;
  return { records: [{ type: "NS", name, ttl_s: RECORD_TTL_S, target }], additional: [addressRecord(target, zone.nameserver)] };
}

function only({ type }: Question, record: DnsRecord): Found {
  return type === record.type ? { records: [record] } : EMPTY;
}

/** A pod has the name of its address, whether it is there or not (`pods insecure`). */
function podAt(labels: readonly string[], question: Question): Found | undefined {
  const [dashed = ""] = labels;
  if (labels.length !== 3) return undefined;
  const address = /^\d+-\d+-\d+-\d+$/.test(dashed) ? dashed.replaceAll("-", ".") : dashed.replaceAll("-", ":");
  return isIP(address) === 0 ? undefined : only(question, addressRecord(question.name, address));
}

/** `labels`: what stands before the namespace. */
function serviceAt(names: ClusterNames, zone: Zone, namespace: string, labels: readonly string[], question: Question): Found | undefined {
  const name = labels.at(-1) ?? "";
  const service = names.service(namespace, name);
  if (service === undefined || service.spec.type === "ExternalName") return undefined;
  const whole = `${name}.${namespace}.svc.${zone.domain}`;
  const [first = "", second = ""] = labels;
  const slices = (): ReturnType<ClusterNames["slices"]> => names.slices(namespace, name);
  switch (labels.length) {
    case 1:
      return recordsOf(placesOf(service, slices, whole), question);
    case 2: {
      if (first.startsWith("_")) return hasNamedPort(service, undefined, first.slice(1)) ? EMPTY : undefined;
      return recordsOf(
        endpointPlaces(slices(), whole).filter(({ host }) => host === `${first}.${whole}`),
        question,
      );
    }
    case 3: {
      const [port, protocol] = [first.slice(1), second.slice(1)];
      if (!first.startsWith("_") || !second.startsWith("_") || !hasNamedPort(service, port, protocol)) return undefined;
      const places = placesOf(service, slices, whole).map((place) => ({
        ...place,
        ports: place.ports.filter((one) => one.name === port && one.protocol.toLowerCase() === protocol),
      }));
      if (places.every(({ ports }) => ports.length === 0)) return undefined;
      return question.type === "SRV" ? srvRecords(places, question.name) : EMPTY;
    }
    default:
      return undefined;
  }
}

function recordsOf(places: readonly Place[], question: Question): Found | undefined {
  if (places.length === 0) return undefined;
  if (question.type === "SRV") return srvRecords(places, question.name);
  const addresses = new Set(places.map(({ address }) => address));
  return { records: [...addresses].map((address) => addressRecord(question.name, address)).filter(({ type }) => type === question.type) };
}

/** Reverse names of what is not the cluster's are somebody else's, except that those of this machine are nobody's. */
function answerReverse(names: ClusterNames, zone: Zone, { name, type }: Question, asked: string): Reply | undefined {
  const address = addressOfReverse(asked);
  const hosts = address === undefined ? [] : hostsAt(names, zone, address);
  if (hosts.length === 0) return address?.startsWith("127.") === true ? negative("NXDOMAIN", zone) : undefined;
  if (type !== "PTR") return negative("NOERROR", zone);
  return { code: "NOERROR", answers: hosts.map((target) => ({ type, name, ttl_s: RECORD_TTL_S, target })), additional: [], authority: [] };
}

/** The service of which this is an address, or else the endpoints. */
function hostsAt(names: ClusterNames, zone: Zone, address: string): readonly string[] {
  const whole = ({ namespace = "", name }: { readonly namespace?: string; readonly name: string }): string =>
    `${name}.${namespace}.svc.${zone.domain}`;
  const [service] = names.servicesAt(address);
  if (service !== undefined) return [whole(service.metadata)];
  const hosts = names.slicesAt(address).flatMap((slice) => {
    const { namespace = "" } = slice.metadata;
    const name = serviceNameOf(slice);
    return names.service(namespace, name) === undefined
      ? []
      : endpointPlaces([slice], whole({ namespace, name })).filter((place) => place.address === address);
  });
  return [...new Set(hosts.map(({ host }) => host))];
}
