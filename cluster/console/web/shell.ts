import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "./address.ts";
import type { Connection } from "./connection.ts";
import { icon } from "./icons.ts";
import type { KeyHelp } from "./keys.ts";
import { mark } from "./mark.ts";
import { ROUTES, type Route } from "./routes.ts";
import type { Session } from "./session.ts";
import { type Theme, themes } from "./theme.ts";

const THEME_ICONS = { system: "system", light: "sun", dark: "moon" } as const satisfies Record<Theme, string>;
const THEME_WORDS: Readonly<Record<Theme, string>> = { system: "system", light: "light", dark: "dark" };

/** The frame around the views: navigation, who is signed in, and whether the server is there. */
export class Shell {
  #root: HTMLElement | undefined;
  readonly #session: Session;
  readonly #connection: Connection;
  /** The path of the line of the navigation that the view belongs to. */
  #current: string | undefined;

  readonly #search: () => void;

  /** `search`: opens the search over everything. */
  constructor(session: Session, connection: Connection, search: () => void) {
    this.#search = search;
    this.#session = session;
    this.#connection = connection;
    connection.addEventListener("change", () => this.#draw());
    themes.addEventListener("change", () => this.#draw());
  }

  /** Is in this element from now on, which is empty. */
  mount(root: HTMLElement): void {
    this.#root = root;
  }

  /** The place of the view, empty. */
  show(route: Route | undefined, params: Readonly<Record<string, string>>): HTMLElement {
    this.#current = route?.below?.(params) ?? route?.path;
    this.#draw();
    const main = this.#root?.querySelector("main");
    if (!main) throw new Error("the frame has no place for a view");
    const view = document.createElement("div");
    view.className = "view";
    main.replaceChildren(view);
    main.scrollTop = 0;
    return view;
  }

  /** Shows which keys there are. */
  help(keys: readonly KeyHelp[]): void {
    const dialog = this.#root?.querySelector<HTMLDialogElement>("dialog.help");
    const list = dialog?.querySelector<HTMLElement>("dl");
    if (!dialog || !list) return;
    render(
      keys.map(
        ({ keys: pressed, does }) => html`<div><dt>${pressed.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${does}</dd></div>`,
      ),
      list,
    );
    dialog.showModal();
  }

  #draw(): void {
    const { user } = this.#session;
    if (user === undefined || this.#root === undefined) return;
    render(this.#template(user.name), this.#root);
  }

  #template(user: string): TemplateResult {
    const { theme } = themes;
    return html`
      <div class="frame">
        <a class="skip" href="#main">Skip to the view</a>
        <header class="side">
          <a class="brand" href=${hrefOf("/")} aria-label="Troupe, home">${mark()}<span>Troupe</span></a>
          <button type="button" class="side-button search-button" @click=${() => this.#search()}>
            ${icon("search")}<span>Search</span><kbd>/</kbd>
          </button>
          <nav aria-label="Views">${this.#group("Cluster")}${this.#group("Objects")}</nav>
          <div class="side-foot">
            <button
              type="button"
              class="side-button"
              title="Theme (t)"
              aria-label=${`Theme: ${THEME_WORDS[theme]}`}
              @click=${() => themes.next()}
            >
              ${icon(THEME_ICONS[theme])}<span>Theme: ${THEME_WORDS[theme]}</span>
            </button>
            <button type="button" class="side-button" title=${`Sign out ${user}`} aria-label=${`Sign out ${user}`} @click=${() => this.#session.end()}>
              ${icon("leave")}<span class="clip">${user}</span>
            </button>
          </div>
        </header>
        <div class="stage">
          ${
            this.#connection.isLost
              ? html`<p class="lost" role="alert"><span class="spinner"></span>The connection to the server is lost. Trying again …</p>`
              : nothing
          }
          <main id="main" tabindex="0"></main>
        </div>
        <dialog class="help" aria-labelledby="help-title">
          <form method="dialog">
            <h2 id="help-title">Keys</h2>
            <button class="button quiet" aria-label="Close">${icon("close")}</button>
          </form>
          <dl></dl>
        </dialog>
      </div>
    `;
  }

  #group(name: "Cluster" | "Objects"): TemplateResult | typeof nothing {
    const routes = ROUTES.filter(({ navigation }) => navigation?.group === name);
    if (routes.length === 0) return nothing;
    return html`
      <h2 class="side-group">${name}</h2>
      <ul>
        ${routes.map(
          (route) => html`
            <li>
              <a href=${hrefOf(route.path)} aria-current=${route.path === this.#current ? "page" : nothing}>
                ${route.navigation === undefined ? nothing : icon(route.navigation.icon)}<span>${route.title}</span>
              </a>
            </li>
          `,
        )}
      </ul>
    `;
  }
}
