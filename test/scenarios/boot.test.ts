import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { GaplessWatch } from "../../cluster/chaos/gapless-watch.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { Launch } from "./launch.ts";
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

async function up(data: string, flags?: readonly string[]): Promise<Troupe> {
  const troupe = await Troupe.up(data, flags);
  running.push(troupe);
  return troupe;
}

describe("a start", () => {
  test("says that it is ready, and leaves what tools need in the data directory", async () => {
    const troupe = await up(dataDirectory());
    const status = troupe.status();
    expect(troupe.kubeconfig).toBe(join(troupe.data, "kubeconfig"));
    expect(status).toMatchObject({ api: troupe.api, console: troupe.console, kubeconfig: troupe.kubeconfig });
    expect(status.nats).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(readFileSync(`/proc/${status.pid}/cmdline`, "utf8")).toContain(troupe.data);
    for (const file of ["kubeconfig", "status.json"]) expect(statSync(join(troupe.data, file)).mode & 0o077).toBe(0);
    expect((await troupe.kubectl.ok(["get", "nodes", "--no-headers"])).split("\n").filter((line) => / Ready /.test(line))).toHaveLength(5);
    await troupe.stop();
  });

  test("goes on with what an earlier one left", async () => {
    const data = dataDirectory();
    const first = await up(data);
    await first.kubectl.ok(["create", "configmap", "kept", "--from-literal=word=still here"]);
    const kubeconfig = readFileSync(first.kubeconfig, "utf8");
    await first.stop();

    const second = await up(data);
    expect(await second.kubectl.ok(["get", "configmap", "kept", "-o", "jsonpath={.data.word}"])).toBe("still here");
    const withoutServer = (text: string): string => text.replace(/server: .*/, "");
    expect(withoutServer(readFileSync(second.kubeconfig, "utf8"))).toBe(withoutServer(kubeconfig));
    expect((await second.kubectl.ok(["get", "nodes", "-o", "name"])).split("\n")).toHaveLength(5);
    await second.stop();
  });

  test("ends when its launcher is killed", async () => {
    const troupe = await up(dataDirectory());
    process.kill(troupe.launcherPid, "SIGKILL");
    await troupe.ended;
    await troupe.nothingLeft();
  });

  test("waits for one that drains on the same data directory", async () => {
    const data = dataDirectory();
    const first = await up(data);
    first.launch.child.kill("SIGTERM");
    const second = await up(data);
    expect(first.launch.outcome).toEqual({ code: 0, signal: null });
    await second.stop();
  });

  test("can be told to stop before it is through", async () => {
    const launch = new Launch(dataDirectory(), []);
    await until("the program's start", () => launch.natsServerPids.length > 0);
    launch.child.kill("SIGTERM");
    expect(await launch.ended).toEqual({ code: 0, signal: null });
    expect(launch.processes()).toEqual([]);
  });
});

describe("a stop", () => {
  test("drains in time with a thousand nodes, open watches and writes in flight, and loses nothing", async () => {
    const data = dataDirectory();
    const troupe = await up(data, ["--nodes", "1000"]);
    const { kubeconfig, kubectl } = troupe;
    const ledger = new Ledger((bound) => Math.floor(Math.random() * bound));
    const watches = await Promise.all(
      ["configmaps", "pods"].map((kind) => GaplessWatch.of(kubeconfig, `/api/v1/namespaces/default/${kind}`)),
    );
    const writing = ledger.write(kubeconfig, new AbortController().signal);
    await kubectl.ok(["create", "deployment", "web", "--image=nginx", "--replicas=500"]);
    await troupe.stop();
    await writing;
    for (const watch of watches) await watch.close();
    const again = await up(data);
    expect(ledger.acknowledged).toBeGreaterThan(0);
    expect(await ledger.complaints(again.kubeconfig)).toEqual([]);
    await again.kubectl.ok(["rollout", "status", "deployment/web", "--timeout=120s"]);
    await again.stop();
  });

  test("takes impatience: two interrupts and a SIGTERM are one", async () => {
    await (await up(dataDirectory())).stop("SIGINT", "SIGINT", "SIGTERM");
  });
});

describe("a start that cannot be says so in one line, with exit code 1 and nothing left", () => {
  const refused = async (args: readonly string[], words: readonly (string | RegExp)[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
    const { code, stdout, stderr } = await runTroupe(["up", ...args], env);
    expect({ code, stdout, lines: stderr.trim().split("\n").length }, stderr).toEqual({ code: 1, stdout: "", lines: 1 });
    for (const word of words) expect(stderr).toMatch(word);
  };

  test("the port is in use", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as { port: number };
    const data = dataDirectory();
    try {
      await refused(["--data", data, "--api-port", String(port)], [String(port), /in use/, /--api-port/]);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    await (await up(data)).stop();
  });

  test("the data directory cannot be written", async () => {
    const data = dataDirectory();
    mkdirSync(data);
    writeFileSync(join(data, "file"), "");
    await refused(["--data", join(data, "file"), "--api-port", "0"], [join(data, "file"), /--data/]);
  });

  test("the data directory is in use", async () => {
    const troupe = await up(dataDirectory());
    await refused(["--data", troupe.data, "--api-port", "0"], [troupe.data, String(troupe.status().pid)]);
    expect(await troupe.kubectl.ok(["get", "--raw", "/readyz"])).toBe("ok");
    await troupe.stop();
  });

  test("nats-server is missing", async () => {
    await refused(["--data", dataDirectory(), "--api-port", "0"], [/\/nowhere\/nats-server/, /NATS_SERVER/], {
      NATS_SERVER: "/nowhere/nats-server",
    });
  });

  test.each([
    ["dies at its start", "echo 'the disk is on fire' >&2; exit 3", [/exit code 3: the disk is on fire/, /nats\.log/]],
    ["is killed at its start", "kill -9 $$", [/signal SIGKILL/, /nats\.log/]],
  ])("nats-server %s", async (_case, script, words) => {
    const data = dataDirectory();
    mkdirSync(data, { recursive: true });
    const fake = join(data, "../nats-server");
    writeFileSync(fake, `#!/bin/sh\n[ "$1" = --version ] && echo "nats-server: v2.10.99" && exit\n${script}\n`);
    chmodSync(fake, 0o755);
    await refused(["--data", data, "--api-port", "0"], [...words, /NATS_SERVER=/], { NATS_SERVER: fake });
    expect(readdirSync(data)).not.toContain("lock");
  });

  test("the authority's certificate is damaged", async () => {
    const data = dataDirectory();
    await (await up(data)).stop();
    const path = join(data, "pki/ca.pem");
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.slice(0, whole.length / 2));
    await refused(["--data", data, "--api-port", "0"], [path, /damaged/, /restore it/]);
    writeFileSync(path, whole);
    await (await up(data)).stop();
  });

  test("JetStream's directory is not one", async () => {
    const data = dataDirectory();
    mkdirSync(join(data, "nats"), { recursive: true });
    writeFileSync(join(data, "nats/jetstream"), "");
    await refused(["--data", data, "--api-port", "0"], [/jetstream/i, /nats\.log/]);
  });

  test("JetStream cannot read the log any more", async () => {
    const data = dataDirectory();
    await (await up(data)).stop();
    const description = join(streamsOf(data), "troupe-log/meta.inf");
    const whole = readFileSync(description);
    writeFileSync(description, "");
    await refused(["--data", data, "--api-port", "0"], [/has lost what was acknowledged/, /troupe restore FILE/, /nats\.log/]);
    writeFileSync(description, whole);
    const again = await up(data);
    expect((await again.kubectl.ok(["get", "nodes", "-o", "name"])).split("\n")).toHaveLength(5);
    await again.stop();
  });
});

describe("wrong usage says so in one line, with exit code 2", () => {
  test.each([
    [["up", "--nodes", "many"], /--nodes many/],
    [["up", "--nodes", "-1"], /--nodes/],
    [["up", "--api-port", "70000"], /--api-port 70000/],
    [["up", "--runtime", "magic"], /--runtime magic/],
    [["up", "--only", "pods"], /--only pods/],
    [["up", "--colour"], /--colour/],
    [["dance"], /dance/],
  ])("%j", async (args, words) => {
    const { code, stdout, stderr } = await runTroupe(args);
    expect({ code, stdout, lines: stderr.trim().split("\n").length }, stderr).toEqual({ code: 2, stdout: "", lines: 1 });
    expect(stderr).toMatch(words);
  });
});
