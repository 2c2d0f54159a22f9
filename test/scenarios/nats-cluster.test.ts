import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../runtime/mod.ts";
import { NatsCluster } from "../actors/store/nats-cluster.ts";
import { GaplessWatch } from "./gapless-watch.ts";
import { Ledger } from "./ledger.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";
import { until } from "./until.ts";

const LOG = "troupe-log";
const MEMBERS = "KV_troupe-members";
const STREAMS = [LOG, `${LOG}-high-water`, MEMBERS];
const PATH = "/api/v1/namespaces/default/configmaps";
/** A server that stands still for longer than JetStream takes to choose another leader. */
const STILL_MS = 12_000;

let nats: NatsCluster;
let troupe: Troupe | undefined;
beforeAll(async () => {
  nats = await NatsCluster.start();
});
afterEach(async () => {
  await troupe?.discard();
  troupe = undefined;
});
afterAll(() => nats.remove());

const random = seededRandom(9);
const ledger = new Ledger((bound) => random.below(bound));

async function writesGoOn(): Promise<void> {
  const before = ledger.acknowledged;
  await until("writes", () => ledger.acknowledged > before + 100, 90_000);
}

describe("on a NATS cluster of three servers", () => {
  test("everything has three copies; each server is killed in turn, leaders first, and one stands still: nothing is lost, writes go on", async () => {
    const data = freshDataDirectory();
    // Any of them leads to the others.
    troupe = await Troupe.up(data, ["--nodes", "3", "--nats", nats.urls.slice(0, 2).join(",")]);
    expect(troupe.status()).toMatchObject({ copies: 3, natsServer: null });
    const done = new AbortController();
    const watch = await GaplessWatch.of(troupe.kubeconfig, PATH);
    const writing = ledger.write(troupe.kubeconfig, done.signal);
    try {
      await writesGoOn();
      const infos = await nats.streams(STREAMS);
      expect(infos.map(({ config }) => config.num_replicas)).toEqual([3, 3, 3]);
      const killed = new Set<string>();
      while (killed.size < nats.names.length) {
        const leader = await nats.leaderOf(killed.size === 1 ? MEMBERS : LOG);
        const victim = killed.has(leader) ? (nats.names.find((name) => !killed.has(name)) ?? "") : leader;
        killed.add(victim);
        await nats.kill(victim);
        await writesGoOn();
        nats.begin(victim);
        await nats.whole(STREAMS);
      }
      const still = await nats.leaderOf(LOG);
      await nats.pause(still);
      await delay(STILL_MS);
      await writesGoOn();
      nats.goOn(still);
      await nats.whole(STREAMS);
      await writesGoOn();
    } finally {
      done.abort();
      await writing;
    }
    expect(await ledger.complaints(troupe.kubeconfig)).toEqual([]);
    await watch.agrees();
    expect(watch.faults).toEqual([]);
    await watch.close();
    await troupe.stop();

    // All of them at once, with Troupe: what was acknowledged is on three disks.
    for (const name of nats.names) await nats.kill(name);
    for (const name of nats.names) nats.begin(name);
    troupe = await Troupe.up(data, ["--nodes", "3", "--nats", nats.urls[2] ?? ""]);
    expect(await ledger.complaints(troupe.kubeconfig)).toEqual([]);
    await troupe.stop();
  }, 600_000);
});
