import { SERVICE_NAME } from "../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Endpoints, Service } from "../../actors/kinds/generated/types.ts";
import type { View } from "../../actors/store/view.ts";
import type { Random } from "../../runtime/mod.ts";
import { isReachedFromHere } from "./own-address.ts";

/** A service that a webhook or an APIService names. */
export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** There is nobody to call behind the service; the message is kube-apiserver's. */
export class NoEndpoint extends Error {
  override readonly name = "NoEndpoint";
}

interface Candidate {
  readonly address: string;
  readonly port: number | undefined;
}

/**
 * Where a service is reached: one of its ready endpoints, since nothing routes cluster addresses on the machine that the API server runs on; an
 * ExternalName is the name itself. Source: kube-apiserver's --enable-aggregator-routing, and apiserver's pkg/util/proxy, ResolveEndpoint.
 * Throws NoEndpoint.
 */
export function serviceAddress(view: View, random: Random, { namespace, name, port }: ServiceReference): Address {
  const service = view.get<Service>(`services/${namespace}/${name}`);
  if (service === undefined) throw new NoEndpoint(`service ${JSON.stringify(name)} not found`);
  const { type = "ClusterIP", externalName, ports = [] } = service.spec;
  if (type === "ExternalName") return { host: externalName ?? "", port };
  const found = ports.find((one) => one.port === port);
  if (found === undefined) throw new NoEndpoint(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const { name: portName = "" } = found;
  const candidates = [...slices(view, namespace, name, portName), ...endpoints(view, namespace, name, portName)];
  const chosen = candidates[random.below(Math.max(1, candidates.length))];
  if (chosen?.port === undefined) throw new NoEndpoint(`no endpoints available for service ${JSON.stringify(name)}`);
  return { host: chosen.address, port: chosen.port };
}

function slices(view: View, namespace: string, service: string, portName: string): Candidate[] {
  return view
    .list("endpointslices.discovery.k8s.io", namespace)
    .map((entry) => view.decode<EndpointSlice>(entry))
    .filter(({ metadata }) => metadata.labels?.[SERVICE_NAME] === service)
    .flatMap(({ endpoints: all = [], ports }) => {
      const port = ports?.find(({ name = "" }) => name === portName)?.port;
      return all.flatMap(({ addresses, conditions, nodeName }) =>
        conditions?.ready === false
          ? []
          : addresses.slice(0, 1).flatMap((address) => (isReachedFromHere(view, address, nodeName) ? [{ address, port }] : [])),
      );
    });
}

/** Those that somebody wrote by hand. */
function endpoints(view: View, namespace: string, name: string, portName: string): Candidate[] {
  const { subsets = [] } = view.get<Endpoints>(`endpoints/${namespace}/${name}`) ?? {};
  return subsets.flatMap(({ addresses = [], ports }) => {
    const port = ports?.find(({ name: one = "" }) => one === portName)?.port;
    return addresses.flatMap(({ ip, nodeName }) => (isReachedFromHere(view, ip, nodeName) ? [{ address: ip, port }] : []));
  });
}
