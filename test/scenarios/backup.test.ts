import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { discard, freshDataDirectory, runTroupe, streamsOf, Troupe } from "./troupe.ts";

const running: Troupe[] = [];
const directories: string[] = [];
afterEach(async () => {
  for (const troupe of running.splice(0)) await troupe.discard();
  for (const data of directories.splice(0)) discard(data);
});

function dataDirectory(): string {
  const data = freshDataDirectory();
  directories.push(data);
  return data;
}

async function up(data: string, flags: readonly string[] = ["--only", "api"], env: NodeJS.ProcessEnv = {}): Promise<Troupe> {
  const troupe = await Troupe.up(data, flags, { env });
  running.push(troupe);
  return troupe;
}

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
}

async function list(troupe: Troupe, path: string): Promise<List> {
  const client = new ApiClient(readKubeconfig(troupe.kubeconfig), 1);
  try {
    return (await client.call({ method: "GET", path })) as unknown as List;
  } finally {
    await client.close();
  }
}

async function runs(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTroupe(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

async function refuses(args: readonly string[], words: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runTroupe(args);
  expect({ code, stdout, lines: stderr.trim().split("\n").length }, stderr).toEqual({ code: 1, stdout: "", lines: 1 });
  expect(stderr).toMatch(words);
}

const RESOURCES = ["/api/v1/configmaps", "/api/v1/namespaces", "/api/v1/services", "/apis/scheduling.k8s.io/v1/priorityclasses"];

describe("a backup", () => {
  test("taken while the cluster is written to is that cluster at one revision, restored elsewhere", async () => {
    // Snapshots often, so that the backup is read from one and the log after it.
    const original = await up(dataDirectory(), ["--only", "api"], { TROUPE_SNAPSHOT_REVISIONS: "200" });
    const ledger = new Ledger((bound) => random.below(bound));
    const random = seededRandom(5);
    const done = new AbortController();
    const writing = ledger.write(original.kubeconfig, done.signal);
    await until("writes", () => ledger.acknowledged > 500);
    const file = join(original.data, "../backup");
    const before = Number((await list(original, "/api/v1/configmaps")).metadata.resourceVersion);
    const said = await runs(["backup", file, "--data", original.data]);
    const after = Number((await list(original, "/api/v1/configmaps")).metadata.resourceVersion);
    const revision = Number(/revision (\d+)/.exec(said)?.[1]);
    expect(revision).toBeGreaterThanOrEqual(before);
    expect(revision).toBeLessThan(after);
    expect(statSync(file).mode & 0o077).toBe(0);
    const exact = `?resourceVersion=${revision}&resourceVersionMatch=Exact`;
    const wanted = await Promise.all(RESOURCES.map((path) => list(original, path + exact)));
    done.abort();
    await writing;
    await original.stop();

    const data = dataDirectory();
    await runs(["restore", file, "--data", data]);
    const restored = await up(data);
    for (const [i, path] of RESOURCES.entries()) expect((await list(restored, path)).items, path).toEqual(wanted[i]?.items);
    expect(wanted[0]?.items.length).toBeGreaterThan(100);
    expect(readFileSync(join(data, "pki/ca.pem"))).toEqual(readFileSync(join(original.data, "pki/ca.pem")));
    // What the old cluster gave out after the backup is expired here: nobody goes on from a state that never was.
    const watch = await restored.kubectl.ok(["get", "--raw", `/api/v1/configmaps?watch=true&resourceVersion=${after}&timeoutSeconds=5`]);
    expect(JSON.parse(watch)).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
    // It is a cluster as any: it is written to, stopped and started again.
    await restored.kubectl.ok(["create", "configmap", "new", "--from-literal=word=here"]);
    await restored.stop();
    const again = await up(data);
    expect(await again.kubectl.ok(["get", "configmap", "new", "-o", "jsonpath={.data.word}"])).toBe("here");
    expect((await list(again, "/api/v1/configmaps")).items.length).toBe((wanted[0]?.items.length ?? 0) + 1);
    await again.stop();
  });

  test("can be taken of a cluster that does not run, and salvages what is left of a damaged one", async () => {
    const original = await up(dataDirectory());
    for (const name of ["one", "two", "three"]) await original.kubectl.ok(["create", "configmap", name, "--from-literal=a=b"]);
    await original.stop();
    await runs(["backup", join(original.data, "../backup"), "--data", original.data]);

    const messages = join(streamsOf(original.data), "troupe-log/msgs");
    const block = join(messages, readdirSync(messages).find((name) => name.endsWith(".blk")) ?? "");
    const bytes = readFileSync(block);
    const at = bytes.indexOf("configmaps/default/two");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(block, bytes);
    const salvaged = join(original.data, "../salvaged");
    await refuses(["up", "--data", original.data, "--api-port", "0"], /has lost what was acknowledged: batch \d+ .*--salvage/);
    await refuses(["backup", salvaged, "--data", original.data], /has lost what was acknowledged: batch \d+ .*--salvage/);
    expect(await runs(["backup", salvaged, "--data", original.data, "--salvage"])).toMatch(/left out: batch \d+/);

    const names = async (file: string): Promise<string> => {
      const data = dataDirectory();
      await runs(["restore", file, "--data", data]);
      const restored = await up(data);
      const found = await restored.kubectl.ok(["get", "configmaps", "-o", "name"]);
      await restored.stop();
      return found;
    };
    expect(await names(salvaged)).toBe("configmap/one");
    expect(await names(join(original.data, "../backup"))).toBe("configmap/one\nconfigmap/three\nconfigmap/two");
  });

  test("is refused where it could do harm, and nothing is changed", async () => {
    const troupe = await up(dataDirectory());
    const file = join(troupe.data, "../backup");
    await refuses(["backup", file, "--data", join(troupe.data, "../nowhere")], /there is no cluster in/);
    await runs(["backup", file, "--data", troupe.data]);
    await refuses(["backup", file, "--data", troupe.data], /is there already/);
    await refuses(["backup", join(troupe.data, "../no/such/backup"), "--data", troupe.data], /cannot write .* \(ENOENT\)/);
    await refuses(["restore", file, "--data", troupe.data], /is not empty, run by a Troupe with pid \d+; a restore .* never overwrites/);
    const other = join(troupe.data, "../other");
    mkdirSync(other);
    writeFileSync(join(other, "a file"), "");
    await refuses(["restore", file, "--data", other], /is not empty; a restore .* never overwrites/);
    const target = join(troupe.data, "../target");
    const whole = readFileSync(file);
    for (const [damaged, words] of [
      [
        Buffer.concat([whole.subarray(0, 100), Buffer.from([(whole[100] ?? 0) ^ 1]), whole.subarray(101)]),
        /is damaged at frame 0: checksum/,
      ],
      [whole.subarray(0, whole.length - 1), /is damaged at frame \d+: the file ends 1 bytes too early/],
      [whole.subarray(0, 0), /is damaged at frame 0: the file ends there/],
      [Buffer.concat([whole, Buffer.from("x")]), /something follows the summary/],
      [Buffer.from("not a backup at all, but long enough for a header"), /does not begin as a frame does/],
    ] as const) {
      writeFileSync(join(other, "backup"), damaged);
      await refuses(["restore", join(other, "backup"), "--data", target], words);
    }
    await refuses(["restore", join(other, "none"), "--data", target], /cannot read the backup .* \(ENOENT\)/);
    expect(existsSync(target)).toBe(false);
    expect(await troupe.kubectl.ok(["get", "--raw", "/readyz"])).toBe("ok");
    await troupe.stop();
  });

  test.each([
    [["backup"]],
    [["restore", "file"]],
    [["restore", "--data", "dir"]],
    [["backup", "a", "b"]],
    [["restore", "f", "--data", "d", "--salvage"]],
  ])("%j is wrong usage", async (args) => {
    expect((await runTroupe(args)).code).toBe(2);
  });
});
