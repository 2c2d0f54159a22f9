import { pack, unpack } from "msgpackr";
import { headers, type Msg, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigMap, Pod } from "../../../actors/kinds/generated/types.ts";
import type { Troupe, WatchEvent } from "../../../client/mod.ts";
import { TroupeError } from "../../../client/mod.ts";
import { VERBS } from "../../../cluster/nats-api/asked.ts";
import type { Call } from "../gateway/harness.ts";
import { startDoor, type TestDoor } from "./door.ts";
import { linkTo } from "./link.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const HISTORY_REVISIONS = 40;
let door: TestDoor;
let admin: Troupe;
/** May do all with config maps of `default`, and with nothing else. */
let jane: Troupe;
let janeByHttps: Call;

beforeAll(async () => {
  door = await startDoor({ historyRevisions: HISTORY_REVISIONS });
  const { gateway } = door;
  janeByHttps = gateway.client(await gateway.authority.client("jane", ["team"]));
  await gateway.call("POST", `${RBAC}/clusterroles`, {
    metadata: { name: "nats" },
    rules: [{ verbs: ["post"], nonResourceURLs: ["/troupe/nats-credentials"] }],
  });
  await bind(`${RBAC}/clusterrolebindings`, "nats", "ClusterRole");
  await gateway.call("POST", `${RBAC}/namespaces/default/roles`, {
    metadata: { name: "mine" },
    rules: [{ verbs: ["*"], apiGroups: [""], resources: ["configmaps"] }],
  });
  await bind(`${RBAC}/namespaces/default/rolebindings`, "mine", "Role");
  admin = await door.client(gateway.call);
  jane = await door.client(janeByHttps);
});
afterAll(() => door.stop());

async function bind(path: string, name: string, kind: string): Promise<void> {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind, name };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }];
  const answer = await door.gateway.call("POST", path, { metadata: { name }, roleRef, subjects });
  expect(answer.status).toBe(201);
}

function ask(
  connection: NatsConnection,
  subject: string,
  data: string | Uint8Array = "",
  given: Record<string, string> = {},
): Promise<Msg> {
  const said = headers();
  for (const [name, value] of Object.entries(given)) said.append(name, value);
  return connection.request(`troupe.api.${subject}`, data, { headers: said, timeout: 10_000 });
}

const configMap = (name: string, value = "v"): { metadata: { name: string }; data: Record<string, string> } => ({
  metadata: { name },
  data: { value },
});
const configMaps = (client: Troupe, namespace = "default") => client.resource<ConfigMap>("configmaps").in(namespace);
const refusal = (asked: Promise<unknown>): Promise<TroupeError> =>
  asked.then(
    () => expect.fail("it was allowed"),
    (error: TroupeError) => error,
  );

/** The next so many events, as type, name and value. */
async function next(events: AsyncGenerator<WatchEvent<ConfigMap>, void>, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const { value } = await events.next();
    if (value === undefined) break;
    seen.push(`${value.type} ${value.object.metadata.name} ${value.object.data?.value}`);
  }
  return seen;
}

describe("the verbs of the API", () => {
  test("make, read, change and remove an object, as by HTTPS", async () => {
    const mine = configMaps(admin);
    const made = await mine.create(configMap("m"), { fieldManager: "me" });
    expect(made.metadata).toMatchObject({ name: "m", namespace: "default", managedFields: [{ manager: "me" }] });
    const byHttps = (await door.gateway.call("GET", "/api/v1/namespaces/default/configmaps/m")).json();
    expect(await mine.get("m")).toEqual(byHttps);
    expect((await mine.update({ ...made, data: { value: "w" } })).data).toEqual({ value: "w" });
    expect(await refusal(mine.update(made))).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await mine.patch("m", { data: { more: "1" } })).data).toEqual({ value: "w", more: "1" });
    expect((await mine.patch("m", [{ op: "remove", path: "/data/more" }], "json-patch")).data).toEqual({ value: "w" });
    expect((await mine.patch("m", { data: { value: null } }, "strategic-merge-patch")).data).toBeUndefined();
    const applied = await mine.apply({ apiVersion: "v1", kind: "ConfigMap", ...configMap("m", "applied") } as never, {
      fieldManager: "applier",
    });
    expect(applied.data).toEqual({ value: "applied" });
    expect((await mine.list({ labelSelector: "none=such" })).items).toEqual([]);
    expect((await mine.list()).items.map(({ metadata }) => metadata.name)).toContain("m");
    await mine.delete("m", { dryRun: "All" });
    await mine.delete("m");
    expect(await refusal(mine.get("m"))).toMatchObject({ code: 404, reason: "NotFound", message: 'configmaps "m" not found' });
    await mine.create(configMap("n"));
    await mine.deleteCollection({ fieldSelector: "metadata.name=n" });
    expect(await refusal(mine.get("n"))).toMatchObject({ code: 404 });
  });

  test("reach parts of objects, and what may be done with them", async () => {
    const { call } = door.gateway;
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const deployments = admin.resource("deployments.apps").in("default");
    await deployments.create({
      metadata: { name: "web" },
      spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template },
    } as never);
    await deployments.scale("web", 3);
    expect((await call("GET", "/apis/apps/v1/namespaces/default/deployments/web")).json().spec.replicas).toBe(3);
    const changed = await deployments.patch("web", { status: { observedGeneration: 9 } }, "merge-patch", {}, "status");
    expect(changed.status?.observedGeneration).toBe(9);
    const pods = admin.resource("pods").in("default");
    await pods.create({ metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } } as never);
    expect(await pods.logs("p")).toBe("");
    await pods.ask("create", "binding", "p", { metadata: { name: "p" }, target: { kind: "Node", name: "n" } });
    expect((await pods.get("p")).spec.nodeName).toBe("n");
    expect(await pods.ask("create", "eviction", "p", { metadata: { name: "p" } })).toMatchObject({ status: "Success" });
    expect(await refusal(pods.ask("create", "exec", "p", undefined, { command: "ls" }))).toMatchObject({
      code: 400,
      message: expect.stringContaining("HTTPS"),
    });
    const token = await admin
      .resource("serviceaccounts")
      .in("default")
      .ask<{ status: { token: string } }>("create", "token", "default", { spec: {} });
    expect(token.status.token).toMatch(/^ey/);
    expect(await pods.ask("get", "why", "p")).toMatchObject({ pod: "default/p", node: "n" });
    expect(await refusal(pods.ask("get", "why", "q"))).toMatchObject({ code: 404 });
    await pods.delete("p", { gracePeriodSeconds: 0 });
    await deployments.delete("web");
  });

  test("say what is wrong as a Status, with the fields", async () => {
    const error = await refusal(
      admin
        .resource("deployments.apps")
        .in("default")
        .create({ metadata: { name: "bad" } } as never),
    );
    expect(error).toBeInstanceOf(TroupeError);
    expect([error.code, error.reason]).toEqual([422, "Invalid"]);
    expect(error.status.details?.causes?.map(({ field }) => field)).toContain("spec.selector");
    expect(await refusal(admin.resource("widgets.example.com").list())).toMatchObject({ code: 404 });
    expect((await ask(admin.connection, "create.core.configmaps.default._", "{")).json()).toMatchObject({ kind: "Status", code: 400 });
    const patched = await ask(admin.connection, "patch.core.configmaps.default.x", "{}");
    expect(patched.json()).toMatchObject({ code: 415 });
  });

  test("speak MessagePack to whoever does", async () => {
    const { connection } = admin;
    const types = { "Content-Type": "application/msgpack", Accept: "application/msgpack" };
    const made = await ask(connection, "create.core.configmaps.default._", pack(configMap("packed")), types);
    expect(made.headers?.get("Content-Type")).toBe("application/msgpack");
    expect(unpack(made.data)).toMatchObject({ kind: "ConfigMap", data: { value: "v" } });
    const patched = await ask(connection, "patch.core.configmaps.default.packed", pack({ data: { value: "w" } }), {
      ...types,
      "Content-Type": "application/merge-patch+msgpack",
    });
    expect(unpack(patched.data)).toMatchObject({ data: { value: "w" } });
    const applied = await ask(
      connection,
      "patch.core.configmaps.default.packed",
      pack({ apiVersion: "v1", kind: "ConfigMap", ...configMap("packed", "x") }),
      {
        "Content-Type": "application/apply-patch+msgpack",
        fieldManager: "packer",
        force: "true",
      },
    );
    expect(applied.json()).toMatchObject({ data: { value: "x" } });
    const broken = await ask(connection, "create.core.configmaps.default._", Uint8Array.of(0x82, 0xa1), types);
    expect(unpack(broken.data)).toMatchObject({ kind: "Status", code: 400 });
    await configMaps(admin).delete("packed");
  });

  test("are asked many at a time, each answered by itself", async () => {
    const lines = async (subject: string, items: readonly unknown[]): Promise<Record<string, never>[]> => {
      const body = items.map((item) => JSON.stringify(item)).join("\n");
      const answer = await ask(admin.connection, subject, body, { "Content-Type": "application/x-ndjson", fieldManager: "many" });
      expect(answer.headers?.get("Content-Type")).toBe("application/x-ndjson");
      return answer
        .string()
        .split("\n")
        .map((line) => JSON.parse(line));
    };
    const made = await lines("create.core.configmaps.default._", [
      configMap("a"),
      configMap("b"),
      { metadata: { name: "NO" } },
      configMap("a"),
    ]);
    expect(made).toMatchObject([
      { metadata: { name: "a" } },
      { metadata: { name: "b" } },
      { kind: "Status", code: 422 },
      { kind: "Status", code: 409 },
    ]);
    const got = await lines("get.core.configmaps.default._", ["b", "nobody", "a"]);
    expect(got).toMatchObject([{ metadata: { name: "b" } }, { kind: "Status", code: 404 }, { metadata: { name: "a" } }]);
    const changed = await lines("update.core.configmaps.default._", [{ ...got[0], data: { value: "w" } }]);
    expect(changed).toMatchObject([{ data: { value: "w" } }]);
    expect(await lines("delete.core.configmaps.default._", ["a", "b"])).toMatchObject([{ status: "Success" }, { status: "Success" }]);
    expect(await lines("get.core.namespaces._._", ["default"])).toMatchObject([{ kind: "Namespace" }]);
    const refused = async (subject: string, body: string): Promise<object> =>
      (await ask(admin.connection, subject, body, { "Content-Type": "application/x-ndjson" })).json();
    expect(await refused("list.core.configmaps.default._", '"a"')).toMatchObject({ code: 400 });
    expect(await refused("get.core.configmaps.default.a", '"a"')).toMatchObject({ code: 400 });
    expect(await refused("get.core.configmaps.default._", "{}")).toMatchObject({ code: 400, message: expect.stringContaining("no name") });
    expect(await refused("get.core.configmaps.default._", "")).toMatchObject({ code: 400 });
    // Who may not is refused line by line.
    const hers = await ask(jane.connection, "get.core.configmaps.default._", '"a"', {
      "Content-Type": "application/x-ndjson",
      "Impersonate-User": "x",
    });
    expect(hers.json()).toMatchObject({ kind: "Status", code: 403 });
  });

  test("and by the client: in as many messages as it takes, what was refused among what was done", async () => {
    const mine = configMaps(admin);
    const names = Array.from({ length: 300 }, (_, number) => `many-${number}`);
    const made = await mine.createEach([...names.map((name) => configMap(name)), configMap("NO")]);
    expect(made.slice(0, 300).map((each) => each instanceof TroupeError || each.metadata.name)).toEqual(names);
    expect(made[300]).toMatchObject({ code: 422, reason: "Invalid" });
    const read = await mine.getEach(["many-1", "nobody"]);
    expect(read).toMatchObject([{ metadata: { name: "many-1" } }, { code: 404 }]);
    const [, first, second] = made as ConfigMap[];
    const stale = { ...second, metadata: { ...second?.metadata, resourceVersion: "1" }, data: { value: "w" } };
    const changed = await mine.updateEach([{ ...first, data: { value: "w" } }, stale] as ConfigMap[]);
    expect(changed).toMatchObject([{ data: { value: "w" } }, { code: 409, reason: "Conflict" }]);
    expect(await mine.deleteEach([...names, "nobody"])).toHaveLength(301);
    expect((await mine.list({ labelSelector: "!none" })).items.filter(({ metadata }) => metadata.name.startsWith("many"))).toEqual([]);
    expect(await mine.createEach([])).toEqual([]);
    // Of answers that are larger than a message those that fit are there.
    const large = await mine.createEach(Array.from({ length: 7 }, (_, number) => configMap(`large-${number}`, "x".repeat(900_000))));
    expect(large.every((each) => !(each instanceof TroupeError))).toBe(true);
    const twice = await mine.getEach([...large, ...large].map((each) => (each as ConfigMap).metadata.name));
    expect(twice.slice(0, 8).every((each) => !(each instanceof TroupeError))).toBe(true);
    expect(twice.at(-1)).toMatchObject({ code: 413 });
    await mine.deleteEach(large.map((each) => (each as ConfigMap).metadata.name));
  });

  test("say where pods would go", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } };
    const node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n" },
      status: { allocatable: { cpu: "1", memory: "1Gi", pods: "9" } },
    };
    expect(await admin.whatIf("default", pod, node)).toEqual([{ pod: "default/p", node: "n", victims: [] }]);
    expect(await refusal(admin.whatIf("default", { kind: "ConfigMap", metadata: { name: "x" } }))).toMatchObject({ code: 400 });
    const hers = await ask(jane.connection, "create.core.pods/what-if.default._", JSON.stringify(pod)).catch(() => undefined);
    expect(hers).toBeUndefined();
  });

  test("print tables and YAML to whoever asks for them", async () => {
    const table = await ask(admin.connection, "list.core.namespaces._._", "", { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    expect(table.json()).toMatchObject({ kind: "Table", columnDefinitions: expect.any(Array) });
    const yaml = await ask(admin.connection, "get.core.namespaces._.default", "", { Accept: "application/yaml" });
    expect([yaml.headers?.get("Content-Type"), yaml.string()]).toEqual(["application/yaml", expect.stringContaining("kind: Namespace")]);
  });

  test("give a long list page by page", async () => {
    const mine = configMaps(admin, "kube-system");
    const large = "x".repeat(200_000);
    await Promise.all([1, 2, 3, 4, 5].map((number) => mine.create(configMap(`large-${number}`, large))));
    const first = await ask(admin.connection, "list.core.configmaps.kube-system._");
    expect(first.json<{ metadata: { continue: string } }>().metadata.continue).not.toBe("");
    const names = (await mine.list()).items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith("large"));
    expect(names).toEqual(["large-1", "large-2", "large-3", "large-4", "large-5"]);
    await mine.deleteCollection();
  });
});

describe("who asks is who NATS says", () => {
  test("a role for one namespace lets do and hear what it allows there, and nothing else", async () => {
    const mine = configMaps(jane);
    const events = mine.watch();
    await mine.create(configMap("hers"));
    expect(await next(events, 1)).toEqual(["ADDED hers v"]);
    await configMaps(admin, "kube-system").create(configMap("theirs"));
    await mine.delete("hers");
    expect(await next(events, 1)).toEqual(["DELETED hers v"]);
    await events.return();
    await configMaps(admin, "kube-system").delete("theirs");
    // NATS itself keeps her out elsewhere: nobody hears what she says there.
    const silence = await jane.connection
      .request("troupe.api.list.core.configmaps.kube-system._", "", { timeout: 500 })
      .catch((error: Error) => error);
    expect(silence).toBeInstanceOf(Error);
    const elsewhere = configMaps(jane, "kube-system").watch({ since: "1" });
    await expect(Promise.race([elsewhere.next(), refusedSubscription(jane.connection)])).rejects.toThrow(/permission/i);
  });

  test("what was taken away is refused at once, whatever the credentials say", async () => {
    await door.gateway.call("DELETE", `${RBAC}/namespaces/default/rolebindings/mine`);
    try {
      expect(await refusal(configMaps(jane).list())).toMatchObject({
        code: 403,
        reason: "Forbidden",
        message: expect.stringContaining('User "jane" cannot list'),
      });
    } finally {
      await bind(`${RBAC}/namespaces/default/rolebindings`, "mine", "Role");
    }
  });

  test("whoever may, acts as somebody else", async () => {
    const answer = await ask(admin.connection, "create.core.configmaps.default._", JSON.stringify(configMap("x")), {
      "Impersonate-User": "nobody",
    });
    expect(answer.json()).toMatchObject({ code: 403, message: expect.stringContaining('User "nobody" cannot create') });
    const hers = await ask(jane.connection, "list.core.configmaps.default._", "", {
      "Impersonate-User": "admin",
      "Impersonate-Group": "system:masters",
    });
    expect(hers.json()).toMatchObject({ code: 403, message: expect.stringContaining("impersonate") });
  });

  test("a message of which NATS says nothing is nobody's", async () => {
    const said = await door.host.request("troupe.api.list.core.configmaps.default._", "", { timeout: 5_000 });
    expect(said.json()).toMatchObject({ code: 401, reason: "Unauthorized" });
  });
});

/** Rejects when the server refuses a subscription or a message. */
async function refusedSubscription(connection: NatsConnection): Promise<never> {
  for await (const { type, data } of connection.status()) if (type === "error") throw new Error(`permission: ${data}`);
  throw new Error("closed");
}

describe("NATS' tools find it", () => {
  test("and its endpoints, and how much they answered; a client with few rights asks, too", async () => {
    const said = async (what: string): Promise<Record<string, never>[]> => {
      const answers: Record<string, never>[] = [];
      for await (const message of await jane.connection.requestMany(`$SRV.${what}`, "", {
        strategy: "count" as never,
        maxMessages: 1,
        maxWait: 5_000,
      }))
        answers.push(message.json());
      return answers;
    };
    expect(await said("PING")).toEqual([
      expect.objectContaining({ type: "io.nats.micro.v1.ping_response", name: "troupe", version: "1.0.0" }),
    ]);
    const [info] = await said("INFO.troupe");
    const endpoints = (info as unknown as { endpoints: { name: string; subject: string; queue_group: string }[] }).endpoints;
    expect(endpoints.map(({ name, subject }) => [name, subject])).toEqual(VERBS.map((verb) => [verb, `troupe.api.${verb}.>`]));
    expect(new Set(endpoints.map(({ queue_group }) => queue_group))).toEqual(new Set(["troupe"]));
    const [stats] = await said("STATS.troupe");
    const get = (
      stats as unknown as { endpoints: { name: string; num_requests: number; data: { answered: number; failed: number } }[] }
    ).endpoints.find(({ name }) => name === "get");
    expect(get?.num_requests).toBeGreaterThan(0);
    expect(get?.data.answered).toBe(get?.num_requests);
    expect(get?.data.failed).toBeGreaterThan(0);
  });
});

describe("what becomes of objects is published", () => {
  test("where somebody listens, and nowhere else", async () => {
    const published: string[] = [];
    const ear = door.host.subscribe("troupe.watch.>", { callback: (_error, { subject }) => published.push(subject) });
    await door.host.flush();
    const events = configMaps(admin).watch();
    const first = next(events, 1);
    await expect
      .poll(async () => {
        await configMaps(admin).create(configMap(`seen-${published.length}-${Date.now()}`));
        return published.length;
      })
      .toBeGreaterThan(0);
    await configMaps(admin, "kube-system").create(configMap("unheard"));
    await admin
      .resource("secrets")
      .in("default")
      .create({ metadata: { name: "unheard" } });
    await first;
    await configMaps(admin).create(configMap("last"));
    await expect.poll(() => published.at(-1)).toBe("troupe.watch.core.configmaps.default.last");
    expect(published.filter((subject) => !subject.startsWith("troupe.watch.core.configmaps.default."))).toEqual([]);
    await events.return();
    ear.unsubscribe();
    await configMaps(admin).deleteCollection();
    await configMaps(admin, "kube-system").delete("unheard");
  });

  test("also for who gives up one subscription in the moment of another", async () => {
    let heard = 0;
    const listen = (resource: string) => admin.connection.subscribe(`troupe.watch.core.${resource}.default.>`, { callback: () => heard++ });
    const untilHeard = (resource: string): Promise<void> =>
      expect
        .poll(
          async () => {
            await admin
              .resource(resource)
              .in("default")
              .create({ metadata: { name: `swap-${Date.now()}` } });
            return heard;
          },
          { timeout: 5_000 },
        )
        .toBeGreaterThan(0);
    const first = listen("secrets");
    await untilHeard("secrets");
    first.unsubscribe();
    heard = 0;
    const second = listen("serviceaccounts");
    await untilHeard("serviceaccounts");
    second.unsubscribe();
    for (const resource of ["secrets", "serviceaccounts"]) await admin.resource(resource).in("default").deleteCollection();
  });

  test("and for each of more subscriptions than the server tells in an answer by itself", async () => {
    const heard = new Set<string>();
    const listen = (namespace: string) =>
      admin.connection.subscribe(`troupe.watch.core.configmaps.${namespace}.>`, { callback: () => heard.add(namespace) });
    const namespaces = Array.from({ length: 12 }, (_, at) => `one-of-many-${at + 10}`);
    const subscriptions = [...Array.from({ length: 4_000 }, (_, at) => `nowhere-${at}`), ...namespaces].map(listen);
    await ask(admin.connection, "watch.core.configmaps._._");
    for (const name of namespaces) {
      await admin.resource("namespaces").create({ metadata: { name } });
      await configMaps(admin, name).create(configMap("a"));
    }
    await expect.poll(() => [...heard].toSorted()).toEqual(namespaces);
    for (const subscription of subscriptions) subscription.unsubscribe();
    for (const name of namespaces) await admin.resource("namespaces").delete(name);
  });

  test("with headers that say of what it is the next", async () => {
    const heard: Msg[] = [];
    const subscription = admin.connection.subscribe("troupe.watch.core.configmaps.*.>", {
      callback: (_error, message) => heard.push(message),
    });
    const begin = (await ask(admin.connection, "watch.core.configmaps._._")).json<{ metadata: { resourceVersion: string } }>();
    const a = await configMaps(admin).create(configMap("a"));
    const b = await configMaps(admin, "kube-system").create(configMap("b"));
    const changed = await configMaps(admin).patch("a", { data: { value: "w" } });
    await configMaps(admin).delete("a");
    await expect.poll(() => heard.length).toBe(4);
    const header = (name: string): (string | undefined)[] => heard.map((message) => message.headers?.get(name));
    const revisions = [a, b, changed].map(({ metadata }) => metadata.resourceVersion);
    expect(header("Type")).toEqual(["ADDED", "ADDED", "MODIFIED", "DELETED"]);
    expect(header("Resource-Version").slice(0, 3)).toEqual(revisions);
    expect(header("Previous-In-Resource").slice(1)).toEqual(revisions);
    expect(Number(header("Previous-In-Resource")[0])).toBeLessThanOrEqual(Number(begin.metadata.resourceVersion));
    expect(header("Previous-In-Namespace").slice(2)).toEqual([revisions[0], revisions[2]]);
    expect(header("Previous-Of-Object").slice(2)).toEqual([revisions[0], revisions[2]]);
    expect(heard[3]?.json<Pod>()).toMatchObject({
      kind: "ConfigMap",
      metadata: { resourceVersion: header("Resource-Version")[3] },
      data: { value: "w" },
    });
    subscription.unsubscribe();
    await configMaps(admin, "kube-system").delete("b");
  });

  test("and what was missed is asked for: since a revision, in pieces, for a selection", async () => {
    const made = await configMaps(admin).create(configMap("since"));
    const since = made.metadata.resourceVersion ?? "";
    await configMaps(admin).patch("since", { data: { value: "1" } });
    await configMaps(admin, "kube-system").create(configMap("other"));
    await configMaps(admin).delete("since");
    const replayed = async (subject: string, given: Record<string, string> = {}): Promise<string[]> => {
      const answer = (await ask(admin.connection, `watch.${subject}`, "", { resourceVersion: since, ...given })).json<{
        complete: boolean;
        events: { type: string; object: ConfigMap }[];
      }>();
      expect(answer.complete).toBe(true);
      return answer.events.map(({ type, object }) => `${type} ${object.metadata.name}`);
    };
    expect(await replayed("core.configmaps._._")).toEqual(["MODIFIED since", "ADDED other", "DELETED since"]);
    expect(await replayed("core.configmaps.default._")).toEqual(["MODIFIED since", "DELETED since"]);
    expect(await replayed("core.configmaps.default.since")).toEqual(["MODIFIED since", "DELETED since"]);
    expect(await replayed("core.configmaps._._", { fieldSelector: "metadata.name=other" })).toEqual(["ADDED other"]);
    expect((await ask(admin.connection, "watch.core.configmaps._._", "", { resourceVersion: "x" })).json()).toMatchObject({ code: 400 });
    await configMaps(admin, "kube-system").delete("other");
  });

  test("a past that is forgotten is told as what differs", async () => {
    const link = await linkTo(Number(new URL(door.server.address.servers[0] ?? "").port));
    const far = await door.client(door.gateway.call, `nats://127.0.0.1:${link.port}`);
    for (const name of ["kept", "gone", "changed"]) await configMaps(admin).create(configMap(name));
    const events = configMaps(far).watch();
    expect((await next(events, 3)).sort()).toEqual(["ADDED changed v", "ADDED gone v", "ADDED kept v"]);
    link.cut();
    await configMaps(admin).delete("gone");
    await configMaps(admin).patch("changed", { data: { value: "w" } });
    await configMaps(admin, "kube-public").create(configMap("noise"));
    for (let number = 0; number < HISTORY_REVISIONS; number++)
      await configMaps(admin, "kube-public").patch("noise", { data: { value: `${number}` } });
    await configMaps(admin).create(configMap("new"));
    link.mend();
    expect((await next(events, 3)).sort()).toEqual(["ADDED new v", "DELETED gone v", "MODIFIED changed w"]);
    await configMaps(admin).patch("kept", { data: { value: "x" } });
    expect(await next(events, 1)).toEqual(["MODIFIED kept x"]);
    await events.return();
    await configMaps(admin).deleteCollection();
    await far.connection.close();
    await link.close();
  });
});
