import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedPrograms } from "../clients/fetched-programs.ts";
import { fetchedSandbox } from "../clients/fetched-sandbox.ts";
import { blocksOf } from "../docs/book.ts";
import { Kubectl } from "./kubectl.ts";
import { Launch } from "./launch.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { LinkedNetworks } from "./linked-networks.ts";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";
import { whyNoSandboxes } from "./why-no-sandboxes.ts";

const programs = await fetchedPrograms();
const fetched = await fetchedSandbox();
const why = typeof programs === "string" ? programs : typeof fetched === "string" ? fetched : await whyNoSandboxes(fetched);

const NAMES = ["node-0", "second", "third"];
/** The commands of the chapter "Three machines", by block. */
const [STARTS = [], FIRST = [], LATER = []] = blocksOf("docs/operating.md")
  .filter(({ mark }) => mark?.kind === "run by" && mark.says === "test/scenarios/machines.test.ts")
  .map(({ text }) => text.split("\n"));

/** Runs by itself on its machine, from before the machine has joined. */
const STATIC = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "static" },
  spec: { containers: [{ name: "c", image: "busybox", command: ["sleep", "infinity"] }], terminationGracePeriodSeconds: 0 },
};

describe.skipIf(why !== undefined)(`three machines${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  let networks: LinkedNetworks;
  let troupe: Troupe;
  let kubectl: Kubectl;
  const all = NAMES.map(() => freshDataDirectory());
  const launches: Launch[] = [];

  /** As the book says it, with what three machines on one have to tell apart. */
  async function start(index: number, line: string, ...more: readonly string[]): Promise<Launch> {
    if (typeof programs === "string" || typeof fetched === "string") throw new Error(why);
    const [command = "", ...flags] = (line.split(" # ")[0] ?? "").replace("sudo npm run troupe -- ", "").trim().split(" ");
    const own = ["--cni-bin-dir", fetched.plugins, "--dns-upstream", "127.0.0.1:9", ...more];
    const launch = new Launch(all[index] ?? "", [...flags, ...own], {
      command: command as "init" | "join",
      within: networks.machines[index]?.words ?? [],
      env: { PATH: [fetched.bin, programs.path].join(delimiter) },
    });
    launches[index] = launch;
    await launch.readyLine();
    return launch;
  }
  const init = (...more: readonly string[]): Promise<Launch> => start(0, STARTS[0] ?? "", "--nats-port", "0", ...more);

  /** What the commands printed, by command; a comment is none of it. */
  async function type(lines: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const printed = new Map<string, string>();
    for (const line of lines) {
      const words = line.replace(/^kubectl /, "").split(" ");
      // Each machine hears of endpoints by itself, a moment after the API server; and what pods use is known when it has been measured.
      const isLate = words[0] === "exec" || words[0] === "top";
      const tried = isLate ? until(line, () => kubectl.ok(words).catch(() => undefined)) : kubectl.ok(words);
      printed.set(line, await tried);
    }
    return printed;
  }
  const podsOf = async (app: string): Promise<ReadonlyMap<string, { readonly pod: string; readonly address: string }>> => {
    const path = "{range .items[*]}{.spec.nodeName} {.metadata.name} {.status.podIP}{'\\n'}{end}";
    const lines = (
      await kubectl.ok(["get", "pods", "-l", `app=${app}`, "--field-selector=status.phase=Running", "-o", `jsonpath=${path}`])
    ).split("\n");
    return new Map(lines.map((line) => line.split(" ")).map(([node = "", pod = "", address = ""]) => [node, { pod, address }]));
  };
  /** What a machine itself gets from somewhere. */
  const got = (index: number, url: string): string | undefined => {
    try {
      return networks.machines[index]?.run(join(busyboxPlace(), "busybox"), "wget", "-q", "-O-", url).trim();
    } catch {
      return undefined;
    }
  };
  const busyboxPlace = (): string => (typeof programs === "string" ? "" : (programs.path.split(delimiter)[1] ?? ""));

  beforeAll(async () => {
    networks = await LinkedNetworks.make(NAMES.length);
    mkdirSync(join(all[1] ?? "", "manifests"), { recursive: true, mode: 0o700 });
    writeFileSync(join(all[1] ?? "", "manifests/static.yaml"), JSON.stringify(STATIC));
    const first = await init();
    troupe = await Troupe.of(first);
    const wrapped = networks.machines[0]?.wrap(join(troupe.home("kubectl"), "kubectl"), kubectlBinary());
    kubectl = new Kubectl(troupe.kubeconfig, troupe.home("kubectl"), wrapped);
    const line = await until("the line to join by", () => /troupe (join .+)/.exec(first.stdout)?.[1]);
    await Promise.all([1, 2].map((index) => start(index, line, "--runtime", "sandbox", "--node-name", NAMES[index] ?? "")));
  }, FETCH_MS);
  afterAll(async () => {
    for (const data of [...all].reverse()) await runTroupe(["reset", "--data", data, "--force"]);
    for (const launch of launches) launch?.killAll();
    await troupe?.discard();
    networks?.end();
    for (const data of all) discard(data);
    if (typeof programs !== "string") rmSync(programs.directory, { recursive: true, force: true });
  });

  test("pods reach one another by address, name and service, wherever they are, and are reached from each machine", async () => {
    const printed = await type(FIRST);
    const [web, db] = await Promise.all([podsOf("web"), podsOf("db")]);
    expect([[...web.keys()].sort(), [...db.keys()].sort()]).toEqual([NAMES, NAMES]);
    const addresses = [...web.values(), ...db.values()].map(({ address }) => address);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(printed.get(FIRST.find((line) => line.includes("wget")) ?? "")).toMatch(/^db-1 began\ndb-2 began\nweb-/);

    // Whoever is asked sees who asks, on another machine as on its own.
    const ask = addresses.map((address) => `wget -q -O- http://${address}:8080 >/dev/null || echo ${address}`).join("; ");
    for (const { pod } of web.values()) expect(await kubectl.ok(["exec", pod, "--", "sh", "-c", ask])).toBe("");
    const asked = await kubectl.ok(["logs", "db-1"]);
    for (const { address } of web.values()) expect(asked).toContain(`:${address}]`);

    const service = await kubectl.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    for (const from of [0, 1, 2]) {
      expect(got(from, `http://${service}/`)).toMatch(/^web-/);
      for (const to of [0, 1, 2]) expect(got(from, `http://${networks.addressOf(to)}:30080/`)).toMatch(/^web-/);
    }
    expect(await kubectl.ok(["get", "--raw", "/api/v1/namespaces/default/services/web:80/proxy/"])).toMatch(/^web-/);
    const { pod = "" } = web.get("third") ?? {};
    expect((await kubectl.run(["exec", "-i", pod, "--", "sh", "-c", "cat; exit 3"], { stdin: "in" })).stdout).toBe("in");
    const forwarding = kubectl.follow(["port-forward", `pod/${pod}`, ":8080"]);
    const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
    expect(got(0, `http://127.0.0.1:${port}/`)).toBe(pod);
    await forwarding.stop();
    // The node has got its range after this pod was begun.
    await until("the pod that second runs by itself", async () => {
      const own = await kubectl.run(["get", "pod", "static-second", "-o", "jsonpath={.status.podIP} {.status.phase}"]);
      return /^10\.244\.\d+\.\d+ Running$/.test(own.stdout);
    });
  }, 120_000);

  test("pods move from machine to machine, and those with a directory come back to it", async () => {
    const before = (await podsOf("db")).get("second")?.pod ?? "";
    await type(LATER);
    const [web, db] = await Promise.all([podsOf("web"), podsOf("db")]);
    expect([...db.keys()].sort()).toEqual(NAMES);
    expect(web.has("second")).toBe(false);
    expect(db.get("second")?.pod).toBe(before);
    expect(await kubectl.ok(["exec", before, "--", "cat", "/data/index.html"])).toBe(`${before} began\n${before} began`);
  }, 120_000);

  test("without the API server everything goes on, and with it again what changes is seen everywhere", async () => {
    const service = await kubectl.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    const { port } = new URL(troupe.api);
    await troupe.kill9();
    for (const from of [1, 2]) expect(got(from, `http://${service}/`)).toMatch(/^web-/);
    troupe = await Troupe.of(await init("--api-port", port));
    const [pod] = [...(await podsOf("db")).values()].map((one) => one.pod);
    await kubectl.ok(["delete", "pod", "db-1"]);
    await kubectl.ok(["wait", "--for=condition=Ready", "pod/db-1", "--timeout=20s"]);
    await until(
      "the new address of db-1",
      async () => (await kubectl.run(["exec", pod ?? "", "--", "wget", "-q", "-O-", "http://db-1.db:8080"])).code === 0,
    );
  }, 120_000);

  test("what was on a machine that is gone is elsewhere, and ends there when it is back", async () => {
    const lost = (await podsOf("web")).get("third")?.pod ?? "";
    expect(lost).not.toBe("");
    networks.plug(2, "down");
    await kubectl.ok(["wait", "--for=condition=Ready=Unknown", "node/third", "--timeout=120s"]);
    await until(
      "others in their place",
      async () => (await kubectl.ok(["get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}"])) === "3",
      30_000,
    );
    const service = await kubectl.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    for (let time = 0; time < 6; time++) expect(got(1, `http://${service}/`)).not.toBe(lost);
    networks.plug(2, "up");
    await kubectl.ok(["wait", "--for=condition=Ready", "node/third", "--timeout=120s"]);
    await kubectl.ok(["wait", "--for=delete", `pod/${lost}`, "--timeout=120s"]);
    expect((await podsOf("db")).get("third")?.pod).toMatch(/^db-/);
  }, 180_000);

  test("a machine that leaves takes its part of the network with it", async () => {
    await kubectl.ok(["delete", "-f", join(import.meta.dirname, "../../examples/machines"), "--wait=false"]);
    await kubectl.ok(["delete", "pvc", "--all", "--timeout=120s"]);
    await until("its volumes to go", async () => (await kubectl.ok(["get", "pv", "-o", "name"])) === "");
    const routes = (index: number): string => networks.machines[index]?.run("ip", "route", "show", "proto", "84").trim() ?? "";
    expect(routes(0).split("\n")).toHaveLength(2);
    launches[2]?.child.kill("SIGTERM");
    await launches[2]?.ended;
    await kubectl.ok(["delete", "node", "third"]);
    await until("the route to it to go", () => routes(0).split("\n").length === 1);
  }, 60_000);
});
