import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KubeletDoor } from "../../../cluster/kubelet/door.ts";
import { DoorAccess } from "../../../cluster/kubelet/door-access.ts";
import { FollowedObjects } from "../../../cluster/kubelet/followed-objects.ts";
import { usageIn } from "../../../cluster/kubelet/stats-summary.ts";
import { OwnAddresses } from "../../../cluster/outbound/own-address.ts";
import type { ActorKind, Message } from "../../../runtime/mod.ts";
import { Host, silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";
import { type Authority, makeAuthority, type Pair } from "../gateway/certificates.ts";
import { object, ScriptedApi } from "./scripted-api.ts";

const API_SERVER = "kube-apiserver-kubelet-client";
const NAME = "one.node.troupe.internal";
const USED = { cpu_nanocores: 250_000_000, memory_bytes: 1_000_000 };

let authority: Authority;
let door: KubeletDoor;
let port: number;
const made: string[] = [];
const host = new Host({ name: "machine", clock: systemClock(), random: systemRandom(), log: silentLogger });
const api = new ScriptedApi();

/** An actor that answers what it is asked. */
function answering(kind: string, answer: (message: Message & Record<string, unknown>) => unknown): ActorKind<Message> {
  return {
    kind,
    mailboxCapacity: 16,
    supervision: { strategy: "stop" },
    activate: () => ({ receive: (message, sender) => sender.answer(answer(message as Message & Record<string, unknown>) as Message) }),
  };
}

beforeAll(async () => {
  authority = await makeAuthority();
  const clock = systemClock();
  const objects = new FollowedObjects(silentLogger);
  objects.put("nodes/one", {
    metadata: { name: "one", uid: "n", creationTimestamp: "", resourceVersion: "1", labels: { "troupe.dev/machine": "process" } },
  });
  const running = {
    containerStatuses: [{ name: "c", containerID: "process://id", state: { running: { startedAt: "2026-01-01T00:00:00Z" } } }],
  };
  objects.put("pods/d/web", object("web", 2, { spec: { nodeName: "one", containers: [{ name: "c" }] }, status: running }));
  host.register(
    answering("pod", ({ asked }) => ({ data: Buffer.from(JSON.stringify(asked)), cursor: { inode: 1, offset: 1 }, isEnd: true })),
  );
  host.register(
    answering("node", ({ type }) =>
      type === "usage" ? { ...USED, at_ms: 1_000 } : [{ key: "pods/d/web", containers: [{ name: "c", ...USED }], at_ms: 1_000 }],
    ),
  );
  // Whether somebody may is the API's word: the API server may all, jane the figures alone.
  const access = new DoorAccess(api, clock, "one");
  api.call = (async (
    _method: string,
    _path: string,
    body: { spec: { user: string; resourceAttributes: { subresource: string; name: string } } },
  ) => {
    api.bodies.push(body);
    const { user, resourceAttributes } = body.spec;
    return { status: { allowed: user === API_SERVER || (user === "jane" && resourceAttributes.subresource === "stats") } };
  }) as unknown as ScriptedApi["call"];
  const pods = {
    view: objects,
    messenger: host.messenger,
    clock,
    log: silentLogger,
    own: new OwnAddresses({ ports: new Set(), certificate: undefined }),
    newest: async () => {},
  };
  const serving = await authority.server(NAME);
  const volumes = {
    pathOf: (name: string) => `/v/${name}`,
    make: async (name: string) => void made.push(`make ${name}`),
    remove: async (name: string) => {
      made.push(`remove ${name}`);
      if (name === "busy") throw new Error("EBUSY");
    },
    removeOther: async () => undefined,
  };
  door = new KubeletDoor({ node: "one", pods, access, volumes, tls: { ...serving, authority: authority.cert } });
  port = await door.listen(0, "127.0.0.1");
});
afterAll(async () => {
  await door.close();
  await host.stop();
});

interface Answered {
  readonly code: number;
  readonly text: string;
}

function knock(pair: Pair | undefined, path: string, method = "GET"): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, ca: authority.cert, servername: NAME, agent: false as const, ...(pair ?? {}) };
    const request = httpsRequest(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve({ code: response.statusCode ?? 0, text }));
    });
    request.once("error", reject);
    request.end();
  });
}

test("who shows no certificate, or another authority's, is not let in", async () => {
  await expect(knock(undefined, "/healthz")).rejects.toThrow();
  const stranger = await (await makeAuthority("another")).client(API_SERVER, []);
  await expect(knock(stranger, "/healthz")).rejects.toThrow();
});

test("nor is who has ended", async () => {
  const past = { from: new Date(Date.now() - 7_200_000), to: new Date(Date.now() - 3_600_000) };
  await expect(knock(await authority.client(API_SERVER, [], past), "/healthz")).rejects.toThrow();
});

test("nor whoever serves by a certificate of the cluster", async () => {
  await expect(knock(await authority.server("two.node.troupe.internal"), "/healthz")).rejects.toThrow();
});

test.each([
  ["/containerLogs/d/web/c", "GET", "get", "proxy"],
  ["/exec/d/web/c?command=sh&output=1", "POST", "create", "proxy"],
  ["/portForward/d/web", "GET", "get", "proxy"],
  ["/healthz", "GET", "get", "proxy"],
  ["/unknown", "DELETE", "delete", "proxy"],
])("%s is for those who may %2$s", async (path, method, verb, subresource) => {
  for (const [user, groups] of [
    ["jane", []],
    ["system:node:one", ["system:nodes"]],
    ["system:node:two", ["system:nodes"]],
  ] as const) {
    const { code, text } = await knock(await authority.client(user, groups), path, method);
    expect([code, text]).toEqual([403, `Forbidden (user=${user}, verb=${verb}, resource=nodes, subresource=[${subresource}])`]);
  }
});

test("volumes are made and removed by their names, and by nobody's paths", async () => {
  const apiServer = await authority.client(API_SERVER, []);
  expect(await knock(apiServer, "/volumes/pvc-1", "POST")).toEqual({ code: 200, text: '{"path":"/v/pvc-1"}' });
  expect((await knock(apiServer, "/volumes/pvc-1", "DELETE")).code).toBe(200);
  expect(await knock(apiServer, "/volumes/busy", "DELETE")).toEqual({ code: 500, text: "EBUSY\n" });
  expect(made.splice(0)).toEqual(["make pvc-1", "remove pvc-1", "remove busy"]);
  for (const path of ["/volumes/..", "/volumes/%2e%2e", "/volumes/a%2fb", "/volumes/", "/volumes/a/b"])
    expect((await knock(apiServer, path, "DELETE")).code, path).toBe(404);
  expect((await knock(apiServer, "/volumes/pvc-1")).code).toBe(404);
  expect((await knock(await authority.client("jane", []), "/volumes/pvc-1", "DELETE")).code).toBe(403);
  expect(made).toEqual([]);
});

test("whether somebody may is asked once in a while, about this node", async () => {
  const pair = await authority.client("jane", []);
  const before = api.bodies.length;
  for (let time = 0; time < 3; time++) await knock(pair, "/healthz?again", "PUT");
  expect(api.bodies.slice(before)).toMatchObject([
    { spec: { user: "jane", resourceAttributes: { verb: "update", resource: "nodes", subresource: "proxy", name: "one" } } },
  ]);
});

test("what nodes and pods use", async () => {
  const { code, text } = await knock(await authority.client("jane", []), "/stats/summary");
  expect(code).toBe(200);
  const summary = JSON.parse(text);
  expect(summary.pods).toMatchObject([
    { podRef: { name: "web", namespace: "d" }, containers: [{ name: "c", cpu: { usageNanoCores: 250_000_000 } }] },
  ]);
  expect(usageIn(summary)).toEqual({
    node: { ...USED, at_ms: 1_000 },
    pods: [{ key: "pods/d/web", containers: [{ name: "c", ...USED }], at_ms: 1_000 }],
  });
});

test("the API server reads logs, of pods that are here", async () => {
  const pair = await authority.client(API_SERVER, []);
  const log = await knock(pair, "/containerLogs/d/web/c?tailLines=3");
  expect([log.code, JSON.parse(log.text)]).toEqual([200, expect.objectContaining({ tailLines: 3, follow: false })]);
  expect((await knock(pair, "/containerLogs/d/none/c")).code).toBe(404);
  expect((await knock(pair, "/exec/d/web/c?command=sh&output=1", "POST")).code).toBe(400);
  expect((await knock(pair, "/run/d/web/c", "POST")).code).toBe(404);
  expect((await knock(pair, "/healthz")).text).toBe("ok");
});
