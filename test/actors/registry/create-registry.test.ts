import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import type { ConfigMap, Deployment, Namespace } from "../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import type { ObjectText } from "../../../actors/kinds/text.ts";
import type { AdmissionPlugin } from "../../../actors/registry/admission/admission.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import type { Entry, View } from "../../../actors/store/view.ts";
import { seededRandom, systemClock, systemRandom } from "../../../runtime/mod.ts";
import type { TestRegistry } from "./harness.ts";
import { configMap, named, objectOf, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
});
afterEach(() => t.stop());

describe("create", () => {
  test("gives an object its metadata and a revision", async () => {
    const entry = await t.registry.create(ConfigMapKind, configMap("a", { k: "v" }));
    const object = objectOf<ConfigMap>(entry);
    expect(entry.key).toBe("configmaps/d/a");
    expect(object).toEqual({
      metadata: {
        name: "a",
        namespace: "d",
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        resourceVersion: String(entry.revision),
      },
      data: { k: "v" },
    });
    expect(t.store.replica.get("configmaps/d/a")).toEqual(object);
  });

  test("takes no bookkeeping from the client", async () => {
    const sent = configMap(
      "a",
      {},
      { uid: "mine", generation: 9, deletionTimestamp: "2020-01-01T00:00:00Z", selfLink: "/x", managedFields: [{}] },
    );
    const { metadata } = objectOf(await t.registry.create(ConfigMapKind, sent));
    expect(Object.keys(metadata).sort()).toEqual(["creationTimestamp", "name", "namespace", "resourceVersion", "uid"]);
    expect(metadata.uid).not.toBe("mine");
  });

  test.each<[string, ConfigMap, number, string]>([
    [
      "without a name",
      named<ConfigMap>("", "d"),
      422,
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    ["a namespace that is not there", named<ConfigMap>("a", "nope"), 404, 'namespaces "nope" not found'],
  ])("is refused: %s", async (_what, object, code, message) => {
    expect(await refusalOf(t.registry.create(ConfigMapKind, object))).toMatchObject({ code, message });
  });

  test("twice the same name is a conflict", async () => {
    await t.registry.create(ConfigMapKind, configMap("a"));
    expect(await refusalOf(t.registry.create(ConfigMapKind, configMap("a")))).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "a" already exists',
    });
  });

  test("generated names are of Kubernetes' alphabet, and tried again when taken", async () => {
    const sent = (): ConfigMap => configMap("", {}, { generateName: "gen-" });
    // The same names in the same order; request ids and uids must differ none the less.
    const sameNames = () => t.another({ random: { ...seededRandom(3), uuid: systemRandom().uuid } });
    const first = objectOf(await sameNames().create(ConfigMapKind, sent()));
    const second = objectOf(await sameNames().create(ConfigMapKind, sent()));
    expect(first.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(second.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(second.metadata.name).not.toBe(first.metadata.name);
  });

  test("dry: nothing is stored, and nothing that exists is created", async () => {
    const entry = await t.registry.create(ConfigMapKind, configMap("a"), { dryRun: true });
    expect(entry.revision).toBe(0);
    expect(t.store.replica.entry("configmaps/d/a")).toBeUndefined();
    await t.registry.create(ConfigMapKind, configMap("a"));
    expect(await refusalOf(t.registry.create(ConfigMapKind, configMap("a"), { dryRun: true }))).toMatchObject({ code: 409 });
  });
});

describe("update", () => {
  test("replaces, keeps who it is, and refuses an old revision", async () => {
    const created = objectOf(await t.registry.create(ConfigMapKind, configMap("c", { a: "1" })));
    const at = (resourceVersion: string | undefined, a: string): ConfigMap =>
      configMap("c", { a }, resourceVersion === undefined ? {} : { resourceVersion });
    const updated = objectOf<ConfigMap>(await t.registry.update(ConfigMapKind, at(created.metadata.resourceVersion, "2")));
    expect(updated).toEqual({
      ...created,
      data: { a: "2" },
      metadata: { ...created.metadata, resourceVersion: updated.metadata.resourceVersion },
    });
    expect(await refusalOf(t.registry.update(ConfigMapKind, at(created.metadata.resourceVersion, "3")))).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again',
    });
    expect(objectOf<ConfigMap>(await t.registry.update(ConfigMapKind, at(undefined, "4"))).data).toEqual({ a: "4" });
  });

  test("of another object of the same name is a conflict", async () => {
    const { metadata } = objectOf(await t.registry.create(ConfigMapKind, configMap("c")));
    expect(await refusalOf(t.registry.update(ConfigMapKind, configMap("c", {}, { uid: "x" })))).toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on configmaps "c": StorageError: invalid object, Code: 4, Key: /registry/configmaps/d/c, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: ${metadata.uid}`,
    });
  });

  test("of nothing is NotFound", async () => {
    expect(await refusalOf(t.registry.update(ConfigMapKind, configMap("absent")))).toMatchObject({
      code: 404,
      message: 'configmaps "absent" not found',
    });
  });

  test("that changes nothing keeps the revision, whatever the order of the keys", async () => {
    const created = await t.registry.create(ConfigMapKind, configMap("c", { a: "1", b: "2" }, { labels: { x: "1", y: "2" } }));
    const same = configMap("c", { b: "2", a: "1" }, { labels: { y: "2", x: "1" } });
    expect((await t.registry.update(ConfigMapKind, same)).revision).toBe(created.revision);
    expect(t.store.replica.revision).toBe(created.revision);
  });

  test("dry: answers with what would be", async () => {
    const created = await t.registry.create(ConfigMapKind, configMap("c", { a: "1" }));
    const dry = await t.registry.update(ConfigMapKind, configMap("c", { a: "2" }), { dryRun: true });
    expect(objectOf<ConfigMap>(dry).data).toEqual({ a: "2" });
    expect(wholeOf(t.store.replica.entry("configmaps/d/c"))).toEqual(created);
  });
});

describe("modify", () => {
  test("many at once all take effect", async () => {
    await t.registry.create(ConfigMapKind, configMap("n", { n: "0" }));
    const increment = (): Promise<unknown> =>
      t.registry.modify(ConfigMapKind, "d", "n", (current) => ({ ...current, data: { n: String(Number(current.data?.n) + 1) } }));
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(t.store.replica.get<ConfigMap>("configmaps/d/n")?.data).toEqual({ n: "20" });
  });

  test("undefined leaves it as it is", async () => {
    const created = await t.registry.create(ConfigMapKind, configMap("n"));
    expect(wholeOf(await t.registry.modify(ConfigMapKind, "d", "n", () => undefined))).toEqual(created);
  });

  test("what is modified is a private copy", async () => {
    await t.registry.create(ConfigMapKind, configMap("n", { n: "0" }));
    const before = JSON.stringify(t.store.replica.get("configmaps/d/n"));
    await t.registry.modify(
      ConfigMapKind,
      "d",
      "n",
      (current) => {
        if (current.data !== undefined) current.data.n = "1";
        return current;
      },
      { dryRun: true },
    );
    expect(JSON.stringify(t.store.replica.get("configmaps/d/n"))).toBe(before);
  });
});

describe("changes in stored texts", () => {
  const counted = (text: ObjectText): ObjectText | undefined =>
    text.includes('"n":"0"') ? (text.replace('"n":"0"', '"n":"1"') as ObjectText) : undefined;
  const changedBy = (registry: Registry): Promise<ReadonlySet<string>> =>
    registry.rewriteTogether(ConfigMapKind, "d", ["a", "b", "c", "none"], counted);
  const now = (name: string): string | undefined => t.store.replica.get<ConfigMap>(`configmaps/d/${name}`)?.data?.n;

  beforeEach(async () => {
    for (const [name, n] of Object.entries({ a: "0", b: "5", c: "0" })) await t.registry.create(ConfigMapKind, configMap(name, { n }));
  });

  test("are made in one transaction, but for those whose text is another", async () => {
    const before = t.store.replica.sequence;
    expect(await changedBy(t.registry)).toEqual(new Set(["a", "c"]));
    expect([now("a"), now("b"), now("c"), t.store.replica.sequence - before]).toEqual(["1", "5", "1", 1]);
  });

  test("are none when somebody else has changed one of them meanwhile", async () => {
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.update(ConfigMapKind, configMap("c", { n: "7" }));
    expect(await changedBy(there)).toEqual(new Set());
    expect([now("a"), now("c")]).toEqual(["0", "7"]);
  });

  test("are not for what others have a say in", async () => {
    const plugin: AdmissionPlugin = { name: "watching", busy: (_options, resource) => resource === "configmaps" };
    const registry = createRegistry({
      ...{ view: t.store.replica, store: t.store.client, clock: systemClock(), random: systemRandom(), kinds: new KindTable() },
      admission: [plugin],
    });
    expect(await changedBy(registry)).toEqual(new Set());
    expect(now("a")).toBe("0");
  });
});

/** The view as it was, until somebody waits for a revision. */
/** An entry of the store as the one who wrote it was given it. */
function wholeOf(entry: Entry | undefined): Entry | undefined {
  return entry && { key: entry.key, revision: entry.revision, text: entry.text, managers: entry.managers };
}

function lagging(view: View): View {
  let caughtUp = false;
  const frozen = new Map([...view.list("configmaps"), ...view.list("namespaces")].map((entry) => [entry.key, entry]));
  const revision = view.revision;
  return new Proxy(view, {
    get(target, property): unknown {
      if (property === "revision") return caughtUp ? target.revision : revision;
      if (property === "entry") return (key: string) => (caughtUp ? target.entry(key) : frozen.get(key));
      if (property === "until") {
        return async (wanted: number) => {
          await target.until(wanted);
          caughtUp = true;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("a host whose view lags", () => {
  test("finds what was just created elsewhere", async () => {
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.create(NamespaceKind, named<Namespace>("new", undefined, { spec: {} }));
    await there.create(ConfigMapKind, named<ConfigMap>("a", "new"));
  });

  test("deletes what was just created elsewhere", async () => {
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.create(ConfigMapKind, configMap("a"));
    expect(await there.delete(ConfigMapKind as never, "d", "a")).toMatchObject({ removed: true });
  });

  test("takes a revision that it has not seen yet", async () => {
    await t.registry.create(ConfigMapKind, configMap("a"));
    const there = t.another({ view: lagging(t.store.replica) });
    const { revision } = await t.registry.update(ConfigMapKind, configMap("a", { n: "1" }));
    const updated = await there.update(ConfigMapKind, configMap("a", { n: "2" }, { resourceVersion: String(revision) }));
    expect(objectOf<ConfigMap>(updated).data).toEqual({ n: "2" });
  });

  test("starts over from what is there", async () => {
    await t.registry.create(ConfigMapKind, configMap("a", { n: "0" }));
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.update(ConfigMapKind, configMap("a", { n: "1" }));
    const modified = await there.modify(ConfigMapKind, "d", "a", (c) => ({ ...c, data: { n: `${c.data?.n}!` } }));
    expect(objectOf<ConfigMap>(modified).data).toEqual({ n: "1!" });
  });

  test("writes what would be no change of what it has seen, and is one by now", async () => {
    await t.registry.create(ConfigMapKind, configMap("a", { n: "0" }));
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.update(ConfigMapKind, configMap("a", { n: "1" }));
    await there.modify(ConfigMapKind, "d", "a", (c) => ({ ...c, data: { n: "0" } }));
    expect(t.store.replica.get<ConfigMap>("configmaps/d/a")?.data).toEqual({ n: "0" });
  });

  test("refuses nothing for what it has seen alone: another object has the name by now", async () => {
    await t.registry.create(ConfigMapKind, configMap("a"));
    const there = t.another({ view: lagging(t.store.replica) });
    await t.registry.delete(ConfigMapKind as never, "d", "a");
    const { uid } = objectOf(await t.registry.create(ConfigMapKind, configMap("a"))).metadata;
    expect(await there.delete(ConfigMapKind as never, "d", "a", { preconditions: { uid } })).toMatchObject({ removed: true });
  });
});

describe("delete", () => {
  const kind = ConfigMapKind as never;

  test("a finalizer holds an object until an update takes it off", async () => {
    const created = objectOf(await t.registry.create(ConfigMapKind, configMap("f", {}, { finalizers: ["x.y/z"] })));
    const marked = await t.registry.delete(kind, "d", "f");
    expect(marked.removed).toBe(false);
    expect(objectOf(marked.entry).metadata).toMatchObject({
      uid: created.metadata.uid,
      deletionGracePeriodSeconds: 0,
      finalizers: ["x.y/z"],
    });
    expect(await refusalOf(t.registry.update(ConfigMapKind, configMap("f", {}, { finalizers: ["x.y/z", "a/b"] })))).toMatchObject({
      code: 422,
    });
    const last = await t.registry.update(ConfigMapKind, configMap("f", { still: "here" }));
    expect(objectOf<ConfigMap>(last).data).toEqual({ still: "here" });
    expect(t.store.replica.entry("configmaps/d/f")).toBeUndefined();
  });

  test("preconditions", async () => {
    const entry = await t.registry.create(ConfigMapKind, configMap("p"));
    expect(await refusalOf(t.registry.delete(kind, "d", "p", { preconditions: { resourceVersion: "1" } }))).toMatchObject({ code: 409 });
    const { uid } = objectOf(entry).metadata;
    expect(await t.registry.delete(kind, "d", "p", { preconditions: { uid, resourceVersion: String(entry.revision) } })).toMatchObject({
      removed: true,
      entry: { text: entry.text },
    });
    expect(await refusalOf(t.registry.delete(kind, "d", "p"))).toMatchObject({ code: 404, message: 'configmaps "p" not found' });
  });

  test("a collection, by what its objects are", async () => {
    for (const name of ["a", "b", "c"])
      await t.registry.create(ConfigMapKind, configMap(name, {}, { labels: { odd: String(name !== "b") } }));
    const deleted = await t.registry.deleteCollection(kind, "d", (object) => object.metadata.labels?.odd === "true");
    expect(deleted.map(({ entry }) => entry.key)).toEqual(["configmaps/d/a", "configmaps/d/c"]);
    expect(t.store.replica.list("configmaps").map(({ key }) => key)).toEqual(["configmaps/d/b"]);
  });
});

describe("namespaces", () => {
  const kind = NamespaceKind as never;

  test("terminate, take nothing new, and go with their last finalizer", async () => {
    const marked = await t.registry.delete(kind, undefined, "d");
    expect(marked).toMatchObject({ removed: false });
    expect(objectOf<Namespace>(marked.entry)).toMatchObject({ status: { phase: "Terminating" }, spec: { finalizers: ["kubernetes"] } });
    expect(await refusalOf(t.registry.create(ConfigMapKind, configMap("late")))).toMatchObject({
      code: 403,
      message: 'configmaps "late" is forbidden: unable to create new content in namespace d because it is being terminated',
      details: { causes: [{ reason: "NamespaceTerminating", message: "namespace d is being terminated", field: "metadata.namespace" }] },
    });
    await t.registry.finalizeNamespace({ ...objectOf<Namespace>(marked.entry), spec: {} });
    expect(t.store.replica.entry("namespaces/d")).toBeUndefined();
  });

  test("of the system stay", async () => {
    await t.registry.create(NamespaceKind, named<Namespace>("kube-system", undefined, { spec: {} }));
    expect(await refusalOf(t.registry.delete(kind, undefined, "kube-system"))).toMatchObject({
      code: 403,
      message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    });
  });
});

describe("a deployment's status", () => {
  test("takes annotations along, but not labels, and counts no generation", async () => {
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    await t.registry.create(DeploymentKind, named<Deployment>("w", "d", { spec: { selector: { matchLabels: { a: "b" } }, template } }));
    const entry = await t.registry.modify(
      DeploymentKind,
      "d",
      "w",
      (current) => ({
        ...current,
        metadata: { ...current.metadata, labels: { not: "taken" }, annotations: { revision: "1" } },
        spec: { ...current.spec, replicas: 7 },
        status: { replicas: 1 },
      }),
      { subresource: "status" },
    );
    const { metadata, spec, status } = objectOf<Deployment>(entry);
    expect(metadata).toMatchObject({ generation: 1, annotations: { revision: "1" } });
    expect(metadata.labels).toBeUndefined();
    expect({ replicas: spec.replicas, status }).toEqual({ replicas: 1, status: { replicas: 1 } });
  });
});
