import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import type { Keys } from "../keys.ts";
import { cell, haveState, isNumeric } from "./cell.ts";
import type { Cell, Column, Row } from "./table-list.ts";

const ROW_PX = 34;
/** Rows of a narrow screen have the namespace below the name. */
const NARROW_ROW_PX = 50;
/** Rows drawn above and below those that are seen. */
const SPARE_ROWS = 12;
/** Rows before the end at which the next page is asked for. */
const AHEAD_ROWS = 100;
const AGE_TICK_MS = 5_000;
const NARROW = matchMedia("(max-width: 720px)");
/** Columns beside the name that a narrow screen has room for. */
const NARROW_COLUMNS = 2;
/** Rows that widths are measured by. */
const MEASURED_ROWS = 400;
/** Letters are narrower than the zero that `ch` is. */
const CHAR_SHARE = 0.88;
const AGE_CHARS = 11;
const COLUMN_CHARS_MAX = 42;
const NAME_CHARS_MAX = 64;
const NARROW_NAME_CHARS_MAX = 20;

export interface RowsOptions {
  readonly root: HTMLElement;
  readonly signal: AbortSignal;
  readonly keys: Keys;
  readonly label: string;
  /** Whether rows say their namespaces. */
  readonly hasNamespaces: boolean;
  /** Where a row leads; undefined: nowhere. */
  readonly addressOf: (row: Row) => string | undefined;
  readonly go: (to: string) => void;
  /** Called when the end comes near. */
  readonly more: () => void;
}

interface Sort {
  readonly column: string;
  readonly isDown: boolean;
}

/** A column as it is drawn: the server's, and those of the console's own for the namespace. */
interface Shown extends Column {
  /** Among the cells; below 0: the namespace. */
  readonly at: number;
}

/** Many thousand rows of which those in sight are drawn, into the same elements as one scrolls. `j`, `k` and Enter go through them. */
export class Rows {
  readonly #options: RowsOptions;
  #all: readonly Row[] = [];
  #rows: readonly Row[] = [];
  #columns: readonly Column[] = [];
  #shown: readonly Shown[] = [];
  #widths: readonly number[] = [];
  #sort: Sort | undefined;
  #at = -1;
  #isDue = false;
  #remaining = 0;

  constructor(options: RowsOptions) {
    this.#options = options;
    const { root, signal } = options;
    root.classList.add("rows");
    root.addEventListener("scroll", () => this.#due(), { passive: true, signal });
    NARROW.addEventListener("change", () => this.show(this.#all, this.#columns, this.#remaining), { signal });
    const sized = new ResizeObserver(() => this.#due());
    sized.observe(root);
    const tick = setInterval(() => this.#due(), AGE_TICK_MS);
    signal.addEventListener("abort", () => {
      clearInterval(tick);
      sized.disconnect();
    });
    this.#bind();
  }

  /** `remaining`: how many more there are that could be brought. */
  show(rows: readonly Row[], columns: readonly Column[], remaining: number): void {
    this.#all = rows;
    this.#remaining = remaining;
    this.#columns = columns;
    this.#shown = this.#choose(columns);
    this.#rows = this.#sorted(rows);
    this.#widths = this.#measured();
    this.#due();
  }

  #bind(): void {
    const { keys, signal } = this.#options;
    const by = (step: number) => () => this.#goTo(this.#at + step);
    keys.bind("j", "Next row", by(1), signal);
    keys.bind("k", "Row before", by(-1), signal);
    keys.bind("ArrowDown", "Next row", by(1), signal);
    keys.bind("ArrowUp", "Row before", by(-1), signal);
    keys.bind("PageDown", "Rows down", () => this.#goTo(this.#at + this.#inSight), signal);
    keys.bind("PageUp", "Rows up", () => this.#goTo(this.#at - this.#inSight), signal);
    keys.bind("Home", "First row", () => this.#goTo(0), signal);
    keys.bind("End", "Last row", () => this.#goTo(this.#rows.length - 1), signal);
  }

  get #rowPx(): number {
    return NARROW.matches && this.#options.hasNamespaces ? NARROW_ROW_PX : ROW_PX;
  }

  get #inSight(): number {
    return Math.max(1, Math.floor(this.#options.root.clientHeight / this.#rowPx) - 2);
  }

  /** Makes a row the current one: in sight, with the focus on its link. */
  #goTo(at: number): void {
    if (this.#rows.length === 0) return;
    this.#at = Math.max(0, Math.min(this.#rows.length - 1, at));
    const { root } = this.#options;
    const top = this.#at * this.#rowPx;
    const room = root.clientHeight - 2 * this.#rowPx;
    if (top < root.scrollTop) root.scrollTop = top;
    else if (top > root.scrollTop + room) root.scrollTop = top - room;
    this.#draw();
    root.querySelector<HTMLElement>("tr.current a")?.focus({ preventScroll: true });
  }

  #due(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#isDue = false;
    if (this.#options.signal.aborted) return;
    const { root, more } = this.#options;
    const first = Math.max(0, Math.floor(root.scrollTop / this.#rowPx) - SPARE_ROWS);
    const last = Math.min(this.#rows.length, Math.ceil((root.scrollTop + root.clientHeight) / this.#rowPx) + SPARE_ROWS);
    render(this.#template(first, Math.max(first, last)), root);
    if (this.#remaining > 0 && last + AHEAD_ROWS > this.#rows.length) more();
  }

  #template(first: number, last: number): TemplateResult {
    const { label } = this.#options;
    const px = this.#rowPx;
    const now_ms = Date.now();
    return html`
      <table class="table rows-table" aria-label=${label} aria-rowcount=${this.#rows.length + 1}>
        <colgroup>
          ${this.#widths.map((width) => html`<col .style=${`width:${width * CHAR_SHARE}ch`} />`)}
          <col />
        </colgroup>
        <thead>
          <tr aria-rowindex="1">
            ${this.#shown.map((column) => this.#head(column))}
            <td class="rest" aria-hidden="true"></td>
          </tr>
        </thead>
        <tbody>
          <tr class="space" aria-hidden="true" .style=${`height:${first * px}px`}></tr>
          ${this.#rows.slice(first, last).map((row, at) => this.#row(row, first + at, now_ms))}
          <tr class="space" aria-hidden="true" .style=${`height:${(this.#rows.length - last) * px}px`}></tr>
        </tbody>
      </table>
    `;
  }

  #head(column: Shown): TemplateResult {
    const isSorted = this.#sort?.column === column.name;
    const direction = isSorted ? (this.#sort?.isDown ? "descending" : "ascending") : nothing;
    return html`
      <th scope="col" class=${isNumeric(column) ? "right" : ""} aria-sort=${direction}>
        <button type="button" @click=${() => this.#sortBy(column.name)}>${column.name}</button>
      </th>
    `;
  }

  #row(row: Row, at: number, now_ms: number): TemplateResult {
    const address = this.#options.addressOf(row);
    const isNarrow = NARROW.matches;
    return html`
      <tr
        aria-rowindex=${at + 2}
        class="${at === this.#at ? "current" : ""} ${row.isGoing ? "going" : ""} ${address === undefined ? "" : "leads"}"
        .style=${`height:${this.#rowPx}px`}
        @click=${(event: MouseEvent) => this.#clicked(event, row, at)}
      >
        ${this.#shown.map((column, index) => {
          if (column.at < 0) return html`<td class="clip muted">${row.namespace}</td>`;
          const value = row.cells[column.at] ?? null;
          if (index === 0)
            return html`
              <td class="clip name" title=${String(value)}>
                ${address === undefined ? value : html`<a href=${hrefOf(address)}>${value}</a>`}
                ${isNarrow && this.#options.hasNamespaces ? html`<span class="below clip">${row.namespace}</span>` : nothing}
              </td>
            `;
          return html`<td class="clip ${isNumeric(column) ? "right" : ""}" title=${String(value ?? "")}>${cell(column, value, row, haveState(this.#columns), now_ms)}</td>`;
        })}
        <td class="rest" aria-hidden="true"></td>
      </tr>
    `;
  }

  #clicked(event: MouseEvent, row: Row, at: number): void {
    if (event.target instanceof Element && event.target.closest("a, button") !== null) return;
    if (getSelection()?.isCollapsed === false) return;
    const address = this.#options.addressOf(row);
    this.#at = at;
    if (address !== undefined) this.#options.go(address);
  }

  #sortBy(column: string): void {
    if (this.#sort?.column !== column) this.#sort = { column, isDown: false };
    else if (!this.#sort.isDown) this.#sort = { column, isDown: true };
    else this.#sort = undefined;
    this.#at = -1;
    this.show(this.#all, this.#columns, this.#remaining);
  }

  #sorted(rows: readonly Row[]): readonly Row[] {
    const sort = this.#sort;
    const column = this.#shown.find(({ name }) => name === sort?.column);
    if (sort === undefined || column === undefined) return rows;
    const sign = sort.isDown ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(column, a, b));
  }

  /** The columns that there is room for, the namespace behind the name. */
  #choose(columns: readonly Column[]): readonly Shown[] {
    const own = columns.map((column, at): Shown => ({ ...column, at }));
    const [name, ...others] = own;
    if (name === undefined) return [];
    if (NARROW.matches)
      return [
        name,
        ...others
          .filter(({ priority }) => priority === 0)
          .sort(byWeight)
          .slice(0, NARROW_COLUMNS),
      ];
    const namespace: readonly Shown[] = this.#options.hasNamespaces ? [{ name: "Namespace", type: "string", priority: 0, at: -1 }] : [];
    return [name, ...namespace, ...others.filter(({ priority, name }) => priority === 0 || WORTH_IT.has(name))];
  }

  #measured(): readonly number[] {
    const rows = this.#rows.slice(0, MEASURED_ROWS);
    return this.#shown.map((column, index) => {
      const longest = rows.reduce((most, row) => Math.max(most, textOf(column, row).length), column.name.length + 2);
      if (/^age$/i.test(column.name)) return AGE_CHARS;
      const room = /^(ready|completions)$/i.test(column.name) ? 8 : haveState([column]) ? 6 : 3;
      const most = index > 0 ? COLUMN_CHARS_MAX : NARROW.matches ? NARROW_NAME_CHARS_MAX : NAME_CHARS_MAX;
      return Math.min(longest, most) + room;
    });
  }
}

/** Columns that the server thinks of as wide, and that one looks for. */
const WORTH_IT: ReadonlySet<string> = new Set(["Node", "IP", "Images", "Internal-IP"]);

/** What one wants to know first of a thing with little room. */
function byWeight(a: Column, b: Column): number {
  return weight(a) - weight(b);
}

function weight({ name }: Column): number {
  const at = ["status", "ready", "phase", "type", "age"].indexOf(name.toLowerCase());
  return at < 0 ? 10 : at;
}

function textOf({ at }: Shown, row: Row): string {
  return at < 0 ? row.namespace : String(row.cells[at] ?? "");
}

/** By time where the column says one, by number where both are, else by letters. */
function compare(column: Shown, a: Row, b: Row): number {
  if (/^age$/i.test(column.name)) return a.created < b.created ? 1 : a.created > b.created ? -1 : 0;
  const [x, y] = [numberOf(a.cells[column.at]), numberOf(b.cells[column.at])];
  if (column.at >= 0 && x !== undefined && y !== undefined && x !== y) return x - y;
  return textOf(column, a).localeCompare(textOf(column, b));
}

function numberOf(value: Cell | undefined): number | undefined {
  const number = typeof value === "number" ? value : Number.parseFloat(String(value));
  return Number.isNaN(number) ? undefined : number;
}
