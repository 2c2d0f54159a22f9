import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment, Pod } from "../../actors/kinds/generated/types.ts";
import { type Draft, Troupe as TroupeByNats, TroupeError, type WatchEvent } from "../../client/mod.ts";
import { until } from "../../cluster/chaos/until.ts";
import { runNatsCredentials } from "../../cluster/nats/credentials-command.ts";
import { asByCommandLine } from "./nats-command-line.ts";
import { runProgram } from "./run-program.ts";
import { discard, freshDataDirectory, Troupe } from "./troupe.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const HOUR_MS = 3_600_000;
const web: Draft<Deployment> = {
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web" }] } },
  } as unknown as Deployment["spec"],
};

/** Machines without Python learn by the other clients. */
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const python = (args: readonly string[]) => runProgram("python3", ["-B", ...args], process.env);

let data: string;
let cluster: Troupe;
let credentials: string;
let client: TroupeByNats;

beforeAll(async () => {
  data = freshDataDirectory();
  cluster = await Troupe.up(data);
  credentials = join(data, "me.creds");
  await runNatsCredentials({ kubeconfig: cluster.kubeconfig, file: credentials, ttl_ms: HOUR_MS });
  client = await TroupeByNats.connect({ servers: cluster.status().nats, credentials: readFileSync(credentials, "utf8") });
});
afterAll(async () => {
  await client.connection.close();
  await cluster.discard();
  discard(data);
});

/** A watch's events as they come, and what they come to. */
function follow(events: AsyncGenerator<WatchEvent<Pod>, void>) {
  const heard: string[] = [];
  const running = new Set<string>();
  const reading = (async () => {
    for await (const { type, object, resourceVersion } of events) {
      const { name } = object.metadata;
      heard.push(`${type} ${name} ${resourceVersion}`);
      if (type !== "DELETED" && object.status?.phase === "Running" && object.metadata.deletionTimestamp === undefined) running.add(name);
      else running.delete(name);
    }
  })();
  return { heard, running, reading };
}

/** The same by the client in Python. */
function pythonFollows(since: string) {
  const program = `
import sys
from troupe_nats import Troupe
server, credentials, since = sys.argv[1:]
for kind, pod, revision in Troupe(server, open(credentials).read()).watch("pods", "default", since):
    print(kind, pod["metadata"]["name"], revision, flush=True)`;
  const args = ["-B", "-c", program, cluster.status().nats, credentials, since];
  const child = spawn("python3", args, {
    env: { ...process.env, PYTHONPATH: join(EXAMPLES, "nats") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  return { heard: () => printed.split("\n").slice(0, -1), end: () => child.kill("SIGKILL") };
}

/** What became of the pods after a revision, as the API tells it by HTTPS. */
async function historySince(revision: string): Promise<string[]> {
  const path = `/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1&resourceVersion=${revision}`;
  const lines = (await cluster.kubectl.ok(["get", "--raw", path])).split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { type, object } = JSON.parse(line) as { type: string; object: Pod };
    return `${type} ${object.metadata.name} ${object.metadata.resourceVersion}`;
  });
}

test("the example runs as it stands", async () => {
  const { code, stdout, stderr } = await runProgram(
    "node",
    [join(EXAMPLES, "nats/deployment.mjs"), cluster.status().nats, credentials],
    process.env,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^refused: 422 Invalid: .*spec\.replicas/m);
  expect(new Set(stdout.match(/by-nats-\S+ Running/g)).size).toBe(3);
});

test.skipIf(!hasPython)("and the one in Python, with nothing but its standard library", async () => {
  const { code, stdout, stderr } = await python([join(EXAMPLES, "nats/deployment.py"), cluster.status().nats, credentials]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^(would go to node-\d\n){3}refused: 422 Invalid: .*spec\.replicas/);
  expect(new Set(stdout.match(/by-python-\S+ Running/g)).size).toBe(3);
  expect(stdout).toMatch(/\ndone\n$/);
});

test("the lines of the book for the nats command line do what they say", async () => {
  const book = readFileSync(join(import.meta.dirname, "../../docs/nats.md"), "utf8");
  const [block = ""] = /(?<=^```sh\n)n\(\) .*?(?=^```)/ms.exec(book) ?? [];
  const printed = await asByCommandLine(block, client.connection);
  const answers = printed.filter(({ line }) => !line.startsWith("n sub"));
  expect(answers.length).toBeGreaterThan(9);
  for (const { line, messages } of answers) {
    expect(messages, line).toHaveLength(1);
    expect(messages[0]?.headers?.get("Nats-Service-Error") ?? "", line).toBe("");
  }
  const [listed, info, stats] = answers.map(({ messages }) => messages[0]?.json<Record<string, unknown>>());
  expect(listed).toMatchObject({ type: "io.nats.micro.v1.ping_response", name: "troupe" });
  expect(info).toMatchObject({
    type: "io.nats.micro.v1.info_response",
    endpoints: expect.arrayContaining([expect.objectContaining({ name: "get" })]),
  });
  expect(stats).toMatchObject({
    type: "io.nats.micro.v1.stats_response",
    endpoints: expect.arrayContaining([expect.objectContaining({ name: "create" })]),
  });
  const heard = printed.find(({ line }) => line.startsWith("n sub"))?.messages ?? [];
  await until("the pods of the Deployment, as the subscription hears them", () =>
    heard.some(({ subject, headers }) => subject.startsWith("troupe.watch.core.pods.default.by-cli-") && headers?.get("Type") === "ADDED"),
  );
});

test("a client that knows the book alone makes a Deployment, follows its pods, is told what is wrong, and misses nothing when nats-server and Troupe are killed", async () => {
  const deployments = client.resource("deployments.apps").in("default");
  const pods = client.resource("pods").in("default");
  const { resourceVersion: begin } = await pods.list();
  const end = new AbortController();
  const { heard, running, reading } = follow(pods.watch({ since: begin, signal: end.signal }));
  const pythons = hasPython ? pythonFollows(begin) : undefined;
  const settled = (replicas: number): Promise<unknown> =>
    until(`${replicas} running pods, as the watch tells it`, () => running.size === replicas, 60_000);

  await deployments.create(web);
  await settled(3);
  const refused = await deployments.create({ metadata: { name: "bad" } } as Draft<Deployment>).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(TroupeError);
  expect(refused).toMatchObject({ code: 422, reason: "Invalid", message: expect.stringContaining("spec.selector: Required value") });

  // Who comes while nobody is there is told so, and ends.
  await until("the first word that Python hears", () => (pythons?.heard().length ?? 1) > 0);
  process.kill(cluster.status().natsServer?.pid ?? 0, "SIGKILL");
  await cluster.kubectl.ok(["scale", "deployment/web", "--replicas=6"]);
  await settled(6);

  await cluster.kill9();
  cluster = await Troupe.up(data);
  await cluster.kubectl.ok(["scale", "deployment/web", "--replicas=2"]);
  await settled(2);

  const history = await historySince(begin);
  await until("all that the API knows of", () => heard.length >= history.length, 30_000).catch(() => undefined);
  expect(heard).toEqual(history);
  await until("all of it, as Python tells it", () => (pythons?.heard().length ?? history.length) >= history.length, 40_000).catch(
    () => undefined,
  );
  pythons?.end();
  expect(pythons?.heard() ?? history).toEqual(history);
  end.abort();
  await reading;
  expect((await deployments.get("web")).spec?.replicas).toBe(2);
});
