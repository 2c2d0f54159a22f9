import { ANYWHERE, Draw, IndexCache, placeBatch } from "../scheduler-core/mod.ts";
import { classOf, inventoryOf, report, stopwatch } from "./scheduler-fixtures.ts";

/** `npm run bench -- scheduler-million`: a million nodes taken in, a million pods of one template placed on them, one thread. */
const MILLION = 1_000_000;
const BATCH_PODS = 2_000;

const whole = stopwatch();
const taking = stopwatch();
const inventory = inventoryOf(MILLION);
report("scheduler-million", "nodes taken in (nodes, not pods)", MILLION, taking(), "1 thread");
const placing = stopwatch();
const pods = inventory.ready(classOf(inventory, 100));
const indexes = new IndexCache();
const random = new Draw(1);
const batch = { classes: [pods], pods: new Int32Array(BATCH_PODS), pins: new Int32Array(BATCH_PODS).fill(ANYWHERE) };
for (let done = 0; done < MILLION; done += BATCH_PODS) {
  const { slots } = placeBatch(inventory.cluster, batch, indexes, random);
  if (slots.includes(-1)) throw new Error("a pod found no node");
}
report("scheduler-million", "pods placed, index built included", MILLION, placing(), "1 thread");
const taken = whole();
const peak_mb = Math.round(process.resourceUsage().maxRSS / 1024);
report("scheduler-million", "all of it", MILLION, taken, `1 thread; ${(taken.wall_ms / 1000).toFixed(1)} s, peak memory ${peak_mb} MB`);
