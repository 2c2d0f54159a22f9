import type {
  EndpointSlice,
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  Secret,
  Service,
} from "../../kinds/generated/types.ts";
import { INGRESS_CLASS_ANNOTATION } from "../../kinds/networking/ingress-validation.ts";
import type { Key } from "../../store/transaction.ts";
import type { Target } from "../proxy/forwarding.ts";
import { type Place, usableEndpoints } from "../proxy/usable-endpoints.ts";
import { type Backend, type Certificate, inOrder, type Route, type RoutingTable } from "./routing-table.ts";

/** Of ingress classes that are served here. */
export const INGRESS_CONTROLLER = "troupe.dev/ingress";

/** The class that is made with them. */
export const INGRESS_CLASS = "troupe";

/** What ingresses may name. Each look-up is remembered by who asks, to hear of its changes. */
export interface IngressWorld {
  ingressClass(name: string): IngressClass | undefined;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  secret(namespace: string, name: string): Secret | undefined;
}

/** An ingress is near to all endpoints alike. */
const ANYWHERE: Place = { nodes: new Set(), zones: new Set(), addresses: [] };
const NO_TARGETS: readonly Target[] = [];

/** Whether an ingress is of a class that is served here; those of none are nobody's, since admission gives the default one. */
export function isServed({ metadata, spec }: Ingress, classOf: (name: string) => IngressClass | undefined): boolean {
  const name = spec.ingressClassName ?? metadata.annotations?.[INGRESS_CLASS_ANNOTATION];
  return name !== undefined && classOf(name)?.spec.controller === INGRESS_CONTROLLER;
}

/** What ingresses come to. Pure. Where two say something of the same host and path, the older one counts. */
export function routingTableOf(ingresses: readonly Ingress[], world: IngressWorld): RoutingTable {
  const served = ingresses.filter((ingress) => isServed(ingress, world.ingressClass)).sort(byAge);
  const hosts = new Map<string, Route[]>();
  const certificates = new Map<string, Certificate>();
  let defaultBackend: Backend | undefined;
  for (const { metadata, spec } of served) {
    const { namespace = "" } = metadata;
    const backendOf = (backend: IngressBackend): Backend => backendOfService(backend, namespace, world);
    if (spec.defaultBackend !== undefined) defaultBackend ??= backendOf(spec.defaultBackend);
    for (const { host = "", http } of spec.rules ?? []) {
      const routes = hosts.get(host) ?? [];
      hosts.set(host, routes);
      for (const path of http?.paths ?? []) routes.push(routeOf(path, backendOf));
    }
    for (const { hosts: names = [""], secretName = "" } of spec.tls ?? []) {
      const certificate = certificateOf(world.secret(namespace, secretName));
      for (const name of names) if (certificate !== undefined && !certificates.has(name)) certificates.set(name, certificate);
    }
  }
  return { hosts: new Map([...hosts].map(([host, routes]) => [host, { routes: inOrder(routes) }])), defaultBackend, certificates };
}

function byAge(a: Ingress, b: Ingress): number {
  const keyOf = ({ metadata }: Ingress): string => `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** What is specific to an implementation is a prefix here. */
function routeOf({ path = "/", pathType, backend }: HTTPIngressPath, backendOf: (backend: IngressBackend) => Backend): Route {
  const isExact = pathType === "Exact";
  return { path: isExact ? path : path.replace(/\/+$/, "") || "/", isExact, backend: backendOf(backend) };
}

/** Resources other than services have nothing behind them here. */
function backendOfService({ service, resource }: IngressBackend, namespace: string, world: IngressWorld): Backend {
  if (service === undefined) return { name: `${namespace}/${resource?.kind}/${resource?.name}`, targets: NO_TARGETS };
  const { name, port = {} } = service;
  const backend = `${namespace}/${name}:${port.name ?? port.number}`;
  const found = world
    .service(namespace, name)
    ?.spec.ports?.find((one) => (port.name === undefined ? one.port === port.number : one.name === port.name));
  if (found === undefined) return { name: backend, targets: NO_TARGETS };
  const key = { name: found.name ?? "", protocol: "TCP" };
  return { name: backend, targets: usableEndpoints(world.slices(namespace, name), key, ANYWHERE).cluster };
}

function certificateOf(secret: Secret | undefined): Certificate | undefined {
  const { "tls.crt": cert, "tls.key": key } = secret?.data ?? {};
  if (cert === undefined || key === undefined) return undefined;
  return { cert: Buffer.from(cert, "base64").toString(), key: Buffer.from(key, "base64").toString() };
}

/** Remembers what was looked up in another world. */
export function remembering(world: IngressWorld, asked: Set<Key>): IngressWorld {
  return {
    ingressClass: (name) => {
      asked.add(`ingressclasses.networking.k8s.io/${name}`);
      return world.ingressClass(name);
    },
    service: (namespace, name) => {
      asked.add(`services/${namespace}/${name}`);
      return world.service(namespace, name);
    },
    // Asked for beside their service.
    slices: world.slices,
    secret: (namespace, name) => {
      asked.add(`secrets/${namespace}/${name}`);
      return world.secret(namespace, name);
    },
  };
}
