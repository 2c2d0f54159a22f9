import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Summary } from "../../cluster/actors-top/summary.ts";
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
