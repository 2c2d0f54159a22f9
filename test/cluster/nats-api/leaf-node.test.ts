import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers } from "nats";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ConfigMap } from "../../../actors/kinds/generated/types.ts";
import { Troupe, type WatchEvent } from "../../../client/mod.ts";
import { natsBinary } from "../../../cluster/boot/up.ts";
import { startDoor, type TestDoor } from "./door.ts";
import { type Link, linkTo } from "./link.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-leaf-"));
let door: TestDoor;
let link: Link;
let leaf: ChildProcess;
/** At the leaf node, where nobody has to say who they are: all of it is the administrator. */
let far: Troupe;
let near: Troupe;

beforeAll(async () => {
  door = await startDoor();
  link = await linkTo(door.server.leafPort ?? 0);
  const file = join(directory, "leaf.creds");
  const credentials = await door.credentials(door.gateway.call);
  writeFileSync(file, credentials, { mode: 0o600 });
  const port = await freePort();
  const log = join(directory, "leaf.log");
  const config = join(directory, "leaf.conf");
  writeFileSync(
    config,
    `host: 127.0.0.1
port: ${port}
log_file: ${JSON.stringify(log)}
leafnodes {
  reconnect: "100ms"
  remotes: [{ url: "nats-leaf://127.0.0.1:${link.port}", credentials: ${JSON.stringify(file)} }]
}
`,
  );
  leaf = spawn(natsBinary().path, ["-c", config], { stdio: "ignore" });
  await vi.waitUntil(() => /Leafnode connection created/.test(textOf(log)), 10_000);
  near = await door.client(door.gateway.call);
  // Nobody asks for them there, but answers come through the leaf node to its own user's inbox alone.
  far = await Troupe.connect({ servers: `nats://127.0.0.1:${port}`, credentials });
});
afterAll(async () => {
  await far.connection.close();
  await door.stop();
  await link.close();
  leaf.kill("SIGTERM");
  await once(leaf, "exit");
  rmSync(directory, { recursive: true, force: true });
});

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const configMaps = (client: Troupe) => client.resource<ConfigMap>("configmaps").in("default");
const configMap = (name: string) => ({ metadata: { name }, data: { k: "v" } });

async function next(events: AsyncGenerator<WatchEvent<ConfigMap>, void>): Promise<string> {
  const { value } = await events.next();
  return value === undefined ? "end" : `${value.type} ${value.object.metadata.name}`;
}

test("behind a leaf node the API is there, as whoever the leaf node is, whatever a client says of itself", async () => {
  const made = await configMaps(far).create(configMap("by-leaf"), { fieldManager: "leaf" });
  expect(made.metadata.managedFields).toMatchObject([{ manager: "leaf" }]);
  expect((await configMaps(near).get("by-leaf")).metadata.uid).toBe(made.metadata.uid);
  const forged = headers();
  forged.set("Nats-Request-Info", JSON.stringify({ name_tag: "mallory", tags: [] }));
  const answer = await far.connection.request("troupe.api.create.authentication_k8s_io.selfsubjectreviews._._", "{}", {
    headers: forged,
    timeout: 10_000,
  });
  expect(answer.json()).toMatchObject({ status: { userInfo: { username: "admin" } } });
});

test("a watch behind it misses nothing, though the way there is cut and no connection of its own is", async () => {
  const events = configMaps(far).watch();
  expect(await next(events)).toBe("ADDED by-leaf");
  await configMaps(near).create(configMap("a"));
  expect(await next(events)).toBe("ADDED a");
  link.cut();
  await configMaps(near).create(configMap("b"));
  await configMaps(near).delete("a");
  link.mend();
  const heard = Promise.all([next(events), next(events)]);
  let told = false;
  void heard.then(() => {
    told = true;
  });
  // The first event that gets through again shows that others did not.
  for (let number = 0; !told && number < 100; number++) {
    await configMaps(near).patch("by-leaf", { data: { k: `${number}` } });
    await vi.waitUntil(() => told, 100).catch(() => undefined);
  }
  expect(await heard).toEqual(["ADDED b", "DELETED a"]);
  await events.return();
});
