import { html, render, type TemplateResult } from "lit-html";

const LINE_PX = 18;
const SPARE_LINES = 20;

export interface LogLook {
  readonly words: string;
  /** Whether lines without the words are left out. */
  readonly isFiltering: boolean;
  /** Whether the end is kept in sight. */
  readonly isFollowing: boolean;
}

/** Lines of a log, of which those in sight are drawn. */
export class LogLines {
  readonly #root: HTMLElement;
  readonly #signal: AbortSignal;
  #lines: readonly string[] = [];
  #look: LogLook = { words: "", isFiltering: false, isFollowing: true };
  #matches = 0;

  /** `scrolled`: told by somebody's scrolling whether the end is in sight. */
  constructor(root: HTMLElement, signal: AbortSignal, scrolled: (isAtEnd: boolean) => void) {
    this.#root = root;
    this.#signal = signal;
    root.className = "log";
    root.tabIndex = 0;
    root.setAttribute("role", "log");
    root.setAttribute("aria-label", "Log");
    root.addEventListener(
      "scroll",
      () => {
        this.#draw();
        scrolled(root.scrollTop + root.clientHeight >= root.scrollHeight - LINE_PX);
      },
      { passive: true, signal },
    );
    const sized = new ResizeObserver(() => this.#draw());
    sized.observe(root);
    signal.addEventListener("abort", () => sized.disconnect());
  }

  /** How many lines have the words. */
  get matches(): number {
    return this.#matches;
  }

  show(lines: readonly string[], look: LogLook): void {
    const words = look.words.toLowerCase();
    const found = words === "" ? lines : lines.filter((line) => line.toLowerCase().includes(words));
    this.#matches = found.length;
    this.#lines = look.isFiltering ? found : lines;
    this.#look = look;
    this.#draw();
    if (!look.isFollowing) return;
    this.#root.scrollTop = this.#root.scrollHeight;
    this.#draw();
  }

  #draw(): void {
    if (this.#signal.aborted) return;
    const { scrollTop, clientHeight } = this.#root;
    const first = Math.max(0, Math.floor(scrollTop / LINE_PX) - SPARE_LINES);
    const last = Math.min(this.#lines.length, Math.ceil((scrollTop + clientHeight) / LINE_PX) + SPARE_LINES);
    render(
      html`
        <div .style=${`height:${this.#lines.length * LINE_PX}px;padding-top:${first * LINE_PX}px`}>
          ${this.#lines.slice(first, last).map((line) => html`<div class="log-line">${marked(line, this.#look.words)}</div>`)}
        </div>
      `,
      this.#root,
    );
  }
}

/** The line with what is searched for marked. */
function marked(line: string, words: string): TemplateResult | string {
  const text = withoutColours(line);
  if (words === "") return text;
  const parts: (TemplateResult | string)[] = [];
  const [lower, wanted] = [text.toLowerCase(), words.toLowerCase()];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + words.length)}</mark>`);
    from = at + words.length;
  }
  return html`${parts}${text.slice(from)}`;
}

/** What is meant for a terminal is no text. */
function withoutColours(line: string): string {
  return line.replace(ESCAPES, "");
}

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, "g");
