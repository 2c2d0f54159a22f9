import { ETCD_MISSING, EtcdServer } from "./driver/etcd-server.ts";
import type { Figure } from "./figure.ts";
import { printFigures } from "./figure.ts";
import { measureEtcdLags } from "./store/etcd-lags.ts";
import { EtcdPuts } from "./store/etcd-put.ts";
import { measureLags } from "./store/lags.ts";
import { measureLists } from "./store/lists.ts";
import { measureMemory } from "./store/memory.ts";
import { OBJECT_BYTES } from "./store/pod-text.ts";
import { measurePuts, type Putting } from "./store/puts.ts";
import { measureReplay } from "./store/replay.ts";
import { startStoreRig } from "./store/store-rig.ts";

/**
 * `node bench/store.bench.ts [--json] [PART...] [compress bytes]`: the store on a real nats-server ($NATS_SERVER or PATH), beside etcd ($ETCD_SERVER)
 * on the same disk. The optional number replaces the size from which batches are compressed.
 *
 *   puts     creations of pod-sized objects, so many in flight, here and in etcd in turn; then how fast the log is replayed
 *   list     a consistent list of 150,000 pods over HTTPS
 *   watch    how late the events of 1,000 watches are while 5,000 writes a second go in, here and in etcd in turn
 *   memory   what a replica holds for each pod
 */
const CASES = [
  { inFlight: 1, puts: 2_000, etcdPuts: 1_000 },
  { inFlight: 64, puts: 30_000, etcdPuts: 5_000 },
  { inFlight: 1_000, puts: 100_000, etcdPuts: 20_000 },
];
const WARM_UP = { inFlight: 100, puts: 5_000 };

async function puts(print: (figures: readonly Figure[]) => void): Promise<void> {
  const rig = await startStoreRig(Number.isNaN(compressBytesMin) ? undefined : compressBytesMin);
  const etcd = ETCD_MISSING === undefined ? await EtcdServer.start() : undefined;
  if (ETCD_MISSING !== undefined) process.stderr.write(`bench: ${ETCD_MISSING}\n`);
  let made = 0;
  const ours: Putting = {
    name: "Troupe",
    conditions: `${OBJECT_BYTES} bytes, ${rig.conditions}, one replica in the same thread`,
    pid: rig.natsPid,
    async put(name, text) {
      const mutation = { op: "create", key: `pods/default/${name}`, text: text as never } as const;
      const outcome = await rig.client.propose({ request: `bench/${made++}`, mutations: [mutation] });
      if (!outcome.committed) throw new Error(`${name} exists`);
    },
  };
  try {
    await measurePuts(ours, WARM_UP.inFlight, WARM_UP.puts);
    for (const { inFlight, puts: count, etcdPuts } of CASES) {
      print(await measurePuts(ours, inFlight, count));
      if (etcd === undefined) continue;
      const client = new EtcdPuts(etcd.url, Math.min(inFlight, 100));
      const conditions = `${OBJECT_BYTES} bytes, etcd ${etcd.version}, fsync as it always does, gRPC over ${Math.min(inFlight, 100)} connections`;
      const theirs: Putting = {
        name: "etcd",
        conditions,
        pid: etcd.pid ?? 0,
        put: (name, text) => client.put(`/registry/pods/${name}`, text),
      };
      print(await measurePuts(theirs, inFlight, etcdPuts));
      client.close();
    }
    print(await measureReplay(rig));
  } finally {
    await etcd?.remove();
    await rig.stop();
  }
}

const PARTS: Readonly<Record<string, (print: (figures: readonly Figure[]) => void) => Promise<void>>> = {
  puts,
  list: async (print) => print(await measureLists()),
  watch: async (print) => {
    print(await measureLags());
    if (ETCD_MISSING === undefined) print(await measureEtcdLags());
    else process.stderr.write(`bench: ${ETCD_MISSING}\n`);
  },
  memory: async (print) => print(measureMemory()),
};

const args = process.argv.slice(2);
const json = args.includes("--json");
const compressBytesMin = Number(args.find((arg) => /^\d+$/.test(arg)) ?? Number.NaN);
const wanted = args.filter((arg) => Object.hasOwn(PARTS, arg));
for (const part of wanted.length > 0 ? wanted : Object.keys(PARTS)) await PARTS[part]?.((figures) => printFigures(figures, json));
