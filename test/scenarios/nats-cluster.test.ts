import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { GaplessWatch } from "../../cluster/chaos/gapless-watch.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { NatsCluster } from "../actors/store/nats-cluster.ts";
import { NatsServer } from "../actors/store/nats-server.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const LOG = "troupe-log";
const MEMBERS = "KV_troupe-members";
const STREAMS = [LOG, `${LOG}-high-water`, MEMBERS];
const PATH = "/api/v1/namespaces/default/configmaps";
/** A server that stands still for longer than JetStream takes to choose another leader. */
const STILL_MS = 12_000;

let troupe: Troupe | undefined;
const directories: string[] = [];
afterEach(async () => {
  await troupe?.discard();
  troupe = undefined;
  for (const data of directories.splice(0)) discard(data);
});

function dataDirectory(): string {
  const data = freshDataDirectory();
  directories.push(data);
  return data;
}

async function refused(args: readonly string[], words: RegExp): Promise<void> {
  const { code, stderr } = await runTroupe(args);
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(words);
}

async function done(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTroupe(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const random = seededRandom(9);
const ledger = new Ledger((bound) => random.below(bound));

async function writesGoOn(): Promise<void> {
  const before = ledger.acknowledged;
  await until("writes", () => ledger.acknowledged > before + 100, 90_000);
}

/** Elections take their time: two minutes that not every run of all tests has. store/store-nats-cluster.test.ts is always run. */
const LONG = process.env.TROUPE_LONG !== undefined;

describe.runIf(LONG)("on a NATS cluster of three servers (TROUPE_LONG=1)", () => {
  let nats: NatsCluster;
  beforeAll(async () => {
    nats = await NatsCluster.start();
  });
  afterAll(() => nats.remove());

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

  test("is backed up while it runs, and restored onto servers whose store is to go; never under a Troupe that runs", async () => {
    const [data, nats1] = [dataDirectory(), nats.urls[0] ?? ""];
    troupe = await Troupe.up(data, ["--only", "api", "--nats", nats1]);
    await troupe.kubectl.ok(["create", "configmap", "in-the-backup", "--from-literal=a=b"]);
    const file = join(data, "../backup");
    await done(["backup", file, "--data", data, "--nats", nats1]);
    await troupe.kubectl.ok(["create", "configmap", "after-it", "--from-literal=a=b"]);
    // A command that only reads takes no copies away.
    expect((await nats.streams([LOG])).map(({ config }) => config.num_replicas)).toEqual([3]);
    const restore = ["restore", file, "--nats", nats1, "--data"];
    await refused([...restore, dataDirectory()], /holds a cluster already, .* or give --replace/);
    await refused([...restore, dataDirectory(), "--replace"], /a Troupe runs on the store .*; stop it/);
    expect(await troupe.kubectl.ok(["get", "configmap", "after-it", "-o", "name"])).toBe("configmap/after-it");
    await troupe.stop();

    const restored = dataDirectory();
    expect(await done([...restore, restored, "--replace"])).toMatch(/^restored revision \d+/);
    // The one that was there knows that this is not its log.
    await refused(
      ["up", "--data", data, "--api-port", "0", "--only", "api", "--nats", nats1],
      /is gone, and another .* stands in its place/,
    );
    troupe = await Troupe.up(restored, ["--only", "api", "--nats", nats1]);
    const there = await troupe.kubectl.ok(["get", "configmaps", "-o", "name"]);
    expect(there).toMatch(/configmap\/in-the-backup/);
    expect(there).not.toMatch(/after-it/);
    expect((await nats.streams(STREAMS)).map(({ config }) => config.num_replicas)).toEqual([3, 3, 3]);
    await troupe.stop();
  }, 240_000);
});

test("on one NATS server of somebody else's: backup and restore from one to the other", async () => {
  const [one, other] = [await NatsServer.start(), await NatsServer.start()];
  try {
    const data = dataDirectory();
    troupe = await Troupe.up(data, ["--only", "api", "--nats", `nats://${one.url}`]);
    expect(troupe.status()).toMatchObject({ copies: 1, natsServer: null });
    await troupe.kubectl.ok(["create", "configmap", "kept", "--from-literal=a=b"]);
    await refused(
      ["up", "--data", dataDirectory(), "--api-port", "0", "--only", "api", "--nats", `nats://${one.url}`],
      /a Troupe of another data directory runs on the same store/,
    );
    expect(await troupe.kubectl.ok(["get", "--raw", "/readyz"])).toBe("ok");
    const file = join(data, "../backup");
    await done(["backup", file, "--data", data, "--nats", `nats://${one.url}`]);
    await troupe.stop();
    const restored = dataDirectory();
    await refused(["backup", `${file}-2`, "--data", restored, "--nats", `nats://${other.url}`], /there is no cluster in JetStream at/);
    await done(["restore", file, "--data", restored, "--nats", `nats://${other.url}`]);
    troupe = await Troupe.up(restored, ["--only", "api", "--nats", `nats://${other.url}`]);
    expect(await troupe.kubectl.ok(["get", "configmap", "kept", "-o", "name"])).toBe("configmap/kept");
    await troupe.stop();
    expect((await runTroupe(["restore", file, "--data", dataDirectory(), "--replace"])).code).toBe(2);
  } finally {
    await one.remove();
    await other.remove();
  }
}, 120_000);
