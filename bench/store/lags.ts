import { systemClock, systemRandom } from "../../runtime/mod.ts";
import { percentile } from "../driver/percentile.ts";
import type { Figure } from "../figure.ts";
import { ClientThread } from "./client-thread.ts";
import { openGateway } from "./gateway-rig.ts";
import { OBJECT_BYTES, podText } from "./pod-text.ts";
import { fill, type StoreRig, startStoreRig } from "./store-rig.ts";

const WATCHERS = 1_000;
const SELECTORS = 100;
const PODS = 10_000;
const WRITES_PER_S = 5_000;
const WRITE_EVERY_MS = 2;
/** More are not begun: a pod must not be written again before its last write is answered. */
const WRITES_IN_FLIGHT_MAX = 2_000;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 8_000;
const SETTLE_MS = 1_000;

const clock = systemClock();
const random = systemRandom();
const selected = (i: number): string => `"app":"web-${i % SELECTORS}"`;
const now_ms = (): number => performance.timeOrigin + performance.now();
const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

/**
 * How late events are: from the moment a write is proposed to the arrival of its event, durable in between. Measured for watchers of the
 * replica, and for 1,000 HTTPS watches in another thread, each with a TLS connection of its own.
 */
export async function measureLags(): Promise<readonly Figure[]> {
  const rig = await startStoreRig();
  await fill(rig, PODS, "lag", selected);
  const { gateway, access } = await openGateway(rig);
  const client = new ClientThread(access);
  const local_ms: number[] = [];
  const watch = rig.replica.watch("pods", rig.replica.revision, ({ now }) => {
    const sent = /"sent":"([\d.]+)/.exec(now?.text.slice(0, 400) ?? "")?.[1];
    if (sent !== undefined) local_ms.push(now_ms() - Number(sent));
  });
  try {
    const since = rig.replica.revision;
    const paths = Array.from(
      { length: WATCHERS },
      (_, i) => `/api/v1/pods?watch=1&resourceVersion=${since}&labelSelector=app%3Dweb-${i % SELECTORS}`,
    );
    await client.run({ type: "watch", paths }, "watching");
    await write(rig, WARM_UP_MS);
    await pause(SETTLE_MS);
    await client.run({ type: "report" }, "report");
    local_ms.length = 0;
    const { written, took_ms } = await write(rig, MEASURED_MS);
    await pause(SETTLE_MS);
    const { lags_ms, lost } = await client.run({ type: "report" }, "report");
    const rate = (written / took_ms) * 1_000;
    const missing = written * (WATCHERS / SELECTORS) - lags_ms.length;
    const conditions =
      `${Math.round(rate)} writes/s of ${OBJECT_BYTES} bytes, ${SELECTORS} label selectors; gateway, writer and replica in one thread; ` +
      `${lags_ms.length} events to HTTPS watchers, ${missing} missing, ${lost} watches cut off; ${rig.conditions}`;
    return [
      ...figuresOf(`${WATCHERS} HTTPS watchers`, lags_ms, conditions),
      ...figuresOf("a watcher of the replica", Float64Array.from(local_ms), conditions),
    ];
  } finally {
    watch.cancel();
    await client.close();
    await gateway.close(0);
    await rig.stop();
  }
}

function figuresOf(name: string, lags_ms: Float64Array, conditions: string): Figure[] {
  return [0.5, 0.99, 0.999].map((share) => ({
    suite: "store",
    case: `watch lag, ${name}`,
    metric: `p${share * 100}`,
    value: percentile(lags_ms, share) ?? 0,
    unit: "ms",
    conditions,
  }));
}

/** Updates pods in turn at WRITES_PER_S, as nearly as the clock lets it. */
async function write({ client, replica }: StoreRig, for_ms: number): Promise<{ readonly written: number; readonly took_ms: number }> {
  const run = random.uuid().slice(0, 8);
  const start_ms = performance.now();
  const outcomes: Promise<unknown>[] = [];
  let written = 0;
  let inFlight = 0;
  const put = async (): Promise<void> => {
    inFlight++;
    const i = written++ % PODS;
    const key = `pods/default/lag-${i}`;
    const sent = `"sent":"${now_ms().toFixed(3).padStart(17, "0")}"`;
    const text = podText(`lag-${i}`, `uid-${i}`, `${selected(i)},${sent}`);
    const entry = replica.entry(key);
    if (entry === undefined) throw new Error(`${key} is gone`);
    const outcome = await client.propose({
      request: `${run}/${written}`,
      mutations: [{ op: "update", key, text, expect: entry.revision }],
    });
    if (!outcome.committed) throw new Error(`${key} was changed by somebody else`);
    inFlight--;
  };
  while (performance.now() - start_ms < for_ms) {
    const due = Math.floor(((performance.now() - start_ms) / 1_000) * WRITES_PER_S);
    while (written < due && inFlight < WRITES_IN_FLIGHT_MAX) outcomes.push(put());
    await pause(WRITE_EVERY_MS);
  }
  await Promise.all(outcomes);
  return { written, took_ms: performance.now() - start_ms };
}
