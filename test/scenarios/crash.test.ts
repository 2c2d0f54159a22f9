import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";
import { until } from "./until.ts";

const REPLICAS = 500;
const NODES = ["--nodes", "20"];
/** A rollout of that size takes about this long, so a moment in it is anything below. */
const MOMENT_MS_MAX = 2_000;

/** The moment of the kill comes from here. A failed run prints it; TROUPE_SEED=<it> runs the same again. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
const moment_ms = seed % MOMENT_MS_MAX;

const running: Troupe[] = [];
afterEach(async () => {
  for (const troupe of running.splice(0)) await troupe.discard();
});

async function up(data: string): Promise<Troupe> {
  const troupe = await Troupe.up(data, NODES);
  running.push(troupe);
  return troupe;
}

/** Writes config maps one after another until the server is gone; the names of those whose create was acknowledged. */
async function writeUntilGone(kubeconfig: string): Promise<readonly string[]> {
  const client = new ApiClient(readKubeconfig(kubeconfig), 1);
  const acknowledged: string[] = [];
  try {
    for (let index = 0; ; index++) {
      const name = `note-${index}`;
      const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { index: String(index) } });
      const { status } = await client.send({ method: "POST", path: "/api/v1/namespaces/default/configmaps", body });
      if (status === 201) acknowledged.push(name);
    }
  } catch {
    return acknowledged;
  } finally {
    await client.close();
  }
}

describe(`kill -9 (seed ${seed}: ${moment_ms} ms into a rollout)`, () => {
  test("of the program: nothing acknowledged is lost, the rollout finishes, nothing of before is left", async () => {
    const data = freshDataDirectory();
    const first = await up(data);
    await first.kubectl.ok(["create", "deployment", "web", "--image=nginx:1", `--replicas=${REPLICAS}`]);
    await first.kubectl.ok(["rollout", "status", "deployment/web", "--timeout=60s"]);
    const writing = writeUntilGone(first.kubeconfig);
    await first.kubectl.ok(["set", "image", "deployment/web", "nginx=nginx:2"]);
    await delay(moment_ms);
    const before = first.processes();
    await first.kill9();
    const acknowledged = await writing;

    const second = await up(data);
    running.splice(running.indexOf(first), 1);
    const { kubectl } = second;
    const names = new Set((await kubectl.ok(["get", "configmaps", "-o", "jsonpath={.items[*].metadata.name}"])).split(" "));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=60s"]);
    const images = await until("one image everywhere", async () => {
      const all = await kubectl.ok([
        "get",
        "pods",
        "-l",
        "app=web",
        "--field-selector=status.phase=Running",
        "-o",
        "jsonpath={.items[*].spec.containers[0].image}",
      ]);
      return new Set(all.split(" ")).size === 1 && all.split(" ");
    });
    expect(images).toEqual(Array(REPLICAS).fill("nginx:2"));
    const pids = new Set(before.map(({ pid }) => pid));
    expect(second.processes().filter(({ pid }) => pids.has(pid))).toEqual([]);
    await second.stop();
  });

  test("of nats-server: it is started again and everything goes on", async () => {
    const troupe = await up(freshDataDirectory());
    const { kubectl } = troupe;
    await kubectl.ok(["create", "deployment", "web", "--image=nginx:1", "--replicas=50"]);
    await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=60s"]);
    const servers = (): readonly number[] =>
      troupe
        .processes()
        .filter(({ command }) => /nats-server.* -c /.test(command))
        .map(({ pid }) => pid);
    const [old = 0, ...more] = servers();
    expect(more).toEqual([]);
    process.kill(old, "SIGKILL");
    await until("another nats-server", () => servers().some((pid) => pid !== old));
    await until("a write", async () => (await kubectl.run(["scale", "deployment/web", "--replicas=80"])).code === 0);
    await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=60s"]);
    expect(await kubectl.ok(["get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}"])).toBe("80");
    await troupe.stop();
  });
});
