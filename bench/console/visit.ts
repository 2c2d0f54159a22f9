import type { Browser, BrowserContext, Page } from "playwright-core";
import { percentile } from "../driver/percentile.ts";

/** The map's own stream: how much the cluster tells is not how large the console is. */
const FEED = "/troupe/map";
const WHOLE_MS_MAX = 120_000;
const VIEWPORT = { width: 1_280, height: 800 };

/** What somebody who comes for the first time waits for, in milliseconds since they opened the address. */
export interface FirstVisit {
  /** Until the nodes were drawn. */
  readonly nodes_ms: number;
  /** Until all pods were counted. */
  readonly whole_ms: number;
  /** What came over the wire by then, heads included: the console and its questions, and what the map was told. */
  readonly console_bytes: number;
  readonly feed_bytes: number;
}

export interface FrameTimes {
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** Of all frames, those that came in time for a screen of 60 a second. */
  readonly inTime: number;
}

/** In the page, from its first script on: when the nodes were drawn, and when the pods were all counted. */
const NOTES = `
  const drawn = () => document.querySelector("canvas") !== null;
  const counted = () => drawn() && document.querySelector(".page-head [role=status]")?.textContent === "";
  globalThis.seen = new Promise((resolve, reject) => {
    let nodes;
    const look = (now) => {
      // What was there in one frame is on the screen in the next.
      if (drawn()) nodes ??= now;
      if (counted()) resolve({ nodes, whole: now });
      else if (now > ${WHOLE_MS_MAX}) reject(new Error("the map was not whole within ${WHOLE_MS_MAX} ms: " + document.body.innerText.slice(0, 300)));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
`;

/**
 * In the page: somebody who drags, turns the wheel and changes the colours for so many frames; gives how far they were apart. (Text, since what is typed here
 * knows no DOM.)
 */
const move = (frames: number): string => `new Promise((resolve) => {
  const canvas = document.querySelector("canvas");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const at = (step) => ({
    clientX: left + width * (0.5 + 0.2 * Math.cos(step / 15)),
    clientY: top + height * (0.5 + 0.2 * Math.sin(step / 15)),
    bubbles: true, cancelable: true, pointerId: 1, pointerType: "mouse", isPrimary: true,
  });
  const tiles = document.querySelectorAll(".tile[aria-pressed]");
  canvas.setPointerCapture = () => {};
  const times = [];
  let last = 0;
  const step = (now) => {
    if (last !== 0) times.push(now - last);
    last = now;
    const count = times.length;
    if (count >= ${frames}) {
      canvas.dispatchEvent(new PointerEvent("pointerup", at(count)));
      resolve(times);
      return;
    }
    if (count % 60 === 0) tiles[(count / 60) % tiles.length].click();
    if (count % 120 === 0) canvas.dispatchEvent(new PointerEvent("pointerdown", at(count)));
    else if (count % 120 < 60) canvas.dispatchEvent(new PointerEvent("pointermove", at(count)));
    else if (count % 120 === 60) canvas.dispatchEvent(new PointerEvent("pointerup", at(count)));
    else canvas.dispatchEvent(new WheelEvent("wheel", { ...at(count), deltaY: count % 120 < 90 ? -60 : 60 }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;

/** A frame later than this was missed on a screen of 60 a second; the browser's own clock is a little unsteady. */
const IN_TIME_MS = 17.5;

/** Somebody with a browser that knows nothing of the console yet. */
export class Visit {
  readonly #context: BrowserContext;
  readonly #page: Page;
  readonly first: FirstVisit;

  private constructor(context: BrowserContext, page: Page, first: FirstVisit) {
    this.#context = context;
    this.#page = page;
    this.first = first;
  }

  /** Opens the map, signed in with this token, and waits until it is whole. */
  static async open(browser: Browser, console: string, token: string): Promise<Visit> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: VIEWPORT });
    const page = await context.newPage();
    const wire = await context.newCDPSession(page);
    const feeds = new Set<string>();
    const bytes = { console: 0, feed: 0 };
    const count = (requestId: string, more: number): void => {
      bytes[feeds.has(requestId) ? "feed" : "console"] += more;
    };
    wire.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (new URL(request.url).pathname === FEED) feeds.add(requestId);
    });
    // Until it ends, a stream tells what it has brought; an answer that has ended tells all of it, with its head.
    wire.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
      if (feeds.has(requestId)) count(requestId, encodedDataLength);
    });
    wire.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (!feeds.has(requestId)) count(requestId, encodedDataLength);
    });
    await wire.send("Network.enable");
    await page.addInitScript(NOTES);
    await page.goto(`${console}#token=${token}`, { waitUntil: "commit" });
    const seen = await page.evaluate<{ nodes: number; whole: number }>("seen");
    const first = { nodes_ms: seen.nodes, whole_ms: seen.whole, console_bytes: bytes.console, feed_bytes: bytes.feed };
    return new Visit(context, page, first);
  }

  /** Moves about on the map. */
  async frames(count: number): Promise<FrameTimes> {
    const times = Float64Array.from(await this.#page.evaluate<number[]>(move(count)));
    const at = (share: number): number => percentile(times, share) ?? 0;
    const inTime = times.filter((time) => time <= IN_TIME_MS).length / times.length;
    return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: at(1), inTime };
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}
