import { Cluster, Draw, IndexCache, placeBatch } from "../../scheduler-core/mod.ts";
import type { PlacePool } from "./scheduler.ts";

/** Decides on the thread that asks, at once: for virtual time, in which another thread's time does not count. */
export function placeHere(): PlacePool {
  const indexes = new IndexCache();
  return { run: async ({ cluster, batch, seed }) => placeBatch(Cluster.over(cluster), batch, indexes, new Draw(seed)) };
}
