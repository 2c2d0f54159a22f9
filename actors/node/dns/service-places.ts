import { isIP } from "node:net";
import { SERVICE_NAME } from "../../kinds/discovery/endpoint-slice.ts";
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service } from "../../kinds/generated/types.ts";
import { addressRecord, type DnsRecord, RECORD_TTL_S } from "./records.ts";

const SRV_WEIGHTS = 100;

interface NamedPort {
  /** Empty: it has none, and no record of its own. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** Where a service is: at its cluster address, or at each of its endpoints. */
export interface Place {
  readonly address: string;
  /** The name of exactly this place. */
  readonly host: string;
  readonly ports: readonly NamedPort[];
}

/** `whole` is the name of the service. A service without an address of the cluster is where its endpoints are. */
export function placesOf(service: Service, slices: () => readonly EndpointSlice[], whole: string): readonly Place[] {
  const { clusterIPs = [], ports = [] } = service.spec;
  if (clusterIPs[0] === "None") return endpointPlaces(slices(), whole);
  const named = ports.map(({ name = "", protocol = "TCP", port }) => ({ name, protocol, port }));
  return clusterIPs.map((address) => ({ address, host: whole, ports: named }));
}

/** Each ready endpoint. Those that are published although they are not ready are ready in their slice. */
export function endpointPlaces(slices: readonly EndpointSlice[], whole: string): readonly Place[] {
  return slices.flatMap(({ addressType, endpoints, ports }) => {
    if (addressType === "FQDN") return [];
    const named = (ports ?? []).flatMap(portOf);
    return (endpoints ?? []).flatMap((endpoint) =>
      endpoint.conditions?.ready === false
        ? []
        : endpoint.addresses.map((address) => ({ address, host: `${hostOf(endpoint, address)}.${whole}`, ports: named })),
    );
  });
}

function portOf({ name = "", protocol = "TCP", port }: DiscoveryEndpointPort): readonly NamedPort[] {
  return port === undefined ? [] : [{ name, protocol, port }];
}

/** An endpoint without a name of its own has that of its address. */
function hostOf({ hostname = "" }: Endpoint, address: string): string {
  if (hostname !== "") return hostname;
  return isIP(address) === 6 ? address.replaceAll(":", "-").replace(/-$/, "-0") : address.replaceAll(".", "-");
}

/** Any port where no name is given. */
export function hasNamedPort({ spec }: Service, name: string | undefined, protocol: string): boolean {
  return (spec.ports ?? []).some(
    (port) => (port.name ?? "") !== "" && (name ?? port.name) === port.name && (port.protocol ?? "TCP").toLowerCase() === protocol,
  );
}

/** A record for each port of each place, once for places of one name, and the addresses of those names beside them. */
export function srvRecords(
  places: readonly Place[],
  name: string,
): { readonly records: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] } {
  const all = places.flatMap((place) => place.ports.map((port) => ({ ...place, ...port })));
  const weight = Math.max(1, Math.floor(SRV_WEIGHTS / Math.max(1, all.length)));
  const records = new Map<string, DnsRecord>();
  const additional = new Map<string, DnsRecord>();
  for (const { address, host, port } of all) {
    records.set(`${host}:${port}`, { type: "SRV", name, ttl_s: RECORD_TTL_S, priority: 0, weight, port, target: host });
    additional.set(`${host} ${address}`, addressRecord(host, address));
  }
  return { records: [...records.values()], additional: [...additional.values()] };
}

/** The service that a slice is of. */
export function serviceNameOf({ metadata }: EndpointSlice): string {
  return metadata.labels?.[SERVICE_NAME] ?? "";
}
