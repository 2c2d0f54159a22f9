import type { EndpointAddress, EndpointPort, EndpointSubset } from "../../kinds/generated/types.ts";
import { inEndpointsOrder } from "./port-order.ts";

interface Sharing {
  readonly port: EndpointPort | undefined;
  /** Who has the port, and whether it is ready there. */
  readonly addresses: Map<string, boolean>;
}

/**
 * The same subsets as they are kept: ports that the same addresses have stand together, and an address stands once, where it is once not ready not with those
 * that are. Source: RepackSubsets of pkg/api/v1/endpoints.
 */
export function repacked(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const known = new Map<string, EndpointAddress>();
  const byPort = new Map<string, Sharing>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    for (const port of ports.length === 0 ? [undefined] : ports) {
      const name = port === undefined ? "" : JSON.stringify([port.name ?? "", port.port, port.protocol ?? "TCP", port.appProtocol]);
      const sharing = byPort.get(name) ?? { port, addresses: new Map() };
      byPort.set(name, sharing);
      for (const address of addresses) add(known, sharing, address, true);
      for (const address of notReadyAddresses) add(known, sharing, address, false);
    }
  }
  const byAddresses = Map.groupBy(byPort.values(), ({ addresses }) =>
    [...addresses]
      .map(([key, ready]) => `${key} ${ready}`)
      .sort()
      .join("\n"),
  );
  return [...byAddresses.values()].map((group) => {
    const all = [...(group[0]?.addresses ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const [ready, notReady] = [true, false].map((is) =>
      all.flatMap(([key, one]) => (one === is ? [known.get(key) as EndpointAddress] : [])),
    );
    const ports = group.flatMap(({ port }) => (port === undefined ? [] : [port]));
    return {
      ...(ready?.length ? { addresses: ready } : {}),
      ...(notReady?.length ? { notReadyAddresses: notReady } : {}),
      ...(ports.length === 0 ? {} : { ports: inEndpointsOrder(ports) }),
    };
  });
}

function add(known: Map<string, EndpointAddress>, { addresses }: Sharing, address: EndpointAddress, ready: boolean): void {
  const key = `${address.ip} ${address.targetRef?.uid ?? ""}`;
  if (!known.has(key)) known.set(key, address);
  if (addresses.get(key) !== false) addresses.set(key, ready);
}

/**
 * With so many addresses at most: all that are ready and some that are not, or some that are ready; of each subset in proportion. Undefined: there are no more.
 * Source: truncateEndpoints.
 */
export function truncated(subsets: readonly EndpointSubset[], addresses_max: number): EndpointSubset[] | undefined {
  const ready = sum(subsets, ({ addresses = [] }) => addresses.length);
  const notReady = sum(subsets, ({ notReadyAddresses = [] }) => notReadyAddresses.length);
  if (ready + notReady <= addresses_max) return undefined;
  const cuts = ready > addresses_max ? "addresses" : "notReadyAddresses";
  const [room, all] = cuts === "addresses" ? [addresses_max, ready] : [addresses_max - ready, notReady];
  let left = room;
  return subsets.map(({ notReadyAddresses, ...subset }) => {
    const cut = (cuts === "addresses" ? subset.addresses : notReadyAddresses) ?? [];
    const kept = cut.slice(0, Math.min(left, Math.ceil((cut.length / all) * room)));
    left -= kept.length;
    const { addresses: _all, ...others } = subset;
    return cuts === "addresses" ? { ...others, ...listed("addresses", kept) } : { ...subset, ...listed("notReadyAddresses", kept) };
  });
}

function listed(name: "addresses" | "notReadyAddresses", addresses: readonly EndpointAddress[]): EndpointSubset {
  return addresses.length === 0 ? {} : { [name]: addresses };
}

function sum(subsets: readonly EndpointSubset[], count: (subset: EndpointSubset) => number): number {
  return subsets.reduce((all, subset) => all + count(subset), 0);
}
