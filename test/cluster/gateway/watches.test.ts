import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const HISTORY = 200;

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway({ historyRevisions: HISTORY });
});
afterAll(() => server.stop());

async function create(name: string, labels: Record<string, string> = {}): Promise<string> {
  const answer = await server.call("POST", PATH, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels }, data: {} });
  expect(answer.status).toBe(201);
  return answer.json().metadata.resourceVersion;
}

async function relabel(name: string, labels: Record<string, string>): Promise<void> {
  const answer = await server.call("PUT", `${PATH}/${name}`, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels }, data: {} });
  expect(answer.status).toBe(200);
}

const remove = (name: string) => server.call("DELETE", `${PATH}/${name}`);

/** All events of a watch that ends by itself, as `TYPE name`. */
async function all(query: string): Promise<string[]> {
  const watch = await server.watch(`${PATH}?watch=1&${query}`);
  const seen: string[] = [];
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) seen.push(said(event));
  return seen;
}

const said = (event: Json): string => `${event.type} ${event.object.metadata.name ?? event.object.message ?? ""}`;

describe("watch", () => {
  test("from a revision: the history, then what happens, each once", async () => {
    const since = await create("w1");
    await create("w2");
    await relabel("w1", { x: "1" });
    await remove("w2");
    const watch = await server.watch(`${PATH}?watch=1&resourceVersion=${since}`);
    expect([said(await watch.next()), said(await watch.next()), said(await watch.next())]).toEqual([
      "ADDED w2",
      "MODIFIED w1",
      "DELETED w2",
    ]);
    const rv = await create("w3");
    const event = await watch.next();
    expect(event).toMatchObject({
      type: "ADDED",
      object: { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "w3", resourceVersion: rv } },
    });
    watch.close();
    for (const name of ["w1", "w3"]) await remove(name);
  });

  test("the revision of a DELETED object is the deletion's", async () => {
    const since = Number(await create("gone"));
    await remove("gone");
    const watch = await server.watch(`${PATH}?watch=1&resourceVersion=${since}`);
    expect(Number((await watch.next()).object.metadata.resourceVersion)).toBeGreaterThan(since);
    watch.close();
  });

  test("without a revision, or with 0: first all that exists", async () => {
    await create("s1");
    await create("s2");
    for (const query of ["", "resourceVersion=0&"]) {
      const watch = await server.watch(`${PATH}?${query}watch=true`);
      expect([said(await watch.next()), said(await watch.next())]).toEqual(["ADDED s1", "ADDED s2"]);
      watch.close();
    }
    await remove("s1");
    await remove("s2");
  });

  test("objects enter and leave the selection", async () => {
    const since = await create("t", { on: "1" });
    await relabel("t", { on: "0" });
    await relabel("t", { on: "1" });
    await relabel("t", { on: "1", more: "" });
    await remove("t");
    const events = await all(`timeoutSeconds=1&labelSelector=on%3D1&resourceVersion=${since}`);
    expect(events).toEqual(["DELETED t", "ADDED t", "MODIFIED t", "DELETED t"]);
  });

  test("by name", async () => {
    const since = await create("n1");
    await create("n2");
    await relabel("n1", { x: "1" });
    expect(await all(`timeoutSeconds=1&fieldSelector=metadata.name%3Dn1&resourceVersion=${since}`)).toEqual(["MODIFIED n1"]);
    for (const name of ["n1", "n2"]) await remove(name);
  });

  test("other namespaces are not seen; all are without one", async () => {
    const inside = await server.watch(`${PATH}?watch=1&resourceVersion=${server.store.replica.revision}`);
    const everywhere = await server.watch(`/api/v1/configmaps?watch=1&resourceVersion=${server.store.replica.revision}`);
    const other = "/api/v1/namespaces/kube-system/configmaps";
    await server.call("POST", other, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "elsewhere" } });
    await create("here");
    expect(said(await inside.next())).toBe("ADDED here");
    expect([said(await everywhere.next()), said(await everywhere.next())]).toEqual(["ADDED elsewhere", "ADDED here"]);
    inside.close();
    everywhere.close();
    await remove("here");
  });

  test("initial events end with a bookmark that says so", async () => {
    await create("i1");
    const watch = await server.watch(
      `${PATH}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=`,
    );
    expect(said(await watch.next())).toBe("ADDED i1");
    expect(await watch.next()).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "ConfigMap",
        metadata: { annotations: { "k8s.io/initial-events-end": "true" }, resourceVersion: expect.stringMatching(/^\d+$/) },
      },
    });
    await create("i2");
    expect(said(await watch.next())).toBe("ADDED i2");
    watch.close();
    for (const name of ["i1", "i2"]) await remove(name);
  });

  test("sendInitialEvents wants its match", async () => {
    const answer = await server.call("GET", `${PATH}?watch=1&sendInitialEvents=true`);
    expect(answer.json()).toMatchObject({
      code: 422,
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    });
  });

  test("a lost revision is an ERROR event, and the watch ends", async () => {
    const since = await create("x");
    for (let i = 0; i <= HISTORY; i++) await relabel("x", { i: String(i) });
    const watch = await server.watch(`${PATH}?watch=1&resourceVersion=${since}`);
    expect(await watch.next()).toMatchObject({
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired", message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/) },
    });
    expect(await watch.next()).toBeUndefined();
    await remove("x");
  });

  test("tables name their columns once", async () => {
    const { request, Agent } = await import("undici");
    const dispatcher = new Agent({ connect: { ca: server.authority.cert, ...server.admin } });
    await create("tab");
    const answer = await request(`${server.url}${PATH}?watch=1&timeoutSeconds=1`, {
      dispatcher,
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
    });
    await relabel("tab", { x: "1" });
    const lines = (await answer.body.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    expect(
      lines.map((line) => [line.type, line.object.kind, line.object.columnDefinitions === null, line.object.rows[0].cells[0]]),
    ).toEqual([
      ["ADDED", "Table", false, "tab"],
      ["MODIFIED", "Table", true, "tab"],
    ]);
    await dispatcher.close();
    await remove("tab");
  });

  test("twenty watchers see a storm in order", async () => {
    const since = server.store.replica.revision;
    const watches = await Promise.all(Array.from({ length: 20 }, () => server.watch(`${PATH}?watch=1&resourceVersion=${since}`)));
    const created = Array.from({ length: 100 }, (_, i) => `storm${i}`);
    await Promise.all(created.map((name) => create(name)));
    const seen = await Promise.all(
      watches.map(async (watch) => {
        const events: Json[] = [];
        while (events.length < created.length) events.push(await watch.next());
        watch.close();
        return events.map((event) => `${event.object.metadata.resourceVersion} ${said(event)}`);
      }),
    );
    for (const one of seen) expect(one).toEqual(seen[0]);
    const revisions = (seen[0] ?? []).map((line) => Number(line.split(" ")[0]));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect(new Set(seen[0]).size).toBe(created.length);
    await Promise.all(created.map(remove));
  });
});

describe("a watcher and its pace", () => {
  const LARGE = "x".repeat(500_000);
  const COUNT = 50;
  const names = Array.from({ length: COUNT }, (_, i) => `large${i}`);
  let own: TestGateway;
  beforeAll(async () => {
    own = await startGateway();
  });
  afterAll(() => own.stop());

  async function createAll(): Promise<void> {
    for (const name of names) {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { x: LARGE } };
      expect((await own.call("POST", PATH, body)).status).toBe(201);
    }
  }

  test("who does not read is cut off; who reads gets everything, and who comes back the rest", async () => {
    const since = own.store.replica.revision;
    const idle = await own.watch(`${PATH}?watch=1&resourceVersion=${since}`);
    const busy = await own.watch(`${PATH}?watch=1&resourceVersion=${since}`);
    const reading = (async () => {
      const seen: string[] = [];
      while (seen.length < COUNT) seen.push((await busy.next()).object.metadata.name);
      return seen;
    })();
    await createAll();
    expect(await reading).toEqual(names);
    busy.close();
    // What was on its way still arrives, then the connection is found broken.
    const got: Json[] = [];
    await expect(
      (async () => {
        for (let event = await idle.next(); event !== undefined; event = await idle.next()) got.push(event);
      })(),
    ).rejects.toThrow();
    expect(got.length).toBeLessThan(COUNT);
    expect(got.map(({ object }) => object.metadata.name)).toEqual(names.slice(0, got.length));
    // The history since is more than may wait for one watcher; it comes at the watcher's pace.
    const again = await own.watch(`${PATH}?watch=1&resourceVersion=${got.at(-1)?.object.metadata.resourceVersion ?? since}`);
    for (const name of names.slice(got.length)) expect((await again.next()).object.metadata.name).toBe(name);
    again.close();
  });

  test("a history larger than what may wait for one watcher arrives whole", async () => {
    const all = await own.watch(`${PATH}?watch=1&resourceVersion=4`);
    for (const name of names) expect((await all.next()).object.metadata.name).toBe(name);
    all.close();
  });
});

test("closing ends watches in good order", async () => {
  const own = await startGateway();
  const watch = await own.watch("/api/v1/configmaps?watch=1");
  const closed = own.gateway.close(5_000);
  expect(await watch.next()).toBeUndefined();
  await closed;
  await own.stop();
});
