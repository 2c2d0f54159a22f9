import { BASE, hrefOf } from "./address.ts";
import { HOME, type Route, routeOf } from "./routes.ts";

/** Where the console is. */
export interface Place {
  readonly route: Route | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The address bar: each view has an address, links and the browser's history lead to it. */
export class Router {
  readonly #arrived: (place: Place) => void;

  constructor(arrived: (place: Place) => void) {
    this.#arrived = arrived;
    addEventListener("popstate", () => this.arrive());
    document.addEventListener("click", (event) => this.#clicked(event));
  }

  get place(): Place {
    const path = location.pathname.slice(BASE.length);
    const found = routeOf(path);
    return { route: found?.route, params: found?.params ?? {}, path, query: new URLSearchParams(location.search) };
  }

  /** Shows what the address says. */
  arrive(): void {
    if (/^\/console\/?$/.test(location.pathname)) history.replaceState(null, "", hrefOf(HOME));
    this.#arrived(this.place);
  }

  go(to: string, how: "push" | "replace" = "push"): void {
    if (how === "push") history.pushState(null, "", hrefOf(to));
    else history.replaceState(null, "", hrefOf(to));
    this.arrive();
  }

  /** Changes the query of the address, and nothing else. */
  note(query: URLSearchParams): void {
    const search = query.size === 0 ? "" : `?${query}`;
    if (search !== location.search) history.replaceState(history.state, "", location.pathname + search);
  }

  /** Links within the console change the view, and load no page. */
  #clicked(event: MouseEvent): void {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.defaultPrevented) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return;
    event.preventDefault();
    if (link.href !== location.href) history.pushState(null, "", link.href);
    this.arrive();
  }
}
