import { systemClock } from "../../runtime/mod.ts";
import { EtcdServer } from "../driver/etcd-server.ts";
import type { Figure } from "../figure.ts";
import { ClientThread } from "./client-thread.ts";
import { EtcdPuts } from "./etcd-put.ts";
import { LAG_MEASURED_MS, LAG_SELECTORS, LAG_SETTLE_MS, LAG_WARM_UP_MS, LAG_WATCHERS, lagFigures } from "./lags.ts";
import { LAG_PODS, type PacedWrites, writePaced } from "./paced-writes.ts";
import { OBJECT_BYTES, podText } from "./pod-text.ts";
import { sentText, wallClock_ms } from "./sent-times.ts";

const clock = systemClock();
const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
const keyOf = (pod: number): string => `/registry/pods/web-${pod % LAG_SELECTORS}/lag-${pod}`;

/**
 * The same for etcd: 1,000 watches over gRPC on 100 prefixes, since etcd knows no selectors, while the same writes go in over gRPC. What stands
 * between etcd and a client of Kubernetes, the API server with its own watch cache, HTTPS and JSON, is not in it.
 */
export async function measureEtcdLags(): Promise<readonly Figure[]> {
  const etcd = await EtcdServer.start();
  const puts = new EtcdPuts(etcd.url);
  const client = new ClientThread(etcd.url, new URL("./etcd-watch-client.ts", import.meta.url));
  const write = (for_ms: number): Promise<PacedWrites> =>
    writePaced(clock, for_ms, (pod) =>
      puts.put(keyOf(pod), podText(`lag-${pod}`, `uid-${pod}`, `"app":"web-${pod % LAG_SELECTORS}",${sentText(wallClock_ms())}`)),
    );
  try {
    for (let pod = 0; pod < LAG_PODS; pod += 1_000)
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => puts.put(keyOf(pod + i), podText(`lag-${pod + i}`, "uid", '"a":"b"'))));
    const prefixes = Array.from({ length: LAG_WATCHERS }, (_, i) => `/registry/pods/web-${i % LAG_SELECTORS}/`);
    await client.run({ type: "watch", paths: prefixes }, "watching");
    await write(LAG_WARM_UP_MS);
    await pause(LAG_SETTLE_MS);
    await client.run({ type: "report" }, "report");
    const { written, took_ms } = await write(LAG_MEASURED_MS);
    await pause(LAG_SETTLE_MS);
    const { lags_ms, lost } = await client.run({ type: "report" }, "report");
    const missing = written * (LAG_WATCHERS / LAG_SELECTORS) - lags_ms.length;
    const conditions =
      `${Math.round((written / took_ms) * 1_000)} writes/s of ${OBJECT_BYTES} bytes, ${LAG_SELECTORS} prefixes; etcd ${etcd.version}, gRPC without TLS; ` +
      `${lags_ms.length} events, ${missing} missing, ${lost} watches ended`;
    return lagFigures(`etcd, ${LAG_WATCHERS} gRPC watchers`, lags_ms, conditions);
  } finally {
    puts.close();
    await client.close();
    await etcd.remove();
  }
}
