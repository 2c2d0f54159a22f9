import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { type ApiAccess, readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { GaplessWatch } from "../../cluster/chaos/gapless-watch.ts";
import { until } from "../../cluster/chaos/until.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { freshDataDirectory, streamsOf, Troupe } from "./troupe.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const MIB = 1024 * 1024;
const SLOW_WATCHERS = 6;
/** What is written while they do not read: far more than may wait for one of them. */
const WRITTEN_BYTES = 64 * MIB;
const VALUE_BYTES = 256 * 1024;
/** What may wait for all of them, each with what the kernel holds, and what the store itself holds of what was written. */
const MEMORY_BYTES_MAX = WRITTEN_BYTES * 3 + SLOW_WATCHERS * 16 * MIB;

let troupe: Troupe | undefined;
afterEach(async () => {
  await troupe?.discard();
  troupe = undefined;
});

const configMap = (name: string, value: string): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } });

test("an object that is too large is refused as Kubernetes refuses it; one that just fits is stored, alone in its batch or not", async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--only", "api"]);
  const client = new ApiClient(readKubeconfig(troupe.kubeconfig), 8);
  const create = (name: string, bytes: number): ReturnType<ApiClient["send"]> =>
    client.send({ method: "POST", path: PATH, body: configMap(name, "x".repeat(bytes)) }, true);
  // Config maps have a limit of their own below the store's.
  const large = await client.send(
    {
      method: "POST",
      path: "/apis/apps/v1/namespaces/default/controllerrevisions",
      body: JSON.stringify({
        apiVersion: "apps/v1",
        kind: "ControllerRevision",
        metadata: { name: "large" },
        revision: 1,
        data: { value: "x".repeat(1_572_864) },
      }),
    },
    true,
  );
  expect(large.status).toBe(500);
  expect(JSON.parse(large.body)).toMatchObject({
    kind: "Status",
    status: "Failure",
    message: "etcdserver: request is too large",
    code: 500,
  });
  // Larger together than a batch may be: they are split over several.
  const many = await Promise.all(Array.from({ length: 8 }, (_, i) => create(`fits-${i}`, 900_000)));
  expect(many.map(({ status }) => status)).toEqual(Array(8).fill(201));
  await client.close();
  await troupe.stop();
});

/** A watch whose client never reads: the connection is open, and that is all. */
function slowWatch(access: ApiAccess, path: string): Promise<IncomingMessage> {
  const agent = new Agent({ keepAlive: false });
  const { hostname, port } = new URL(access.origin);
  const { authority: ca, clientCertificate: cert, clientKey: key } = access;
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, agent, ca, cert, key }, (response) => {
      response.pause();
      resolve(response);
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("watchers that never read are cut off, memory stays bounded, nobody else notices; they can go on where they were", async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--only", "api"]);
  const running = troupe;
  const access = readKubeconfig(running.kubeconfig);
  const client = new ApiClient(access, 4);
  const { metadata } = (await client.call({ method: "GET", path: PATH })) as { metadata: { resourceVersion: string } };
  const watches = async (): Promise<number> => {
    const { body } = await client.send({ method: "GET", path: "/metrics" }, true);
    return Number(/^apiserver_longrunning_requests\{[^}]*\} (\d+)$/m.exec(body)?.[1] ?? 0);
  };
  const resident = (): number => {
    const status = readFileSync(`/proc/${running.status().pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  };
  const path = `${PATH}?watch=1&resourceVersion=${metadata.resourceVersion}`;
  const slow = await Promise.all(Array.from({ length: SLOW_WATCHERS }, () => slowWatch(access, path)));
  const good = await GaplessWatch.of(running.kubeconfig, PATH);
  await until("all watches", async () => (await watches()) === SLOW_WATCHERS + 1);
  const before = resident();
  let most = 0;
  const writes = WRITTEN_BYTES / VALUE_BYTES;
  for (let i = 0; i < writes; i++) {
    await client.call({ method: "POST", path: PATH, body: configMap(`note-${i}`, "x".repeat(VALUE_BYTES)) });
    most = Math.max(most, resident());
  }
  await until("the end of the slow watches", async () => (await watches()) === 1);
  expect(most - before).toBeLessThan(MEMORY_BYTES_MAX);
  await good.agrees();
  expect({ faults: good.faults, resumed: good.resumed }).toEqual({ faults: [], resumed: 0 });
  // Once it reads, each of them learns that its watch was cut off in the middle, and may resume from what it has seen.
  const ends = await Promise.all(
    slow.map(
      (response) =>
        new Promise<string>((resolve) => {
          response.on("error", () => resolve("cut off"));
          response.on("end", () => resolve(response.complete ? "in good order" : "cut off"));
          response.resume();
        }),
    ),
  );
  expect(ends).toEqual(Array(SLOW_WATCHERS).fill("cut off"));
  let events = 0;
  const resumed = await client.stream(path, (chunk) => {
    events += String(chunk).split('"type":"ADDED"').length - 1;
  });
  await until("all events from where they began", () => events >= writes);
  resumed.close();
  await good.close();
  await client.close();
  await running.stop();
}, 180_000);

test("a bit that flips anywhere in the registers of members does not keep a cluster from starting, or it is named", async () => {
  const data = freshDataDirectory();
  const random = seededRandom(12);
  troupe = await Troupe.up(data, ["--only", "api"]);
  await troupe.kubectl.ok(["create", "configmap", "kept", "--from-literal=a=b"]);
  for (let round = 0; round < 5; round++) {
    await troupe.stop();
    const messages = join(streamsOf(data), "KV_troupe-members/msgs");
    for (const file of readdirSync(messages)) {
      const bytes = readFileSync(join(messages, file));
      if (bytes.length === 0) continue;
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(join(messages, file), bytes);
    }
    troupe = await Troupe.up(data, ["--only", "api"]);
    expect(await troupe.kubectl.ok(["get", "configmap", "kept", "-o", "name"])).toBe("configmap/kept");
  }
  await troupe.stop();
}, 180_000);
