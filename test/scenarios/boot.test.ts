import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

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
});

describe("a start that cannot be says so in one line, with exit code 1 and nothing left", () => {
  const refused = async (args: readonly string[], words: readonly (string | RegExp)[]): Promise<void> => {
    const { code, stdout, stderr } = await runTroupe(["up", ...args]);
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
