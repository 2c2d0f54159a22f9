import type { Page } from "playwright-core";
import type { FeedLine, NodeRow, UseRow } from "../../../cluster/console/web/map/feed-lines.ts";

const ZONES = 3;
const STEPS = 60;
const GI = 1024 ** 3;

/** What the map is told of a cluster of so many nodes with so many pods each. */
export function largeCluster(nodes: number, pods: number): string {
  const numbers = Array.from({ length: nodes }, (_, at) => at);
  const lines: readonly FeedLine[] = [
    { nodes: numbers.map((at): NodeRow => [at, `node-${at}`, `zone-${at % ZONES}`, at % 400 === 7 ? 1 : 0, 32_000, 256 * GI, 110]) },
    { use: numbers.map((at): UseRow => [at, (at * 7_919) % 32_000, ((at * 104_729) % 256) * GI, pods, 0, 0, 0]) },
    { totals: { running: nodes * pods, unready: 0, pending: 0, unscheduled: 0, failed: 0, succeeded: 0 }, whole: true },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

export interface FrameTimes {
  readonly p25_ms: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly max_ms: number;
}

/**
 * In the page: one step a frame, of wheel and colours; gives how far frames were apart. (Text, since what is typed here knows no DOM.)
 */
const MOVE = `new Promise((resolve) => {
  const canvas = document.querySelector("canvas");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const at = { clientX: left + width / 3, clientY: top + height / 3, bubbles: true, cancelable: true };
  const times = [];
  let last = 0;
  const step = (now) => {
    if (last !== 0) times.push(now - last);
    last = now;
    if (times.length >= ${STEPS}) return resolve(times);
    if (times.length % 20 === 0) document.querySelectorAll(".tile[aria-pressed]")[(times.length / 20) % 3].click();
    canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: times.length < ${STEPS / 2} ? -60 : 60 }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;

/** How far frames are apart while somebody changes the colours, goes nearer and away again, in a browser that draws by processor. */
export async function frameTimes(page: Page): Promise<FrameTimes> {
  const times = (await page.evaluate<number[]>(MOVE)).sort((a, b) => a - b);
  const at = (share: number): number => Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 10) / 10;
  return { p25_ms: at(0.25), p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) };
}
