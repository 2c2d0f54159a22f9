import { systemClock, systemRandom } from "../../runtime/mod.ts";
import { percentile } from "../driver/percentile.ts";
import type { Figure } from "../figure.ts";
import { ClientThread } from "./client-thread.ts";
import { openGateway } from "./gateway-rig.ts";
import { LAG_PODS, type PacedWrites, writePaced } from "./paced-writes.ts";
import { OBJECT_BYTES, podText } from "./pod-text.ts";
import { sentText, wallClock_ms } from "./sent-times.ts";
import { fill, type StoreRig, startStoreRig } from "./store-rig.ts";

export const LAG_WATCHERS = 1_000;
export const LAG_SELECTORS = 100;
export const LAG_WARM_UP_MS = 3_000;
export const LAG_MEASURED_MS = 8_000;
export const LAG_SETTLE_MS = 1_000;

const clock = systemClock();
const random = systemRandom();
const selected = (i: number): string => `"app":"web-${i % LAG_SELECTORS}"`;
const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

/**
 * How late events are: from the moment a write is proposed to the arrival of its event, durable in between. Measured for watchers of the
 * replica, and for 1,000 HTTPS watches in another thread, each with a TLS connection of its own.
 */
export async function measureLags(): Promise<readonly Figure[]> {
  const rig = await startStoreRig();
  await fill(rig, LAG_PODS, "lag", selected);
  const { gateway, access } = await openGateway(rig);
  const client = new ClientThread(access);
  const local_ms: number[] = [];
  const watch = rig.replica.watch("pods", rig.replica.revision, ({ now }) => {
    const sent = /"sent":"([\d.]+)/.exec(now?.text.slice(0, 400) ?? "")?.[1];
    if (sent !== undefined) local_ms.push(wallClock_ms() - Number(sent));
  });
  try {
    const since = rig.replica.revision;
    const paths = Array.from(
      { length: LAG_WATCHERS },
      (_, i) => `/api/v1/pods?watch=1&resourceVersion=${since}&labelSelector=app%3Dweb-${i % LAG_SELECTORS}`,
    );
    await client.run({ type: "watch", paths }, "watching");
    await write(rig, LAG_WARM_UP_MS);
    await pause(LAG_SETTLE_MS);
    await client.run({ type: "report" }, "report");
    local_ms.length = 0;
    const { written, took_ms } = await write(rig, LAG_MEASURED_MS);
    await pause(LAG_SETTLE_MS);
    const { lags_ms, lost } = await client.run({ type: "report" }, "report");
    const rate = (written / took_ms) * 1_000;
    const missing = written * (LAG_WATCHERS / LAG_SELECTORS) - lags_ms.length;
    const conditions =
      `${Math.round(rate)} writes/s of ${OBJECT_BYTES} bytes, ${LAG_SELECTORS} label selectors; gateway, writer and replica in one thread; ` +
      `${lags_ms.length} events to HTTPS watchers, ${missing} missing, ${lost} watches cut off; ${rig.conditions}`;
    return [
      ...lagFigures(`${LAG_WATCHERS} HTTPS watchers`, lags_ms, conditions),
      ...lagFigures("a watcher of the replica", Float64Array.from(local_ms), conditions),
    ];
  } finally {
    watch.cancel();
    await client.close();
    await gateway.close(0);
    await rig.stop();
  }
}

/** The percentiles of one kind of watcher. */
export function lagFigures(name: string, lags_ms: Float64Array, conditions: string): Figure[] {
  return [0.5, 0.99, 0.999].map((share) => ({
    suite: "store",
    case: `watch lag, ${name}`,
    metric: `p${share * 100}`,
    value: percentile(lags_ms, share) ?? 0,
    unit: "ms",
    conditions,
  }));
}

function write({ client, replica }: StoreRig, for_ms: number): Promise<PacedWrites> {
  const run = random.uuid().slice(0, 8);
  let written = 0;
  return writePaced(clock, for_ms, async (i) => {
    const key = `pods/default/lag-${i}`;
    const text = podText(`lag-${i}`, `uid-${i}`, `${selected(i)},${sentText(wallClock_ms())}`);
    const entry = replica.entry(key);
    if (entry === undefined) throw new Error(`${key} is gone`);
    const outcome = await client.propose({
      request: `${run}/${written++}`,
      mutations: [{ op: "update", key, text, expect: entry.revision }],
    });
    if (!outcome.committed) throw new Error(`${key} was changed by somebody else`);
  });
}
