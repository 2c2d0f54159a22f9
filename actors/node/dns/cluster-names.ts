import type { EndpointSlice, Service } from "../../kinds/generated/types.ts";
import type { IndexDefinition } from "../../store/view.ts";
import type { Viewpoint } from "../loopback-reach.ts";
import { indexSlices, SLICES, slicesOf } from "../service-slices.ts";

/** What of the cluster has names. */
export interface ClusterNames {
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** Those with this address as a cluster address. */
  servicesAt(address: string): readonly Service[];
  /** Those with an endpoint at this address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

const servicesByAddress: IndexDefinition = {
  name: "address:services",
  resource: "services",
  values: (object) => {
    const { clusterIPs = [] } = (object as Service).spec;
    return clusterIPs.filter((address) => address !== "None");
  },
};

const slicesByAddress: IndexDefinition = {
  name: `address:${SLICES}`,
  resource: SLICES,
  values: (object) => [...new Set((object as EndpointSlice).endpoints?.flatMap(({ addresses }) => addresses) ?? [])],
};

/** The names in a view, as it is when they are asked for, of what is reached from here. */
export function namesIn(from: Viewpoint): ClusterNames {
  const { view } = from;
  indexSlices(view);
  view.index(servicesByAddress);
  view.index(slicesByAddress);
  return {
    hasNamespace: (name) => view.entry(`namespaces/${name}`) !== undefined,
    service: (namespace, name) => view.get<Service>(`services/${namespace}/${name}`),
    slices: (namespace, service) => slicesOf(from, namespace, service),
    servicesAt: (address) => view.byIndex(servicesByAddress.name, address).map((entry) => view.decode<Service>(entry)),
    slicesAt: (address) => view.byIndex(slicesByAddress.name, address).map((entry) => view.decode<EndpointSlice>(entry)),
  };
}
