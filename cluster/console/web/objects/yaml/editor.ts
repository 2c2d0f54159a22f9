import { html, nothing, render, type TemplateResult } from "lit-html";
import type { Fault } from "./manifest.ts";

const INDENT = "  ";

/** A field for YAML: with numbers of lines, and what is wrong at its line. */
export class Editor {
  readonly #root: HTMLElement;
  readonly #changed: () => void;
  #text = "";
  #lineCount = 0;
  #faults: readonly Fault[] = [];
  #isReadOnly = false;

  /** `changed`: called when somebody has typed. */
  constructor(root: HTMLElement, label: string, changed: () => void) {
    this.#root = root;
    this.#changed = changed;
    root.classList.add("editor");
    render(
      html`
        <div class="editor-lines">
          <pre class="editor-gutter" aria-hidden="true"></pre>
          <textarea
            aria-label=${label}
            spellcheck="false"
            autocapitalize="off"
            autocomplete="off"
            wrap="off"
            @input=${(event: Event) => this.#typed(event)}
            @keydown=${(event: KeyboardEvent) => this.#pressed(event)}
            @scroll=${() => this.#align()}
          ></textarea>
        </div>
        <div class="editor-faults" role="alert"></div>
      `,
      root,
    );
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.#area.value = text;
    this.#number();
  }

  set isReadOnly(isReadOnly: boolean) {
    this.#isReadOnly = isReadOnly;
    this.#area.readOnly = isReadOnly;
  }

  focus(): void {
    this.#area.focus();
    this.#area.setSelectionRange(0, 0);
  }

  /** Shows what is wrong, each at its line. */
  show(faults: readonly Fault[]): void {
    this.#faults = faults;
    this.#number(true);
    const place = this.#root.querySelector<HTMLElement>(".editor-faults");
    if (place !== null)
      render(
        faults.map((fault) => this.#fault(fault)),
        place,
      );
  }

  get #area(): HTMLTextAreaElement {
    return this.#root.querySelector("textarea") as HTMLTextAreaElement;
  }

  #fault({ line, message }: Fault): TemplateResult {
    return html`
      <p>
        ${line === undefined ? nothing : html`<button type="button" class="line-link num" @click=${() => this.#goTo(line)}>Line ${line}</button>`} ${message}
      </p>
    `;
  }

  #goTo(line: number): void {
    const lines = this.#text.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const area = this.#area;
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    const px = area.scrollHeight / Math.max(1, lines.length);
    area.scrollTop = Math.max(0, (line - 4) * px);
  }

  #typed(event: Event): void {
    this.#text = (event.target as HTMLTextAreaElement).value;
    this.#number();
    this.#changed();
  }

  /** Tab indents; after Escape it leaves the field, as elsewhere. */
  #pressed(event: KeyboardEvent): void {
    const area = this.#area;
    if (event.key === "Escape") area.dataset.leaves = "";
    else if (event.key !== "Tab" && event.key !== "Shift") delete area.dataset.leaves;
    if (event.key !== "Tab" || event.shiftKey || this.#isReadOnly || "leaves" in area.dataset) return;
    event.preventDefault();
    area.setRangeText(INDENT, area.selectionStart, area.selectionEnd, "end");
    this.#typed(event);
  }

  #number(always = false): void {
    const count = this.#text.split("\n").length;
    if (count === this.#lineCount && !always) return;
    this.#lineCount = count;
    const gutter = this.#root.querySelector<HTMLElement>(".editor-gutter");
    if (gutter === null) return;
    const wrong = new Set(this.#faults.map(({ line }) => line));
    render(
      Array.from({ length: count }, (_, at) => html`<span class=${wrong.has(at + 1) ? "wrong" : ""}>${at + 1}${"\n"}</span>`),
      gutter,
    );
    this.#align();
  }

  #align(): void {
    const gutter = this.#root.querySelector<HTMLElement>(".editor-gutter");
    if (gutter !== null) gutter.scrollTop = this.#area.scrollTop;
  }
}
