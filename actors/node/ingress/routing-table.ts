import type { Target } from "../proxy/forwarding.ts";

/** All that an ingress server needs to know, plain and worked out. */
export interface RoutingTable {
  /** By host, in small letters; `*.example.org` is for one label more, and the empty one for all others. */
  readonly hosts: ReadonlyMap<string, HostRoutes>;
  /** For whom no rule is. */
  readonly defaultBackend: Backend | undefined;
  /** By host, as above. */
  readonly certificates: ReadonlyMap<string, Certificate>;
}

export interface HostRoutes {
  /** The one that goes first, first. */
  readonly routes: readonly Route[];
}

export interface Route {
  /** Begins with a slash, and has none at its end unless it is exact or all there is. */
  readonly path: string;
  readonly isExact: boolean;
  readonly backend: Backend;
}

/** A port of a service, and who is behind it. */
export interface Backend {
  /** `namespace/name:port` */
  readonly name: string;
  readonly targets: readonly Target[];
}

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export const NO_ROUTES: RoutingTable = { hosts: new Map(), defaultBackend: undefined, certificates: new Map() };

/**
 * Who a request is for; undefined: nobody. The rules of the host that is named most exactly count and no others, and of them the longest path, an
 * exact one before a prefix; what none of them is for is the default backend's. Source:
 * https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types and #hostname-wildcards
 */
export function backendFor(table: RoutingTable, host: string, path: string): Backend | undefined {
  const routes = atHost(table.hosts, host)?.routes ?? [];
  return routes.find((route) => matches(route, path))?.backend ?? table.defaultBackend;
}

/** What is said for the host itself, else for all names one label below its domain, else for all. */
export function atHost<T>(byHost: ReadonlyMap<string, T>, host: string): T | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
  const dot = name.indexOf(".");
  return byHost.get(name) ?? (dot > 0 ? byHost.get(`*${name.slice(dot)}`) : undefined) ?? byHost.get("");
}

/** A prefix is one of whole elements of the path. */
function matches({ path, isExact }: Route, asked: string): boolean {
  if (isExact) return asked === path;
  return path === "/" || asked === path || asked.startsWith(`${path}/`);
}

/** Longer paths first, and of two alike the exact one; else as they were, since the oldest ingress comes first. */
export function inOrder(routes: readonly Route[]): readonly Route[] {
  return [...routes].sort((a, b) => b.path.length - a.path.length || Number(b.isExact) - Number(a.isExact));
}
