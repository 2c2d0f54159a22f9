import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FailedAttempts } from "../../../cluster/access/authentication/failed-attempts.ts";
import type { Call, Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";
import { type OutsideServer, startOutsideServer } from "./outside-server.ts";

const WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const PODS = "/api/v1/namespaces/default/pods";

let outside: OutsideServer;
let server: TestGateway;
let stranger: Call;
const asked: Json[] = [];

beforeAll(async () => {
  outside = await startOutsideServer();
  outside.on("/authenticate", ({ spec, ...review }) => {
    const name = /^user-(\w+)$/.exec(spec.token)?.[1];
    if (spec.token === "elsewhere") return { ...review, status: { authenticated: true, user: { username: "x" }, audiences: ["another"] } };
    if (name === undefined) return { ...review, status: { authenticated: false, error: "no such token" } };
    return { ...review, status: { authenticated: true, user: { username: name, uid: "7", groups: ["g"], extra: { k: ["v"] } } } };
  });
  outside.on("/authorize", ({ spec, ...review }) => {
    asked.push(spec);
    if (spec.user === "broken") return 400;
    if (spec.user === "banned") return { ...review, status: { allowed: false, denied: true, reason: "banned" } };
    return { ...review, status: { allowed: spec.resourceAttributes?.resource === "pods", reason: "pods only" } };
  });
  server = await startGateway({
    access: {
      tokenWebhook: { access: outside.access("/authenticate"), ttl_ms: 60_000 },
      authorizers: [
        {
          type: "Webhook",
          webhook: {
            access: outside.access("/authorize"),
            allowed_ms: 60_000,
            refused_ms: 60_000,
            timeout_ms: 10_000,
            version: "v1",
            onFailure: "NoOpinion",
            conditions: [],
          },
        },
        { type: "Node" },
        { type: "RBAC" },
      ],
    },
  });
  stranger = server.client(undefined);
});
afterAll(async () => {
  await server.stop();
  await outside.stop();
});

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe("a webhook for tokens", () => {
  test("says whose one is, once for many requests", async () => {
    const who = async () => (await stranger("POST", WHOAMI, {}, as("user-jane"))).json().status.userInfo;
    const jane = { username: "jane", uid: "7", groups: ["g", "system:authenticated"], extra: { k: ["v"] } };
    expect(await who()).toEqual(jane);
    const before = outside.asked.filter((path) => path === "/authenticate").length;
    expect(await who()).toEqual(jane);
    expect(outside.asked.filter((path) => path === "/authenticate").length).toBe(before);
  });

  test.each(["nobody", "elsewhere"])("refuses %s", async (token) => {
    expect((await stranger("POST", WHOAMI, {}, as(token))).status).toBe(401);
  });
});

describe("a webhook for access", () => {
  test("is asked as Kubernetes asks, and remembered", async () => {
    expect((await stranger("GET", `${PODS}?labelSelector=a%3Db`, undefined, as("user-jane"))).status).toBe(200);
    expect(asked.at(-1)).toEqual({
      user: "jane",
      uid: "7",
      groups: ["g", "system:authenticated"],
      extra: { k: ["v"] },
      resourceAttributes: { verb: "list", version: "v1", resource: "pods", namespace: "default", labelSelector: { rawSelector: "a=b" } },
    });
    const before = asked.length;
    expect((await stranger("GET", `${PODS}?labelSelector=a%3Db`, undefined, as("user-jane"))).status).toBe(200);
    expect(asked.length).toBe(before);
  });

  test("leaves to roles what it has no opinion about, and repeats what it said", async () => {
    const refused = await stranger("GET", "/api/v1/namespaces/default/secrets", undefined, as("user-jane"));
    expect(refused.status).toBe(403);
    expect(refused.json().message).toContain(
      'User "jane" cannot list resource "secrets" in API group "" in the namespace "default": pods only',
    );
    // Everybody may ask who they are, by a role.
    expect((await stranger("POST", WHOAMI, {}, as("user-jane"))).status).toBe(201);
  });

  test("that denies has the last word", async () => {
    expect((await stranger("POST", WHOAMI, {}, as("user-banned"))).status).toBe(403);
    const review = { spec: { user: "banned", resourceAttributes: { verb: "get", resource: "pods" } } };
    const { status } = (await server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)).json();
    expect(status).toEqual({ allowed: false, denied: true, reason: "banned" });
  });

  test("that does not answer allows nothing", async () => {
    expect((await stranger("GET", PODS, undefined, as("user-broken"))).status).toBe(403);
    expect((await stranger("POST", WHOAMI, {}, as("user-broken"))).status).toBe(201);
  });

  test("knows pages", async () => {
    await stranger("GET", "/metrics", undefined, as("user-jane"));
    expect(asked.at(-1).nonResourceAttributes).toEqual({ path: "/metrics", verb: "get" });
  });

  test("says who may act as somebody else", async () => {
    const refused = await stranger("GET", PODS, undefined, { ...as("user-jane"), "impersonate-user": "joe" });
    expect(refused.status).toBe(403);
    expect(asked.at(-1).resourceAttributes).toMatchObject({ verb: "impersonate", resource: "users", name: "joe" });
  });
});

describe("who shows one wrong token after another", () => {
  test("has to wait, and whoever was believed before does not", async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 150; i++) statuses.add((await stranger("POST", WHOAMI, {}, as(`wrong-${i}`))).status);
    expect([...statuses]).toEqual([401, 429]);
    const waiting = await stranger("POST", WHOAMI, {}, as("user-late"));
    expect([waiting.status, waiting.headers["retry-after"]]).toEqual([429, "1"]);
    expect((await stranger("POST", WHOAMI, {}, as("user-jane"))).status).toBe(201);
    expect((await server.call("GET", PODS)).status).toBe(200);
  });

  test("may try again after a while", () => {
    let now_ms = 0;
    const attempts = new FailedAttempts({ monotonic_ms: () => now_ms });
    for (let i = 0; i < 100; i++) {
      expect(attempts.mayTry("a")).toBe(true);
      attempts.failed("a");
    }
    expect([attempts.mayTry("a"), attempts.mayTry("b")]).toEqual([false, true]);
    now_ms += 100;
    expect(attempts.mayTry("a")).toBe(true);
    attempts.failed("a");
    expect(attempts.mayTry("a")).toBe(false);
  });
});
