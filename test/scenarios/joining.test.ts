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

const INIT = ["--advertise-address", "127.0.0.1", "--nats-port", "0", "--runtime", "process", "--nodes", "1"];

/** Says what it was given and serves what was mounted, at the pod's own address. */
const SERVER = `
  const { POD_IP, KEY, TROUPE_PATH_PAGES } = process.env;
  console.log("began with", KEY);
  const page = () => require("node:fs").readFileSync(TROUPE_PATH_PAGES + "/page", "utf8");
  require("node:http").createServer((request, response) => response.end(page())).listen(8080, POD_IP);
`;

const there = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "pages" }, data: { page: "first" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { key: "planted" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "other" }, stringData: { key: "other" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", labels: { app: "web" } },
      spec: {
        nodeName: "worker-b",
        terminationGracePeriodSeconds: 1,
        volumes: [{ name: "pages", configMap: { name: "pages" } }],
        containers: [
          {
            name: "web",
            image: "any",
            command: [process.execPath, "-e", SERVER],
            env: [
              { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
              { name: "KEY", valueFrom: { secretKeyRef: { name: "key", key: "key" } } },
            ],
            volumeMounts: [{ name: "pages", mountPath: "/pages" }],
            readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  ],
};

test("three machines are one cluster: two join it by a token, one of them with real pods, one leaves", async () => {
  const first = await machine("init", INIT);
  troupe = await Troupe.of(first);
  const { kubectl } = troupe;
  const line = await until("the line to join by", () => /troupe join (.+)/.exec(first.stdout)?.[1]);
  const [, , token = ""] = line.split(" ");

  // Two at once, as a script does it. All three have one loopback, on which the first forwards services.
  const joining = (node: string, ...flags: readonly string[]) => machine("join", [...line.split(" "), "--node-name", node, ...flags]);
  const [b, c] = await Promise.all([joining("worker-b", "--runtime", "process", "--service-proxy", "off"), joining("worker-c.example")]);
  const ready = ["get", "nodes", "-o", 'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}'];
  expect((await kubectl.ok(ready)).trim()).toBe("node-0=True worker-b=True worker-c.example=True");
  for (const name of readdirSync(join(b.data, "pki"))) expect(statSync(join(b.data, "pki", name)).mode & 0o777).toBe(0o600);
  expect(existsSync(join(b.data, "pki/ca.pem"))).toBe(false);

  // What it is to the API: its node, and no more.
  const asNode = (machineOf: Launch) => ["--kubeconfig", join(machineOf.data, "kubeconfig")];
  expect(await kubectl.ok([...asNode(b), "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])).toBe("system:node:worker-b");

  // It runs pods, and everything about them goes by way of its door.
  await kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify(there) });
  await kubectl.ok(["run", "states", "--image=i", `--overrides=${JSON.stringify({ spec: { nodeName: "worker-c.example" } })}`]);
  await kubectl.ok(["wait", "--for=condition=Ready", "pod/web", "pod/states", "--timeout=120s"]);
  expect(await kubectl.ok(["logs", "web"])).toBe("began with planted");
  expect(await kubectl.ok(["exec", "web", "--", "sh", "-c", "echo out; echo $KEY"])).toBe("out\nplanted");
  expect((await kubectl.run(["exec", "web", "--", "sh", "-c", "exit 7"])).code).toBe(7);
  const forwarding = kubectl.follow(["port-forward", "pod/web", ":8080"]);
  const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("first");
  await forwarding.stop();
  const service = await kubectl.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
  const page = async (): Promise<string> => (await fetch(`http://${service}/`).catch(() => undefined))?.text() ?? "";
  await until("the service to lead there", async () => (await page()) === "first");
  const used = await kubectl.ok(["get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes/worker-b"]);
  expect(JSON.parse(used).metadata.name).toBe("worker-b");
  expect((await kubectl.run([...asNode(b), "get", "secret", "key"])).code).toBe(0);
  for (const [from, secret] of [
    [b, "other"],
    [c, "key"],
  ] as const)
    expect((await kubectl.run([...asNode(from), "get", "secret", secret])).stderr).toContain("no relationship found");

  // Where the API server is away pods go on, and when it is back they hear of what they missed.
  const address = await kubectl.ok(["get", "pod", "web", "-o", "jsonpath={.status.podIP}"]);
  const { port: apiPort } = new URL(troupe.api);
  await troupe.kill9();
  expect(await (await fetch(`http://${address}:8080/`)).text()).toBe("first");
  const back = await machine("init", [...INIT, "--api-port", apiPort, "--token", token], first.data);
  troupe = await Troupe.of(back);
  await kubectl.ok(["patch", "configmap", "pages", "-p", JSON.stringify({ data: { page: "second" } })]);
  await until("the change of the config map to arrive", async () => (await page()) === "second");

  // A machine that starts again goes on where it was; its pods have gone on without it. Its certificate is renewed while it is away.
  const began = await kubectl.ok(["get", "pod", "web", "-o", "jsonpath={.status.containerStatuses[0].containerID}"]);
  await stopped(b);
  expect(await (await fetch(`http://${address}:8080/`)).text()).toBe("second");
  expect((await runTroupe(["certs", "renew", "--data", b.data])).stdout).toContain("renewed the certificate of the node worker-b");
  const again = await machine("join", ["--runtime", "process", "--service-proxy", "off"], b.data);
  expect(await kubectl.ok(["exec", "web", "--", "echo", "still"])).toBe("still");
  expect(await kubectl.ok(["get", "pod", "web", "-o", "jsonpath={.status.containerStatuses[0].containerID}"])).toBe(began);

  // One leaves.
  await kubectl.ok(["drain", "worker-c.example", "--force", "--timeout=120s"]);
  const reset = await runTroupe(["reset", "--data", c.data, "--force"]);
  expect([reset.code, reset.stdout]).toEqual([0, expect.stringContaining("kubectl delete node worker-c.example")]);
  expect(await c.ended).toEqual({ code: 0, signal: null });
  expect(readdirSync(c.data)).toEqual([]);
  await kubectl.ok(["delete", "node", "worker-c.example"]);
  expect((await kubectl.ok(ready)).trim()).toBe("node-0=True worker-b=True");

  // A token that was taken back lets nobody in.
  const listed = await runTroupe(["token", "list", "--data", troupe.data, "-o", "json"]);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ token, usages: ["authentication", "signing"] }]);
  expect((await runTroupe(["token", "delete", token, "--data", troupe.data])).stdout).toContain("deleted");
  await until(
    "its signature to go",
    async () => !(await kubectl.ok(["get", "cm", "cluster-info", "-n", "kube-public", "-o", "yaml"])).includes("jws"),
  );
  await kubectl.ok(["delete", "pod", "web"]);
  for (const { data } of [again, back]) expect((await runTroupe(["reset", "--data", data, "--force"])).code).toBe(0);
  await Promise.all([again.ended, back.ended]);
  expect([...again.processes(), ...back.processes()]).toEqual([]);
}, 300_000);
