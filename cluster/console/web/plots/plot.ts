import uPlot from "uplot";
import { themes } from "../theme.ts";

/** One line of a plot. */
export interface Series {
  readonly label: string;
  /** A variable of the style sheet. */
  readonly colour: `--${string}`;
}

export interface PlotOptions {
  /** How values are written, on the axis and in the legend. */
  readonly format: (value: number) => string;
  readonly series: readonly Series[];
  /** The axis of values reaches this far at least. */
  readonly least: number;
}

const HEIGHT = 150;
/** Of the axis of times, at least. */
const SPAN_S_MIN = 120;
const LINE_WIDTH = 1.5;
/** Plots with the same key have one cursor. */
const CURSORS = uPlot.sync("plots");
const AXIS_FONT = 11;
const Y_AXIS_WIDTH = 58;

/** A plot over time in an element, as wide as that. */
export class Plot {
  readonly #options: PlotOptions;
  readonly #place: HTMLElement;
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData;

  constructor(place: HTMLElement, options: PlotOptions, signal: AbortSignal) {
    this.#place = place;
    this.#options = options;
    this.#data = [[], ...options.series.map(() => [])];
    const sizes = new ResizeObserver(() => this.#plot?.setSize({ width: place.clientWidth, height: HEIGHT }));
    sizes.observe(place);
    themes.addEventListener("change", () => this.#make(), { signal });
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      this.#plot?.destroy();
    });
    this.#make();
  }

  /** Times in seconds since the Unix epoch, and for each series its values. */
  set(times: readonly number[], values: readonly (readonly (number | null)[])[]): void {
    this.#data = [[...times], ...values.map((each) => [...each])];
    this.#plot?.setData(this.#data);
    this.#tellLast();
  }

  /** While nobody points at a time, the legend says how it is now. */
  #tellLast(): void {
    const plot = this.#plot;
    const last = this.#data[0].length - 1;
    if (plot !== undefined && last >= 0 && (plot.cursor.left ?? -1) < 0) plot.setLegend({ idx: last });
  }

  /** Colours cannot be changed in one that is there. */
  #make(): void {
    this.#plot?.destroy();
    const { series, format, least } = this.#options;
    const font = `${AXIS_FONT}px ${getComputedStyle(document.documentElement).fontFamily}`;
    const axis = { stroke: themes.colour("--muted"), font, ticks: { show: false }, grid: { stroke: themes.colour("--line"), width: 1 } };
    this.#plot = new uPlot(
      {
        width: this.#place.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        cursor: { sync: { key: CURSORS.key }, drag: { x: false, y: false }, points: { size: 6 } },
        legend: { markers: { width: 0, fill: (_plot, at) => themes.colour(series[at - 1]?.colour ?? "--muted") } },
        scales: {
          x: { range: (_plot, first, last) => [Math.min(first, last - SPAN_S_MIN), last] },
          y: { range: (_plot, _low, high) => [0, Math.max((high || 0) * 1.1, least)] },
        },
        axes: [
          { ...axis, size: 22, gap: 4, values: (_plot, splits) => splits.map((at) => clockTime(at)) },
          { ...axis, size: Y_AXIS_WIDTH, gap: 6, values: (_plot, splits) => splits.map((value) => format(value)) },
        ],
        series: [
          { label: "Time", value: (_plot, at) => (at === null ? "" : clockTime(at, true)) },
          ...series.map(({ label, colour }) => ({
            label,
            stroke: themes.colour(colour),
            width: LINE_WIDTH,
            points: { show: false },
            spanGaps: false,
            value: (_plot: uPlot, value: number | null) => (value === null ? "–" : format(value)),
          })),
        ],
      },
      this.#data,
      this.#place,
    );
    this.#tellLast();
  }
}

function clockTime(at_s: number, withSeconds = false): string {
  const at = new Date(at_s * 1_000);
  return at.toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(withSeconds || at_s % 60 !== 0 ? { second: "2-digit" } : {}),
  });
}
