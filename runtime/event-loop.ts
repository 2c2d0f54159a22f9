import { type EventLoopUtilization, performance } from "node:perf_hooks";
import { Histogram, type HistogramCounts } from "./histogram.ts";

/** A timer of this period is watched for how late it fires. */
const PROBE_EVERY_MS = 20;

/** What a thread's event loop does with its time, since it has been watched. */
export interface EventLoopState {
  /** How late timers fire, in milliseconds beyond their time: what everything else on the loop waits too. libuv's timers tick once a millisecond, so below that is noise. */
  readonly delay: HistogramCounts;
  /** The share of time in which the loop was busy, 0 to 1. */
  readonly utilization: number;
}

export interface EventLoopProbe {
  read(): EventLoopState;
  stop(): void;
}

/**
 * Watches the event loop of this thread. As perf_hooks' monitorEventLoopDelay, but into the buckets that everything here is counted in, so that
 * delays can be added up over time and hosts; it keeps no process alive.
 */
export function watchEventLoop(): EventLoopProbe {
  const delay = new Histogram();
  const first: EventLoopUtilization = performance.eventLoopUtilization();
  let last_ms = performance.now();
  const timer = setInterval(() => {
    const now_ms = performance.now();
    delay.add(Math.max(0, now_ms - last_ms - PROBE_EVERY_MS));
    last_ms = now_ms;
  }, PROBE_EVERY_MS);
  timer.unref();
  return {
    read: () => ({ delay: delay.counts(), utilization: performance.eventLoopUtilization(first).utilization }),
    stop: () => clearInterval(timer),
  };
}
