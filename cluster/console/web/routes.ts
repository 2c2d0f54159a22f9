import type { IconName } from "./icons.ts";
import { listAddress } from "./objects/resource-types.ts";
import { SECTIONS, sectionOf } from "./objects/sections.ts";
import type { OpenView } from "./view.ts";

/** One view of the console. */
export interface Route {
  /** Below `/console`; `:name` stands for one segment of any name. */
  readonly path: string;
  readonly title: string;
  /** Where it stands in the navigation; absent for views that are reached from others. */
  readonly navigation?: { readonly group: "Cluster" | "Objects"; readonly icon: IconName /** After `g`. */; readonly key: string };
  /** The path of the view in whose place in the navigation this one is; default its own. */
  readonly below?: (params: Readonly<Record<string, string>>) => string;
  readonly load: () => Promise<{ readonly open: OpenView }>;
}

const KINDS = "/kinds";

/** Where the navigation has the kind. */
function placeOfKind({ type = "" }: Readonly<Record<string, string>>): string {
  const first = sectionOf(type)?.kinds[0]?.id;
  return first === undefined ? KINDS : listAddress(first);
}

async function list(id: string): Promise<{ readonly open: OpenView }> {
  const { listOf } = await import("./views/list.ts");
  return { open: listOf(id) };
}

async function object(id: string): Promise<{ readonly open: OpenView }> {
  const { objectOf } = await import("./views/object.ts");
  return { open: objectOf(id) };
}

/** All views, in the order of the navigation. A view is a file in `views/` and a line here. */
export const ROUTES: readonly Route[] = [
  {
    path: "/map",
    title: "Map",
    navigation: { group: "Cluster", icon: "map", key: "m" },
    load: () => import("./views/map.ts"),
  },
  {
    path: "/plots",
    title: "Performance",
    navigation: { group: "Cluster", icon: "plots", key: "p" },
    load: () => import("./views/plots.ts"),
  },
  {
    path: "/actors",
    title: "Actors",
    navigation: { group: "Cluster", icon: "actors", key: "a" },
    load: () => import("./views/actors.ts"),
  },
  {
    path: "/health",
    title: "Health",
    navigation: { group: "Cluster", icon: "pulse", key: "h" },
    load: () => import("./views/health.ts"),
  },
  {
    path: "/nodes",
    title: "Nodes",
    navigation: { group: "Cluster", icon: "nodes", key: "n" },
    load: () => list("nodes"),
  },
  { path: "/nodes/:name", title: "Node", below: () => "/nodes", load: () => object("nodes") },
  ...SECTIONS.map(({ title, icon, key, kinds }): Route => {
    const id = kinds[0]?.id ?? "";
    return { path: listAddress(id), title, navigation: { group: "Objects", icon, key }, load: () => list(id) };
  }),
  {
    path: "/events",
    title: "Events",
    navigation: { group: "Objects", icon: "events", key: "e" },
    load: () => import("./views/events.ts"),
  },
  {
    path: KINDS,
    title: "All kinds",
    navigation: { group: "Objects", icon: "kinds", key: "k" },
    load: () => import("./views/kinds.ts"),
  },
  {
    path: "/learn",
    title: "Learn",
    navigation: { group: "Objects", icon: "learn", key: "l" },
    load: () => import("./views/learn.ts"),
  },
  { path: "/create", title: "Create", load: () => import("./views/create.ts") },
  { path: "/pods/:namespace/:name", title: "Pod", below: () => "/pods", load: () => object("pods") },
  { path: "/objects/:type", title: "Objects", below: placeOfKind, load: () => import("./views/list.ts") },
  { path: "/objects/:type/:name", title: "Object", below: placeOfKind, load: () => import("./views/object.ts") },
  { path: "/objects/:type/:namespace/:name", title: "Object", below: placeOfKind, load: () => import("./views/object.ts") },
];

/** Where `/console/` leads; its modules are fetched with the page (`FIRST` in `site-thread.ts`). */
export const HOME = "/map";

/** The route of a path and what stands for the names in it. */
export function routeOf(
  path: string,
  routes: readonly Route[] = ROUTES,
): { readonly route: Route; readonly params: Record<string, string> } | undefined {
  for (const route of routes) {
    const params = paramsOf(route.path, path);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const parts = path.replace(/\/$/, "").split("/");
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of parts.entries()) {
    const name = wanted[at] ?? "";
    if (name.startsWith(":")) {
      try {
        params[name.slice(1)] = decodeURIComponent(part);
      } catch {
        return undefined;
      }
    } else if (name !== part) return undefined;
  }
  return params;
}
