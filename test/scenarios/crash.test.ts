import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GaplessWatch } from "../../cluster/chaos/gapless-watch.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { crashHost } from "./inspector.ts";
import { killIfThere, Launch } from "./launch.ts";
import { discard, freshDataDirectory, Troupe } from "./troupe.ts";

/** Every moment and victim comes from here. A failed run prints it; TROUPE_SEED=<it> runs the same again. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
/** TROUPE_CRASH_ROUNDS=50 for a long evening. */
const rounds = Number(process.env.TROUPE_CRASH_ROUNDS ?? 4);

const REPLICAS = 500;
const NODES = ["--nodes", "20"];
/** A rollout of that size takes about this long, so a moment in it is anything below. */
const ROLLOUT_MS = 3_000;
/** The same of a start and of a drain. */
const START_MS = 1_500;
const DRAIN_MS = 300;
/** Long after that nothing of a killed cluster may be left. */
const ROUND_MS_MAX = 60_000;

type Victim = "program" | "launcher" | "npm" | "all";
const VICTIMS: readonly Victim[] = ["program", "launcher", "npm", "all"];

const random = seededRandom(seed);
const below = (bound: number): number => random.below(bound);
const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;

let data: string;
beforeEach(() => {
  data = freshDataDirectory();
});
afterEach(() => {
  new Launch(data, ["--help"]).killAll();
  discard(data);
});

/** Everything else of a killed cluster has to end by itself. */
function kill(launch: Launch, victim: Victim): void {
  if (victim === "all") launch.killAll();
  else if (victim === "program") killIfThere(launch.programPid ?? launch.pid);
  else if (victim === "npm") killIfThere(launch.pid);
  else killIfThere(launch.processes().find(({ command }) => /troupe\.mjs up /.test(command) && !/^(npm|sh) /.test(command))?.pid);
}

async function rolledOut({ kubectl }: Troupe, image: string): Promise<void> {
  await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=120s"]);
  const path = "jsonpath={.items[*].spec.containers[0].image}";
  const list = ["get", "pods", "-l", "app=web", "--field-selector=status.phase=Running", "-o", path];
  const images = await until("one image everywhere", async () => {
    const all = (await kubectl.ok(list)).split(" ");
    return new Set(all).size === 1 && all;
  });
  expect(images).toEqual(Array(REPLICAS).fill(image));
}

describe(`kill -9 (TROUPE_SEED=${seed})`, () => {
  test(
    `${rounds} times, of anything, at any moment: nothing acknowledged is lost, the rollout finishes, nothing of before is left`,
    async () => {
      const ledger = new Ledger(below);
      let image = "nginx:0";
      for (let round = 1; round <= rounds; round++) {
        const victim = round === 1 ? "program" : pick(VICTIMS);
        const when = round === 1 ? "rollout" : pick(["rollout", "rollout", "start", "drain"] as const);
        const moment_ms = below(when === "rollout" ? ROLLOUT_MS : when === "start" ? START_MS : DRAIN_MS);
        const about = `round ${round}: ${victim} ${moment_ms} ms into a ${when}`;
        const launch = new Launch(data, NODES, { npm: victim === "npm" });
        if (when === "start") {
          await delay(moment_ms);
        } else {
          const troupe = await Troupe.of(launch);
          expect(await ledger.complaints(troupe.kubeconfig), about).toEqual([]);
          if (round === 1) await troupe.kubectl.ok(["create", "deployment", "web", `--image=${image}`, `--replicas=${REPLICAS}`]);
          const done = new AbortController();
          const writing = ledger.write(troupe.kubeconfig, done.signal);
          image = `nginx:${round}`;
          await troupe.kubectl.ok(["set", "image", "deployment/web", `nginx=${image}`]);
          if (when === "drain") {
            await delay(below(ROLLOUT_MS));
            launch.child.kill("SIGTERM");
          }
          await delay(moment_ms);
          kill(launch, victim);
          await writing;
          done.abort();
        }
        const before = launch.processes();
        kill(launch, victim);
        // Half of the time the next start finds what is not gone yet.
        if (below(2) === 0) await until(`the end of ${about}`, () => launch.processes().length === 0, 12_000);
        const next = new Launch(data, NODES);
        const troupe = await Troupe.of(next);
        const pids = new Set(before.map(({ pid }) => pid));
        await until(`the end of what was before ${about}`, () => troupe.processes().every(({ pid }) => !pids.has(pid)), 5_000);
        expect(await ledger.complaints(troupe.kubeconfig), about).toEqual([]);
        if (round === rounds) await rolledOut(troupe, image);
        await troupe.stop();
      }
      expect(ledger.acknowledged).toBeGreaterThan(0);
    },
    rounds * ROUND_MS_MAX,
  );
});

describe("a part that dies is started again, and everything goes on", () => {
  /** Runs a rollout and a ledger through something bad, and holds the API to its promises afterwards. */
  async function through(
    options: { env?: NodeJS.ProcessEnv },
    bad: (troupe: Troupe) => Promise<void>,
    flags: readonly string[] = [],
  ): Promise<Ledger> {
    const troupe = await Troupe.up(data, [...NODES, ...flags], options);
    const { kubectl, kubeconfig } = troupe;
    await kubectl.ok(["create", "deployment", "web", "--image=nginx:1", `--replicas=${REPLICAS}`]);
    const ledger = new Ledger(below);
    const done = new AbortController();
    const watch = await GaplessWatch.of(kubeconfig, "/api/v1/namespaces/default/configmaps");
    const pods = await GaplessWatch.of(kubeconfig, "/api/v1/namespaces/default/pods");
    const writing = ledger.write(kubeconfig, done.signal);
    // A writer ends with its connection: one that was cut before anything was acknowledged would have nothing to tell.
    await until("a first write", () => ledger.acknowledged > 0);
    await delay(below(1_000));
    await bad(troupe);
    await until("a write", async () => (await kubectl.run(["set", "image", "deployment/web", "nginx=nginx:2"])).code === 0);
    await rolledOut(troupe, "nginx:2");
    done.abort();
    await writing;
    expect(await ledger.complaints(kubeconfig)).toEqual([]);
    await watch.agrees();
    await pods.agrees();
    expect([...watch.faults, ...pods.faults]).toEqual([]);
    await watch.close();
    await pods.close();
    expect(ledger.acknowledged).toBeGreaterThan(0);
    await troupe.stop();
    return ledger;
  }

  test("nats-server killed", async () => {
    await through({}, async ({ launch }) => {
      const [old = 0, ...more] = launch.natsServerPids;
      expect(more).toEqual([]);
      process.kill(old, "SIGKILL");
      await until("another nats-server", () => launch.natsServerPids.some((pid) => pid !== old));
    });
  });

  test("nats-server stopped for five seconds", async () => {
    await through({}, async ({ launch }) => {
      const [server = 0] = launch.natsServerPids;
      process.kill(server, "SIGSTOP");
      await delay(5_000);
      process.kill(server, "SIGCONT");
    });
  });

  test.each([
    ["all", 1],
    ["gateway", 2],
    ["control", 2],
  ])("the host %s of %i crashed", async (host, threads) => {
    // The inspector is the one way into a thread of a program that knows nothing of tests.
    await through({ env: { NODE_OPTIONS: "--inspect-port=0" } }, ({ launch }) => crashHost(launch, host), ["--threads", String(threads)]);
  });
});
