import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MODULE = new URL("../../../cluster/boot/garbage-collection.ts", import.meta.url).href;

/** Makes 400 MB of buffers in a thread, 50 MB of which are there at any time, and prints how often V8 went through all of its heap meanwhile. */
const MAKING_BUFFERS = `
  import { PerformanceObserver, constants } from "node:perf_hooks";
  import { setTimeout as sleep } from "node:timers/promises";
  import { parentPort } from "node:worker_threads";
  let whole = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole += 1;
  }).observe({ entryTypes: ["gc"] });
  const kept = [];
  for (let made = 0; made < 400; made++) {
    kept[made % 50] = new Uint8Array(1024 * 1024);
    if (made % 10 === 0) await sleep(1);
  }
  await sleep(20);
  parentPort.postMessage(whole);
`;

async function collections(prelude: string): Promise<number> {
  const script = `${prelude}
    import { Worker } from "node:worker_threads";
    const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(MAKING_BUFFERS)})));
    worker.on("message", (whole) => console.log(whole));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  return Number(stdout);
}

test("buffers outside the heap do not have all of the heap gone through", async () => {
  const tuned = `import { collectByHeap } from ${JSON.stringify(MODULE)}; collectByHeap();`;
  const [plain, byHeap] = await Promise.all([collections(""), collections(tuned)]);
  expect(plain).toBeGreaterThan(0);
  expect(byHeap).toBeLessThan(plain);
});
