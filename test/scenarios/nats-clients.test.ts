import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment, Pod } from "../../actors/kinds/generated/types.ts";
import { type Draft, Troupe as TroupeByNats, TroupeError, type WatchEvent } from "../../client/mod.ts";
import { until } from "../../cluster/chaos/until.ts";
import { runNatsCredentials } from "../../cluster/nats/credentials-command.ts";
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

test("a client that knows the book alone makes a Deployment, follows its pods, is told what is wrong, and misses nothing when nats-server and Troupe are killed", async () => {
  const deployments = client.resource("deployments.apps").in("default");
  const pods = client.resource("pods").in("default");
  const { resourceVersion: begin } = await pods.list();
  const end = new AbortController();
  const { heard, running, reading } = follow(pods.watch({ since: begin, signal: end.signal }));
  const settled = (replicas: number): Promise<unknown> =>
    until(`${replicas} running pods, as the watch tells it`, () => running.size === replicas, 60_000);

  await deployments.create(web);
  await settled(3);
  const refused = await deployments.create({ metadata: { name: "bad" } } as Draft<Deployment>).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(TroupeError);
  expect(refused).toMatchObject({ code: 422, reason: "Invalid", message: expect.stringContaining("spec.selector: Required value") });

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
  end.abort();
  await reading;
  expect((await deployments.get("web")).spec?.replicas).toBe(2);
});
