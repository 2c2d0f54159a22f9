const KEPT = "troupe.theme";

export type Theme = "system" | "light" | "dark";

/** Dark and light: as the system has it, until somebody says otherwise. The style sheet's colours follow `color-scheme`. */
export class Themes extends EventTarget {
  #theme: Theme = "system";

  constructor() {
    super();
    const kept = localStorage.getItem(KEPT);
    if (kept === "light" || kept === "dark") this.#apply(kept);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.dispatchEvent(new Event("change")));
  }

  get theme(): Theme {
    return this.#theme;
  }

  set(theme: Theme): void {
    this.#apply(theme);
    if (theme === "system") localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, theme);
    this.dispatchEvent(new Event("change"));
  }

  next(): void {
    this.set(this.#theme === "system" ? "light" : this.#theme === "light" ? "dark" : "system");
  }

  /** A colour of the style sheet as it is now, for what draws by itself: `#rrggbb` or `rgb(...)`. */
  colour(variable: `--${string}`): string {
    const probe = document.createElement("i");
    probe.style.color = `var(${variable})`;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  #apply(theme: Theme): void {
    this.#theme = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

/** The one of this page. */
export const themes: Themes = new Themes();
