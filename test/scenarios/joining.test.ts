import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { Launch } from "./launch.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const launches: Launch[] = [];
let troupe: Troupe;

afterAll(async () => {
  for (const launch of launches) launch.killAll();
  await troupe?.discard();
  for (const { data } of launches) discard(data);
});

/** Starts a machine, which is a data directory on loopback here. */
async function machine(command: "init" | "join", flags: readonly string[], data = freshDataDirectory()): Promise<Launch> {
  const launch = new Launch(data, flags, { command });
  launches.push(launch);
  await launch.readyLine();
  return launch;
}

const stopped = async (launch: Launch): Promise<void> => {
  launch.child.kill("SIGTERM");
  expect(await launch.ended, launch.stderr).toEqual({ code: 0, signal: null });
};

test("three machines are one cluster: two join it by a token, one leaves", async () => {
  const first = await machine("init", ["--advertise-address", "127.0.0.1", "--nats-port", "0", "--nodes", "1"]);
  troupe = await Troupe.of(first);
  const { kubectl } = troupe;
  const line = await until("the line to join by", () => /troupe join (.+)/.exec(first.stdout)?.[1]);
  const [, , token = ""] = line.split(" ");

  // Two at once, as a script does it.
  const [b, c] = await Promise.all(
    ["worker-b", "worker-c.example"].map((node) => machine("join", [...line.split(" "), "--node-name", node])),
  );
  if (b === undefined || c === undefined) throw new Error("two were started");
  const ready = ["get", "nodes", "-o", 'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}'];
  expect((await kubectl.ok(ready)).trim()).toBe("node-0=True worker-b=True worker-c.example=True");
  for (const name of readdirSync(join(b.data, "pki"))) expect(statSync(join(b.data, "pki", name)).mode & 0o777).toBe(0o600);
  expect(existsSync(join(b.data, "pki/ca.pem"))).toBe(false);

  // What it is to the API: its node, and no more.
  const asNode = ["--kubeconfig", join(b.data, "kubeconfig")];
  expect(await kubectl.ok([...asNode, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])).toBe("system:node:worker-b");
  expect((await kubectl.run([...asNode, "get", "secrets", "-A"])).code).toBe(1);
  const signed = await kubectl.ok(["get", "csr", "-o", "jsonpath={.items[*].spec.username}"]);
  expect(signed.trim()).toMatch(/^(system:bootstrap:[a-z0-9]{6} ?){2}$/);

  // It runs pods.
  const pin = JSON.stringify({ spec: { nodeName: "worker-c.example" } });
  await kubectl.ok(["run", "there", "--image=i", `--overrides=${pin}`]);
  await kubectl.ok(["wait", "--for=condition=Ready", "pod/there", "--timeout=30s"]);

  // A machine that starts again goes on; its certificate is renewed while it is away.
  await stopped(b);
  expect((await runTroupe(["certs", "renew", "--data", b.data])).stdout).toContain("renewed the certificate of the node worker-b");
  const again = await machine("join", [], b.data);

  // One leaves.
  await kubectl.ok(["drain", "worker-c.example", "--force", "--timeout=30s"]);
  const reset = await runTroupe(["reset", "--data", c.data, "--force"]);
  expect([reset.code, reset.stdout]).toEqual([0, expect.stringContaining("kubectl delete node worker-c.example")]);
  expect(await c.ended).toEqual({ code: 0, signal: null });
  expect(readdirSync(c.data)).toEqual([]);
  await kubectl.ok(["delete", "node", "worker-c.example"]);
  const members = ["get", "clusterrolebindings", "-o", "name"];
  await until("the end of its right to come back", async () => !(await kubectl.ok(members)).includes("troupe:member:worker-c"));
  expect((await kubectl.ok(ready)).trim()).toBe("node-0=True worker-b=True");
  expect(await kubectl.ok(members)).toContain("troupe:member:worker-b");

  // A token that was taken back lets nobody in.
  const listed = await runTroupe(["token", "list", "--data", troupe.data, "-o", "json"]);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ token, usages: ["authentication", "signing"] }]);
  expect((await runTroupe(["token", "delete", token, "--data", troupe.data])).stdout).toContain("deleted");
  await until(
    "its signature to go",
    async () => !(await kubectl.ok(["get", "cm", "cluster-info", "-n", "kube-public", "-o", "yaml"])).includes("jws"),
  );
  await stopped(again);
  await troupe.stop();
}, 300_000);
