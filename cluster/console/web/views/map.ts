import { html, nothing, type TemplateResult } from "lit-html";
import { bar } from "../bar.ts";
import { bytes, cores, count, percent } from "../format.ts";
import { icon } from "../icons.ts";
import { Board } from "../map/board.ts";
import { readFeed } from "../map/feed.ts";
import { type By, MapModel, type MapNode, type Sums, summarize } from "../map/model.ts";
import { badges, inWords, NodePanel, uses } from "../map/node-panel.ts";
import { empty, loading, problem } from "../states.ts";
import { themes } from "../theme.ts";
import { drawing, type ViewContext } from "../view.ts";

const BYS: readonly By[] = ["cpu", "memory", "pods"];
const TIP_GAP = 14;
const TIP_WIDTH = 240;

/** The live map: every node of the cluster, coloured by how much of it is taken. */
export async function open(context: ViewContext): Promise<void> {
  await new MapView(context).run();
}

class MapView {
  readonly #context: ViewContext;
  readonly #model = new MapModel();
  readonly #draw: () => void;
  #board: Board | undefined;
  #panel: NodePanel | undefined;
  #hovered: MapNode | undefined;
  #failure: unknown;
  /** A node that the address names, and that has not come yet. */
  #awaited: string | null;
  /** What somebody has chosen to see; undefined: what says most of this cluster. */
  #chosen: By | undefined;
  #by: By = "cpu";

  constructor(context: ViewContext) {
    this.#context = context;
    const by = context.query.get("by");
    this.#chosen = BYS.find((each) => each === by);
    this.#by = this.#chosen ?? "cpu";
    this.#awaited = context.query.get("node");
    context.root.classList.add("fill");
    this.#draw = drawing(
      context,
      () => this.#template(),
      () => this.#start(context.root),
    );
    this.#bind();
  }

  async run(): Promise<void> {
    const { signal } = this.#context;
    themes.addEventListener("change", () => this.#recolour(), { signal });
    this.#failure = await readFeed(this.#context, (line) => {
      this.#model.take(line);
      if (this.#chosen === undefined && "totals" in line) this.#look(tellingOf(summarize(this.#model.nodes.values(), this.#by).sums));
      this.#draw();
      this.#board?.draw();
      this.#find();
    });
    if (!signal.aborted) this.#draw();
  }

  /** The board begins when its canvas is there. */
  #start(root: HTMLElement): void {
    const canvas = root.querySelector("canvas");
    if (this.#board !== undefined || canvas === null || this.#model.nodes.size === 0) return;
    this.#board = new Board(
      canvas,
      this.#model,
      this.#by,
      {
        hovered: (node, at) => this.#hover(node, at),
        selected: (node) => this.#selected(node),
        opened: (node) => this.#open(node),
      },
      this.#context,
    );
    this.#find();
    // The legend has the colours of the board.
    this.#draw();
  }

  #find(): void {
    if (this.#awaited === null || this.#board === undefined) return;
    for (const node of this.#model.nodes.values()) {
      if (node.name !== this.#awaited) continue;
      this.#board.select(node);
      this.#open(node);
      return;
    }
  }

  #bind(): void {
    const { keys, signal } = this.#context;
    keys.bind("c", "Colour by CPU", () => this.#colourBy("cpu"), signal);
    keys.bind("m", "Colour by memory", () => this.#colourBy("memory"), signal);
    keys.bind("p", "Colour by pods", () => this.#colourBy("pods"), signal);
    keys.bind("n", "Next node with a problem", () => this.#nextTrouble(), signal);
    keys.bind("+", "Nearer", () => this.#board?.zoom("in"), signal);
    keys.bind("-", "Further away", () => this.#board?.zoom("out"), signal);
    keys.bind("0", "The whole cluster", () => this.#board?.zoom("fit"), signal);
    keys.bind("Escape", "Close the node", () => this.#close(), signal);
  }

  #colourBy(by: By): void {
    this.#chosen = by;
    this.#look(by);
    this.#note();
  }

  #look(by: By): void {
    if (by === this.#by) return;
    this.#by = by;
    if (this.#board !== undefined) this.#board.by = by;
    this.#board?.draw();
    this.#draw();
  }

  #recolour(): void {
    this.#board?.recolour();
    this.#draw();
  }

  #hover(node: MapNode | undefined, { x, y }: { readonly x: number; readonly y: number }): void {
    if (node !== this.#hovered) this.#draw();
    this.#hovered = node;
    const tip = this.#context.root.querySelector<HTMLElement>(".tip");
    const board = tip?.parentElement;
    if (!tip || !board) return;
    const left = x + TIP_GAP + TIP_WIDTH > board.clientWidth ? x - TIP_GAP - TIP_WIDTH : x + TIP_GAP;
    const top = Math.min(y + TIP_GAP, board.clientHeight - 150);
    tip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
  }

  #selected(node: MapNode | undefined): void {
    if (node === undefined) this.#shut();
    else if (this.#panel !== undefined) this.#open(node);
    this.#draw();
  }

  #open(node: MapNode): void {
    this.#awaited = null;
    if (this.#panel?.node === node) return;
    this.#panel?.close();
    this.#panel = new NodePanel(node, this.#context, this.#draw);
    this.#note();
    this.#draw();
  }

  #close(): void {
    this.#board?.select(undefined);
    this.#context.root.querySelector("canvas")?.focus();
  }

  #shut(): void {
    this.#panel?.close();
    this.#panel = undefined;
    this.#note();
  }

  #nextTrouble(): void {
    const troubled = [...this.#model.nodes.values()].filter(({ state }) => state !== 0);
    const at = this.#board?.selected === undefined ? -1 : troubled.indexOf(this.#board.selected);
    const next = troubled[(at + 1) % troubled.length];
    if (next === undefined) return;
    this.#board?.approach(next);
    this.#open(next);
  }

  /** The address says what is shown. */
  #note(): void {
    const query = new URLSearchParams({
      ...(this.#chosen === undefined ? {} : { by: this.#chosen }),
      ...(this.#panel ? { node: this.#panel.node.name } : {}),
    });
    this.#context.note(query);
  }

  #template(): TemplateResult {
    const isEmpty = this.#model.nodes.size === 0;
    if (this.#failure !== undefined) return html`${head("")}${problem(this.#failure)}`;
    if (isEmpty && !this.#model.isWhole) return html`${head("")}${loading("the cluster")}`;
    if (isEmpty)
      return html`${head("")}${empty("There is no node yet", "Start Troupe with --nodes N for hollow ones, or let a machine join.")}`;
    const { sums, tenths } = summarize(this.#model.nodes.values(), this.#by);
    const told = this.#board?.selected;
    return html`
      ${head(this.#model.isWhole ? "" : "counting pods …")} ${this.#tiles(sums)}
      <div class="map">
        <div class="board">
          <canvas
            tabindex="0"
            role="application"
            aria-roledescription="map"
            aria-label="Nodes of the cluster. Arrow keys go from node to node, Enter opens one."
          ></canvas>
          <p class="hidden-text" aria-live="polite">${told === undefined ? "" : inWords(told)}</p>
          <div class="tip" ?hidden=${this.#hovered === undefined} aria-hidden="true">${this.#tip()}</div>
        </div>
        ${this.#panel?.template(() => this.#close()) ?? nothing}
      </div>
      <footer class="map-foot">
        ${this.#legend(tenths)}
        <div class="board-tools">
          ${tool("plus", "Nearer (+)", () => this.#board?.zoom("in"))} ${tool("minus", "Further away (-)", () => this.#board?.zoom("out"))}
          ${tool("fit", "The whole cluster (0)", () => this.#board?.zoom("fit"))}
        </div>
      </footer>
    `;
  }

  #tiles(sums: Sums): TemplateResult {
    const { running, unready, pending, unscheduled, failed } = this.#model.totals;
    return html`
      <div class="tiles">
        <button type="button" class="tile" ?disabled=${sums.troubled === 0} title="Next node with a problem (n)" @click=${() => this.#nextTrouble()}>
          <span class="tile-name">Nodes</span>
          <strong class="num">${count(sums.nodes)}</strong>
          <span class="tile-note num">${states(sums)}</span>
        </button>
        ${this.#tile(
          "pods",
          "Pods",
          count(running + unready + pending + unscheduled),
          share(sums.pods, sums.podsMax),
          html`
          ${mark("run", html`${count(running)} running`)}
          ${unready > 0 ? mark("warn", html`${count(unready)} not ready`) : nothing}
          ${pending + unscheduled > 0 ? mark("plain", html`${count(pending + unscheduled)} pending`) : nothing}
          ${failed > 0 ? mark("bad", html`${count(failed)} failed`) : nothing}
        `,
        )}
        ${this.#tile("cpu", "CPU", percent(share(sums.cpu, sums.cpuMax)), share(sums.cpu, sums.cpuMax), `${cores(sums.cpu)} of ${cores(sums.cpuMax)} cores`)}
        ${this.#tile("memory", "Memory", percent(share(sums.memory, sums.memoryMax)), share(sums.memory, sums.memoryMax), `${bytes(sums.memory)} of ${bytes(sums.memoryMax)}`)}
      </div>
    `;
  }

  #tile(by: By, words: string, figure: string, use: number, note: string | TemplateResult): TemplateResult {
    return html`
      <button
        type="button"
        class="tile"
        aria-pressed=${this.#by === by ? "true" : "false"}
        title=${`Colour by ${words} (${by[0]})`}
        @click=${() => this.#colourBy(by)}
      >
        <span class="tile-name">${words}</span>
        <strong class="num">${figure}</strong>
        <span class="tile-note num">${note}</span>
        <span class="tile-bar">${bar(use)}</span>
      </button>
    `;
  }

  #tip(): TemplateResult | typeof nothing {
    const node = this.#hovered;
    if (node === undefined) return nothing;
    return html`<strong>${node.name}</strong><p class="badges">${badges(node.state)}</p>${uses(node)}`;
  }

  /** How many nodes there are in each tenth, in the colours of the map. */
  #legend(tenths: readonly number[]): TemplateResult {
    const most = Math.max(...tenths, 1);
    const words = { cpu: "CPU requested", memory: "Memory requested", pods: "Pods" }[this.#by];
    const bars = tenths.map((nodes, at) => {
      const height = nodes === 0 ? 1 : 3 + (nodes / most) * 25;
      return html`<span class="legend-bar" title=${`${at * 10}–${at * 10 + 10}%: ${count(nodes)} nodes`}>${column(height, nodes === 0 ? "currentcolor" : (this.#board?.shade((at + 0.5) / 10) ?? ""))}</span>`;
    });
    return html`
      <div class="legend" aria-hidden="true">
        <div class="legend-bars">${bars}</div>
        <div class="legend-words"><span>0%</span><span>${words}</span><span>100%</span></div>
      </div>
    `;
  }
}

function states({ nodes, troubled, down, pressed, cordoned }: Sums): TemplateResult {
  if (troubled === 0) return mark("good", html`all ready`);
  return html`
    ${down > 0 ? mark("bad", html`${count(down)} not ready`) : mark("good", html`${count(nodes)} ready`)}
    ${pressed > 0 ? mark("warn", html`${count(pressed)} under pressure`) : nothing}
    ${cordoned > 0 ? mark("plain", html`${count(cordoned)} cordoned`) : nothing}
  `;
}

/** A state in its colour, and in words. */
function mark(how: string, words: TemplateResult): TemplateResult {
  return html`<span class="tile-mark"><span class="dot ${how}"></span>${words}</span>`;
}

function head(note: string): TemplateResult {
  return html`<header class="page-head"><h1>Cluster</h1><span class="muted" role="status">${note}</span></header>`;
}

function tool(name: "plus" | "minus" | "fit", words: string, act: () => void): TemplateResult {
  return html`<button type="button" class="button" aria-label=${words} title=${words} @click=${act}>${icon(name)}</button>`;
}

function column(height: number, colour: string): TemplateResult {
  return html`<svg width="100%" height="28"><rect x="0" y=${28 - height} width="100%" height=${height} rx="1.5" fill=${colour} /></svg>`;
}

function share(taken: number, of: number): number {
  return of <= 0 ? 0 : taken / of;
}

/** Of pods that hardly ask for anything a map of what they ask for would be blank: then how many there are says more. */
const BLANK = 0.1;

function tellingOf({ cpu, cpuMax, pods, podsMax }: Sums): By {
  return share(cpu, cpuMax) < BLANK * share(pods, podsMax) ? "pods" : "cpu";
}
