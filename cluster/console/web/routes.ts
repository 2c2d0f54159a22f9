import type { IconName } from "./icons.ts";
import type { OpenView } from "./view.ts";

/** One view of the console. */
export interface Route {
  /** Below `/console`; `:name` stands for one segment of any name. */
  readonly path: string;
  readonly title: string;
  /** Where it stands in the navigation; absent for views that are reached from others. */
  readonly navigation?: { readonly group: "Cluster" | "Objects"; readonly icon: IconName /** After `g`. */; readonly key: string };
  readonly load: () => Promise<{ readonly open: OpenView }>;
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
