import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultCatalog, mergedCatalog } from "../../actors/node/process/catalog.ts";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedPatroni, installPatroni } from "../clients/fetched-patroni.ts";
import { fetchedPrograms } from "../clients/fetched-programs.ts";
import { ExampleCluster } from "./example-cluster.ts";
import { describeFiles } from "./examples-files.ts";
import { describePatroni } from "./examples-patroni.ts";
import { describePostgres } from "./examples-postgres.ts";
import type { Ledger } from "./ledger.ts";
import { processesThatMention } from "./processes.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** Of its own, since other clusters on this machine may forward, too. A nameserver that nobody is: no question leaves this machine. */
const NET = `127.${randomInt(98, 111)}.${randomInt(256)}`;
const FLAGS = ["--runtime", "process", "--ingress-address", "off", "--dns-upstream", "127.0.0.1:9"];
const OWN = ["--service-cluster-ip-range", `${NET}.0/25`, "--load-balancer-addresses", `${NET}.200`];

const programs = await fetchedPrograms();
const patroni = await fetchedPatroni();
/** They share two processors: what they have at once they would each have in a third of the time alone. */
const AT_ONCE_MS = 480_000;
/** Ports below 1024, of names and web, are not refused to this user. */
const hasNamesAndWeb = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")) <= 53 || process.getuid?.() === 0;
const ports = hasNamesAndWeb ? "" : " (not here: ports below 1024 are refused to this user)";
const hasPostgres = mergedCatalog(defaultCatalog(), new Map()).has("postgres");
const notHere = (missing: object | string): string => (typeof missing === "string" ? ` (not here: ${missing})` : "");
const NO_POSTGRES = notHere(hasPostgres ? {} : "the machine has no PostgreSQL");

describe.skipIf(typeof programs === "string")(`examples of real processes${notHere(programs)}`, () => {
  let troupe: Troupe;
  const data = freshDataDirectory();
  let path = "";
  const kubectl = (...args: readonly string[]): Promise<string> => troupe.kubectl.ok(args);
  const up = async (): Promise<void> => {
    troupe = await Troupe.up(data, [...FLAGS, ...OWN], { env: { PATH: path } });
  };
  const ledgers: Ledger[] = [];
  beforeAll(async () => {
    if (typeof programs === "string") return;
    ({ path } = programs);
    if (typeof patroni !== "string") path += `:${dirname(installPatroni(patroni, join(programs.directory, "patroni")))}`;
    await up();
  }, FETCH_MS);
  afterAll(async () => {
    await runTroupe(["reset", "--data", data, "--force"]);
    await troupe?.discard();
    if (typeof programs !== "string") rmSync(programs.directory, { recursive: true, force: true });
  });

  // They wait more than they work: all at once.
  describe.concurrent("at once", { timeout: AT_ONCE_MS }, () => {
    test.skipIf(!hasNamesAndWeb)(`web: a shell in a pod reads the page of a server in another by its name${ports}`, async () => {
      await kubectl("run", "nginx", "--image=nginx", "--expose", "--port=80");
      const stdin = "until wget -q -O- http://nginx.default.svc.cluster.local; do sleep 0.1; done; exit\n";
      const shell = ["run", "-i", "test-a", "--image=busybox", "--restart=Never", "--", "/bin/sh"];
      expect(await troupe.kubectl.ok(shell, { stdin })).toContain("Welcome to nginx");
      await until("what the server has logged", async () => (await kubectl("logs", "nginx")).includes("GET / HTTP/1.1"));
    });

    test.skipIf(!hasNamesAndWeb)(`web: of 10,000 requests during a rolling update none fails${ports}`, async () => {
      await kubectl("apply", "-k", EXAMPLES);
      await kubectl("rollout", "status", "deployment/web", "--timeout=120s");
      const before = await podsOf("app=web");
      const address = await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
      const load = new Load(`http://${address}/`);
      await kubectl("set", "env", "deployment/web", "COLOUR=green");
      await kubectl("rollout", "status", "deployment/web", "--timeout=120s");
      await until("the end of the pods before", async () => (await podsOf("app=web")).every((name) => !before.includes(name)));
      expect(await load.end(10_000)).toEqual({ failures: [] });
      expect(await podsOf("app=web")).toHaveLength(3);
    });

    test("training: a trainer that dies is replaced, its shard goes to others, trainers are added, and what is wanted is found", async () => {
      const printed = (job: string): Promise<string> => kubectl("logs", `job/${job}`);
      await kubectl("apply", "-k", join(EXAMPLES, "training"));
      await kubectl("annotate", "job/master", "passes=100000", "--overwrite");
      const isTraining = (index: number, not = ""): Promise<string> =>
        until(`trainer ${index}`, async () => {
          const names = await podsOf(`role=trainer,batch.kubernetes.io/job-completion-index=${index}`);
          const name = names.find((each) => each !== not);
          if (name === undefined) return undefined;
          const { stdout } = await troupe.kubectl.run(["logs", name]);
          return stdout.includes("trains with shard") && name;
        });
      const [first] = await Promise.all([isTraining(0), isTraining(1)]);
      // From its first shard on it has one all the time.
      await until("the death of the trainer", async () => {
        for (const { pid, command } of processesThatMention(`POD_NAME=${first}`))
          if (command.includes("trainer.mjs")) process.kill(pid, "SIGKILL");
        return (await kubectl("get", "pod", first, "-o", "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}")) === "137";
      });
      await kubectl("patch", "job/trainer", "-p", JSON.stringify({ spec: { parallelism: 4, completions: 4 } }));
      await Promise.all([isTraining(0, first), isTraining(2), isTraining(3)]);
      await until(
        "at least three passes",
        async () =>
          Number(
            (await printed("master"))
              .match(/^pass (\d+)/gm)
              ?.at(-1)
              ?.slice(5),
          ) >= 3,
      );
      await kubectl("annotate", "job/master", "passes=3", "--overwrite");
      await kubectl("wait", "--for=condition=Complete", "job/master", "job/pserver", "job/trainer", "--timeout=120s");
      const said = await printed("master");
      expect(said.match(/^takes back .*$/gm)).toEqual([expect.stringMatching(new RegExp(`shard \\d+ of ${first}$`))]);
      const loss = Number(/finished with loss ([\d.]+)$/.exec(said)?.[1]);
      // A coin has 0.693, the truth that the data was made with 0.2.
      expect(loss).toBeLessThan(0.25);
      expect(await kubectl("get", "job/trainer", "-o", "jsonpath={.status.succeeded} {.status.failed}")).toBe("4 1");
    });

    const cluster = new ExampleCluster(() => troupe, hasNamesAndWeb);
    describeFiles(cluster);
    ledgers.push(describePostgres(cluster, NO_POSTGRES), describePatroni(cluster, notHere(patroni)));
  });

  test("kill -9 of Troupe: databases go on in the same containers, and have all that they acknowledged", async () => {
    const containers = (): Promise<string> =>
      kubectl("get", "pods", "-l", "app=pgset", "-o", "jsonpath={.items[*].status.containerStatuses[*].containerID}");
    const before = await containers();
    const begun = ledgers.filter(({ hasBegun }) => hasBegun);
    await Promise.all(begun.map((ledger) => ledger.goesOn()));
    await troupe.kill9();
    await up();
    await Promise.all(begun.map((ledger) => ledger.goesOn()));
    await Promise.all(begun.map((ledger) => ledger.nothingLost()));
    expect(await containers()).toBe(before);
  });

  async function podsOf(selector: string): Promise<readonly string[]> {
    return (await kubectl("get", "pods", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}"))
      .split(" ")
      .filter((name) => name !== "");
  }
});

/** Requests without a pause, each on a connection of its own. */
class Load {
  static readonly #CLIENTS = 4;
  readonly #url: string;
  readonly #failures: string[] = [];
  readonly #clients: readonly Promise<void>[];
  #sent = 0;
  #wanted = Number.POSITIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
    this.#clients = Array.from({ length: Load.#CLIENTS }, () => this.#client());
  }

  /** When there have been so many. */
  async end(wanted: number): Promise<{ readonly failures: readonly string[] }> {
    this.#wanted = wanted;
    await Promise.all(this.#clients);
    return { failures: this.#failures };
  }

  async #client(): Promise<void> {
    while (this.#sent < this.#wanted) {
      this.#sent++;
      await this.#ask().catch((error: Error) => this.#failures.push(error.message));
    }
  }

  async #ask(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    get(this.#url, { agent: false }, async (response) => {
      response.resume();
      response.once("error", reject);
      await once(response, "end").catch(reject);
      if (response.statusCode === 200) resolve();
      else reject(new Error(`status ${response.statusCode}`));
    }).once("error", reject);
    await promise;
  }
}
