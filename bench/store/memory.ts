import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BatchBuilder } from "../../actors/store/batch-builder.ts";
import { decodeBatch } from "../../actors/store/record.ts";
import { Replica } from "../../actors/store/replica.ts";
import { silentLogger, systemClock, systemRandom } from "../../runtime/mod.ts";
import type { Figure } from "../figure.ts";
import { OBJECT_BYTES, podText } from "./pod-text.ts";

const PODS = 150_000;
const BATCH = 500;
const APPEND_BYTES = 8 * 1024 * 1024;
const NODES = 5_000;

/** What a replica that follows a log holds for each pod beyond its packed bytes, with three indexes and the changes of the history window. */
export function measureMemory(): readonly Figure[] {
  const collect = garbageCollector();
  const random = systemRandom();
  const replica = new Replica({ clock: systemClock(), log: silentLogger });
  const values = (_object: unknown): readonly string[] => [];
  replica.index({ name: "node", resource: "pods", values, valuesOfText: ({ revision }) => [`node-${revision % NODES}`] });
  replica.index({ name: "owner", resource: "pods", values, valuesOfText: ({ revision }) => [`owner-${revision >> 3}`] });
  replica.index({ name: "none", resource: "pods", values, valuesOfText: () => [] });
  const builder = new BatchBuilder();
  collect();
  const before = process.memoryUsage();
  let packed = 0;
  for (let at = 0; at < PODS; at += BATCH) {
    builder.begin(at + 1);
    for (let i = at; i < at + BATCH; i++) {
      const text = podText(`pod-${i}`, random.uuid());
      packed += text.length;
      builder.add({ request: `memory/${i}`, mutations: [{ op: "create", key: `pods/default/pod-${i}`, text }] }, APPEND_BYTES);
    }
    replica.apply(at / BATCH + 1, decodeBatch(at / BATCH + 1, builder.finish().bytes));
  }
  replica.list("pods");
  collect();
  const after = process.memoryUsage();
  const held = after.heapUsed + after.external - before.heapUsed - before.external;
  const conditions = `${PODS} pods of ${OBJECT_BYTES} bytes in one namespace, listed once; 3 indexes; ${PODS} changes and requests of the window`;
  const named = { suite: "store", case: "memory of a replica", conditions };
  return [
    { ...named, metric: "packed bytes", value: packed / PODS, unit: "bytes a pod" },
    { ...named, metric: "beyond them", value: (held - packed) / PODS, unit: "bytes a pod" },
    { ...named, metric: "heap after all", value: after.heapUsed / 1e6, unit: "MB" },
    { ...named, metric: "pods at the end", value: replica.count("pods"), unit: "" },
  ];
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
