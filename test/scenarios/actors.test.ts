import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Summary } from "../../cluster/actors-top/summary.ts";
import { until } from "../../cluster/chaos/until.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

describe("troupe actors", () => {
  let troupe: Troupe;
  beforeAll(async () => {
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "7", "--threads", "3"]);
  });
  afterAll(() => troupe?.discard());

  const actors = (...flags: string[]) => runTroupe(["actors", "--data", troupe.data, "--interval", "0.2", ...flags]);

  test("shows every host and kind of the running cluster in one table where there is no terminal", async () => {
    const { code, stdout, stderr } = await actors();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^3 hosts, \d+ actors, \d+(\.\d)? messages\/s\n/);
    expect(stdout).toMatch(/^control +writer +1 /m);
    expect(stdout).toMatch(/^nodes-1 +node +7 /m);
    expect(stdout).toMatch(/^gateway +host +1 /m);
    expect(stdout).toMatch(/^writer\/main +control +/m);
    expect(stdout).not.toContain("\x1b");
  });

  test("gives the same as one line of JSON, of one kind when asked", async () => {
    const { code, stdout } = await actors("--json", "--kind", "node", "--sort", "active");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    const { hosts, kinds, actors: named } = JSON.parse(stdout) as Summary;
    expect(hosts.map(({ host }) => host)).toEqual(["control", "gateway", "nodes-1"]);
    expect(kinds.map(({ host, kind, active }) => [host, kind, active])).toEqual([["nodes-1", "node", 7]]);
    expect(named.map(({ address }) => address).sort()).toEqual(Array.from({ length: 7 }, (_, n) => `node/node-${n}`));
  });

  test("troupe status says how the cluster is, to people and to programs", async () => {
    const status = (...flags: string[]) => runTroupe(["status", "--data", troupe.data, ...flags]);
    const [told, json] = await Promise.all([status(), status("-o", "json")]);
    expect({ code: told.code, stderr: told.stderr }).toEqual({ code: 0, stderr: "" });
    expect(told.stdout).toMatch(/^running {5}yes, for \d+[sm] \(pid \d+, version [\d.]+\)$/m);
    expect(told.stdout).toMatch(/^nodes {7}7 of 7 Ready$/m);
    expect(told.stdout).not.toContain("\x1b");
    const { pid, api, nats } = troupe.status();
    expect(JSON.parse(json.stdout)).toMatchObject({
      data: troupe.data,
      state: "running",
      pid,
      addresses: { api, console: troupe.console, nats },
      nodes: { total: 7, ready: 7 },
      pods: { total: 0, byPhase: { Running: 0, Pending: 0, Succeeded: 0, Failed: 0, Unknown: 0 } },
      store: { revision: expect.any(Number), objects: expect.any(Number) },
    });
  });

  test("troupe top prints one look where there is no terminal", async () => {
    const top = (...flags: string[]) => runTroupe(["top", "--data", troupe.data, "--interval", "0.2", ...flags]);
    const [table, json] = await Promise.all([top(), top("--view", "actors", "-o", "json")]);
    expect({ code: table.code, stderr: table.stderr }).toEqual({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/^nodes {3}7 of 7 Ready {4}actors \d+ on 3 hosts, \d+ messages\/s\npods {4}0\n/);
    expect(table.stdout).toMatch(/^NODE .*\nnode-0 +Ready +hollow-a +0\/110 +0% +0% +\d+[sm]$/m);
    expect(table.stdout).not.toContain("\x1b");
    const { nodes, rows } = JSON.parse(json.stdout) as { nodes: object; rows: { kind: string; active: number }[] };
    expect(nodes).toEqual({ total: 7, ready: 7 });
    expect(rows.find(({ kind }) => kind === "node")).toMatchObject({ host: "nodes-1", active: 7 });
  });

  test("troupe top follows the cluster on a terminal, and q leaves it as it was", async () => {
    const command = `${process.execPath} cluster/main.ts top --interval 0.1 --data ${troupe.data}`;
    const child = spawn("script", ["-qefc", command, "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
    let printed = "";
    child.stdout.on("data", (chunk) => {
      printed += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await until("nodes", () => printed.includes("[nodes] pods actors"));
    child.stdin.write("a");
    await until("actors", () => printed.includes("nodes pods [actors]"));
    child.stdin.write("q");
    expect(await ended).toBe(0);
    expect(printed).toContain("\x1b[?1049h");
    expect(printed.trimEnd().endsWith("\x1b[?1049l")).toBe(true);
  });

  test("wrong usage says what is right, with its exit code", async () => {
    const { code, stderr } = await actors("--sort", "colour");
    expect(code).toBe(2);
    expect(stderr).toBe("troupe: --sort colour is none of messages, queue, mailbox, handler, active, restarts\n");
  });

  test("the metrics of all hosts come in one page, for administrators", async () => {
    const page = await troupe.kubectl.run(["get", "--raw", "/metrics"]);
    expect(page.code).toBe(0);
    for (const host of ["control", "gateway", "nodes-1"]) expect(page.stdout).toContain(`troupe_host_up{host="${host}"} 1\n`);
    expect(page.stdout).toContain('troupe_actors{host="nodes-1",kind="node"} 7\n');
    expect(page.stdout).toContain('troupe_worker_pool_queued{host="control",pool="placement"} 0\n');
    expect(page.stdout).toMatch(/^troupe_event_loop_delay_seconds_count\{host="control"\} [1-9]/m);
    expect(page.stdout).toMatch(/^apiserver_request_total\{verb="(GET|LIST)",.*code="200"\} [1-9]/m);
    expect(page.stdout).toMatch(/^process_cpu_seconds_total [0-9]/m);
  });
});

test("where no cluster runs, that is what is said", async () => {
  const data = freshDataDirectory();
  const expected = `troupe: no Troupe runs on the data directory ${data}; start one (npm start) or name another with --data DIR\n`;
  try {
    expect(await runTroupe(["actors", "--data", data])).toEqual({ code: 1, stdout: "", stderr: expected });
    const stopped = await runTroupe(["status", "--data", data, "-o", "json"]);
    expect({ ...stopped, stdout: JSON.parse(stopped.stdout) }).toEqual({
      code: 1,
      stdout: { data, state: "stopped", cluster: false, bytes: 0 },
      stderr: "",
    });
    // What a killed one left behind is not a cluster either. No process has this number: it is above the largest that Linux gives.
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, "status.json"), JSON.stringify({ pid: 4_194_305, kubeconfig: join(data, "kubeconfig") }));
    expect(await runTroupe(["actors", "--data", data])).toEqual({ code: 1, stdout: "", stderr: expected });
  } finally {
    discard(data);
  }
});
