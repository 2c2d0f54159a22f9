import { createHash } from "node:crypto";
import type { DiscoveryEndpointPort, EndpointPort } from "../../kinds/generated/types.ts";

/**
 * The order in which Kubernetes writes the ports of endpoints down: that of the MD5 of what Go's spew prints of each. It says nothing about them, but clients
 * see it. Source: portsByHash of pkg/api/v1/endpoints, and portsInOrder of k8s.io/endpointslice.
 */
export function inEndpointsOrder(ports: readonly EndpointPort[]): EndpointPort[] {
  return byHash(
    ports,
    ({ name = "", port, protocol = "TCP", appProtocol }) =>
      `(v1.EndpointPort){Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol} AppProtocol:(*string)${appProtocol ?? "<nil>"}}`,
  );
}

/** The same for the ports of an EndpointSlice, which Go holds by pointers. */
export function inSliceOrder(ports: readonly DiscoveryEndpointPort[]): DiscoveryEndpointPort[] {
  return byHash(
    ports,
    ({ name = "<nil>", port = "<nil>", protocol = "<nil>", appProtocol = "<nil>" }) =>
      `(v1.EndpointPort){Name:(*string)${name} Protocol:(*v1.Protocol)${protocol} Port:(*int32)${port} AppProtocol:(*string)${appProtocol}}`,
  );
}

function byHash<T>(ports: readonly T[], printed: (port: T) => string): T[] {
  if (ports.length < 2) return [...ports];
  const hashed = ports.map((port) => ({ port, hash: createHash("md5").update(printed(port)).digest("hex") }));
  return hashed.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)).map(({ port }) => port);
}
