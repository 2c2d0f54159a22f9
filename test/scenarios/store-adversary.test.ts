import { randomInt } from "node:crypto";
import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "nats";
import { afterEach, expect, test } from "vitest";
import { readBackup } from "../../actors/store/backup-file.ts";
import { Replica } from "../../actors/store/replica.ts";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { runningAddress } from "../../cluster/boot/nats-server.ts";
import { GaplessWatch } from "../../cluster/chaos/gapless-watch.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { connectionOptions } from "../../cluster/nats/address.ts";
import { seededRandom, silentLogger, systemClock } from "../../runtime/mod.ts";
import { Launch } from "./launch.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

/** Every moment comes from here. A failed run prints it; TROUPE_SEED=<it> runs the same again. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
/** TROUPE_CRASH_ROUNDS=50 for a long evening. */
const rounds = Number(process.env.TROUPE_CRASH_ROUNDS ?? 4);
const ROUND_MS_MAX = 60_000;
const PATH = "/api/v1/namespaces/default/configmaps";
/** A snapshot is taken and the log cut every second or so. */
const SNAPSHOTS_OFTEN = { TROUPE_SNAPSHOT_REVISIONS: "100" };
const API = ["--only", "api"];
const LOG = "troupe-log";

const random = seededRandom(seed);
const below = (bound: number): number => random.below(bound);

const directories: string[] = [];
const launches: Launch[] = [];
afterEach(() => {
  for (const launch of launches.splice(0)) launch.killAll();
  for (const data of directories.splice(0)) discard(data);
});

function dataDirectory(): string {
  const data = freshDataDirectory();
  directories.push(data);
  return data;
}

async function up(data: string, env: NodeJS.ProcessEnv = {}): Promise<Troupe> {
  const launch = new Launch(data, API, { env });
  launches.push(launch);
  return Troupe.of(launch);
}

/** Config maps of about 4 KB. */
async function create(kubeconfig: string, from: number, to: number): Promise<void> {
  const client = new ApiClient(readKubeconfig(kubeconfig), 8);
  const one = async (i: number): Promise<void> => {
    const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `kept-${i}` }, data: { a: `${i} `.repeat(800) } });
    await client.call({ method: "POST", path: PATH, body });
  };
  await Promise.all(Array.from({ length: to - from + 1 }, (_, i) => one(from + i)));
  await client.close();
}

async function names(troupe: Troupe): Promise<readonly string[]> {
  const client = new ApiClient(readKubeconfig(troupe.kubeconfig), 1);
  const { items } = (await client.call({ method: "GET", path: PATH })) as { items: { metadata: { name: string } }[] };
  await client.close();
  return items.map(({ metadata }) => metadata.name);
}

test(
  `kill -9 at any moment of the very first start (TROUPE_SEED=${seed}): the next one is as if nothing had been`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      const data = dataDirectory();
      const first = new Launch(data, API);
      launches.push(first);
      const moment_ms = below(1_500);
      await delay(moment_ms);
      first.killAll();
      const troupe = await up(data);
      await troupe.kubectl.ok(["create", "configmap", "a", "--from-literal=b=c"]);
      expect(troupe.launch.stderr, `killed after ${moment_ms} ms`).toBe("");
      await troupe.stop();
    }
  },
  rounds * ROUND_MS_MAX,
);

test(
  `kill -9 while snapshots are taken and the log is cut all the time (TROUPE_SEED=${seed}): nothing is lost`,
  async () => {
    const data = dataDirectory();
    const ledger = new Ledger(below);
    for (let round = 0; round < rounds; round++) {
      const troupe = await up(data, SNAPSHOTS_OFTEN);
      expect(await ledger.complaints(troupe.kubeconfig), `round ${round}`).toEqual([]);
      const before = ledger.acknowledged;
      const writing = ledger.write(troupe.kubeconfig, new AbortController().signal);
      await until("writes", () => ledger.acknowledged > before + 150);
      await delay(below(2_000));
      troupe.launch.killAll();
      await writing;
    }
    const troupe = await up(data, SNAPSHOTS_OFTEN);
    expect(await ledger.complaints(troupe.kubeconfig)).toEqual([]);
    await troupe.stop();
  },
  rounds * ROUND_MS_MAX,
);

test(
  `kill -9 at any moment of a backup and of a restore (TROUPE_SEED=${seed}): each is whole, or not there, or refused`,
  async () => {
    const original = await up(dataDirectory());
    await create(original.kubeconfig, 1, 2_000);
    const file = join(original.data, "../whole");
    expect((await runTroupe(["backup", file, "--data", original.data])).code).toBe(0);
    const wanted = await names(original);
    for (let round = 0; round < rounds; round++) {
      const half = join(original.data, `../half-${round}`);
      await killed(original.data, ["backup", half, "--data", original.data], below(1_500));
      const replica = new Replica({ clock: systemClock(), log: silentLogger, rememberRequests: false });
      if (existsSync(half)) await readBackup(half, replica);
      expect(replica.count("configmaps") === 0 || replica.list("configmaps").length >= wanted.length).toBe(true);
      // What it had written so far is no backup, by its name and by what is in it, unless all was written and it lacked its name only.
      for (const name of readdirSync(join(half, "..")).filter((name) => name.startsWith(`half-${round}.part-`))) {
        const draft = new Replica({ clock: systemClock(), log: silentLogger, rememberRequests: false });
        const read = await readBackup(join(half, "..", name), draft).catch((error: unknown) => String(error));
        if (typeof read === "string") expect(read).toMatch(/is damaged at/);
        else expect(draft.list("configmaps").length).toBeGreaterThanOrEqual(wanted.length);
      }
    }
    await original.stop();
    for (let round = 0; round < rounds; round++) {
      const data = dataDirectory();
      await killed(data, ["restore", file, "--data", data], below(2_500));
      // Killed before it had said that it is under way, it has made nothing: its lock, at most, and a draft of that word.
      if (!existsSync(data) || readdirSync(data).every((name) => /^(lock|restoring\.)/.test(name))) continue;
      const launch = new Launch(data, API);
      launches.push(launch);
      const troupe = await Troupe.of(launch).catch((error: Error) => error);
      if (troupe instanceof Error) {
        expect(troupe.message).toMatch(/a restore into .* was cut short, so there is half a cluster in it; remove it and restore again/);
        continue;
      }
      expect(await names(troupe)).toEqual(wanted);
      await troupe.stop();
    }
  },
  rounds * 2 * ROUND_MS_MAX,
);

/** Runs a command and kills it, and what it started, after so long. */
async function killed(data: string, args: readonly string[], moment_ms: number): Promise<void> {
  const running = runTroupe(args);
  const ended = await Promise.race([running.then(() => true), delay(moment_ms, false)]);
  if (ended) return;
  for (const { pid, command } of new Launch(data, ["--help"]).processes()) {
    if (command.includes(` ${args[0]} `) || (args[0] === "restore" && command.includes("nats-server"))) process.kill(pid, "SIGKILL");
  }
  await running;
}

test("a data directory that was copied while it was written to is a cluster that has all of before, or is refused", async () => {
  const original = await up(dataDirectory(), SNAPSHOTS_OFTEN);
  await create(original.kubeconfig, 1, 300);
  const ledger = new Ledger(below);
  const done = new AbortController();
  const writing = ledger.write(original.kubeconfig, done.signal);
  const copies: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = ledger.acknowledged;
    await until("writes", () => ledger.acknowledged > before + 100);
    const copy = dataDirectory();
    copies.push(copy);
    // Files may go while they are copied: snapshots do.
    for (let tries = 0; tries < 5; tries++) {
      try {
        cpSync(original.data, copy, { recursive: true, force: true });
        break;
      } catch {
        await delay(20);
      }
    }
  }
  let started = 0;
  for (const copy of copies) {
    const launch = new Launch(copy, API);
    launches.push(launch);
    const troupe = await Troupe.of(launch).catch((error: Error) => error);
    if (troupe instanceof Error) {
      expect(troupe.message).toMatch(/has lost what was acknowledged|cannot open the store/);
      continue;
    }
    started++;
    const there = new Set(await names(troupe));
    expect(Array.from({ length: 300 }, (_, i) => `kept-${i + 1}`).filter((name) => !there.has(name))).toEqual([]);
    await troupe.kubectl.ok(["create", "configmap", "of-the-copy", "--from-literal=a=b"]);
    await troupe.stop();
  }
  process.stdout.write(`${started} of ${copies.length} copies of a running cluster's directory started\n`);
  done.abort();
  await writing;
  expect(await ledger.complaints(original.kubeconfig)).toEqual([]);
  await original.stop();
}, 240_000);

test("a log that somebody purges again and again, under a host that writes and one that follows: it is put back, nothing is lost", async () => {
  const data = dataDirectory();
  const launch = new Launch(data, [...API, "--threads", "2"]);
  launches.push(launch);
  const troupe = await Troupe.of(launch);
  const connection = await connect(connectionOptions(runningAddress(data) ?? { servers: [] }));
  const { streams } = await connection.jetstreamManager();
  const ledger = new Ledger(below);
  try {
    for (let round = 0; round < rounds; round++) {
      const before = ledger.acknowledged;
      const done = new AbortController();
      const writing = ledger.write(troupe.kubeconfig, done.signal);
      await until("writes", () => ledger.acknowledged > before + 150);
      await streams.purge(LOG);
      await until("the new beginning", () => launch.stderr.split("the log of the store begins anew").length > round + 1);
      await delay(below(1_000));
      done.abort();
      await writing;
      // The gateway's host may have to start again.
      await until("an answer", () => troupe.kubectl.run(["get", "--raw", "/readyz"]).then(({ code }) => code === 0));
      expect(await ledger.complaints(troupe.kubeconfig), `round ${round}`).toEqual([]);
    }
  } finally {
    await connection.close();
  }
  await troupe.stop();
  const again = await up(data);
  expect(await ledger.complaints(again.kubeconfig)).toEqual([]);
  await again.stop();
}, 240_000);

test("a clock that jumps back and forth by days, as far as certificates allow, changes nothing", async () => {
  const data = dataDirectory();
  const jumping = join(data, "../jumping-clock.mjs");
  const source = `
    const now = Date.now.bind(Date);
    let offset_ms = 0;
    setInterval(() => { offset_ms = (Math.random() < 0.5 ? -4 : 2_880) * Math.random() * 60_000; }, 100).unref();
    Date.now = () => Math.round(now() + offset_ms);
  `;
  writeFileSync(jumping, source);
  const env = { ...SNAPSHOTS_OFTEN, NODE_OPTIONS: `--import=${jumping}` };
  const ledger = new Ledger(below);
  // The certificates are made while the clock is right: of those of the day after tomorrow no client would hear today.
  await (await up(data)).stop();
  for (let round = 0; round < 2; round++) {
    const troupe = await up(data, env);
    expect(await ledger.complaints(troupe.kubeconfig)).toEqual([]);
    const watch = await GaplessWatch.of(troupe.kubeconfig, PATH);
    const done = new AbortController();
    const writing = ledger.write(troupe.kubeconfig, done.signal);
    const before = ledger.acknowledged;
    await until("writes", () => ledger.acknowledged > before + 600);
    done.abort();
    await writing;
    expect(ledger.putOff).toBe(0);
    expect(await ledger.complaints(troupe.kubeconfig)).toEqual([]);
    await watch.agrees();
    expect(watch.faults).toEqual([]);
    expect(watch.resumed).toBe(0);
    await watch.close();
    await troupe.stop();
  }
});
