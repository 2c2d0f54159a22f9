import { afterEach, expect, test } from "vitest";
import { anyKind, create, modify, newMeta, updateStatus } from "../../../actors/controllers/actions.ts";
import { type Action, type Controller, partOf } from "../../../actors/controllers/controller.ts";
import { controllerKind } from "../../../actors/controllers/controller-actor.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import type { ConfigMap, PodDisruptionBudget } from "../../../actors/kinds/generated/types.ts";
import { PodDisruptionBudgetKind } from "../../../actors/kinds/policy/pod-disruption-budget.ts";
import type { View } from "../../../actors/store/view.ts";
import { named, startCluster, type TestCluster } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

/** A cluster with no controllers but this one. */
async function startWith(
  controller: Partial<Controller> & Pick<Controller, "reconcile">,
  catchUp: () => Promise<void> = () => Promise.resolve(),
  viewOf: (view: View) => View = (view) => view,
): Promise<TestCluster> {
  cluster = await startCluster({ controllers: [] });
  const { store, view, registry, events } = cluster;
  const whole: Controller = {
    name: "tested",
    component: "tested",
    kind: anyKind(ConfigMapKind),
    watches: [{ resource: "configmaps", keys: ({ now }) => (now === undefined ? [] : [now.key]) }],
    ...controller,
  };
  const recorder = {
    event: (about: { metadata: { name: string } }, type: string, reason: string, message: string) =>
      void events.push(`${type} ${reason} ${about.metadata.name}: ${message}`),
  };
  store.host.register({
    ...controllerKind(() => [whole], { view: viewOf(view), registry, recorderFor: () => recorder, catchUp }),
    kind: "one",
  });
  store.host.messenger.tell("one/tested", { type: "start" });
  return cluster;
}

const data = (name: string): string | undefined => cluster?.view.get<ConfigMap>(`configmaps/d/${name}`)?.data?.count;

function counted(current: ConfigMap): ConfigMap {
  return { ...current, data: { count: String(Number(current.data?.count ?? "0") + 1) } };
}

test("one object whose reconcile throws gets an Event and its backoff; the others go on", async () => {
  let tries = 0;
  const { registry, until, events, clock } = await startWith({
    reconcile: (view, key) => {
      if (key.endsWith("/bad")) {
        tries++;
        throw new Error("cannot be");
      }
      const object = view.get<ConfigMap>(key);
      return object === undefined || object.data !== undefined ? [] : [modify(ConfigMapKind, object, counted)];
    },
  });
  for (const name of ["a", "bad", "b"]) await registry.create(ConfigMapKind, named<ConfigMap>(name, "d"));
  await until("others", () => data("a") === "1" && data("b") === "1");
  await clock.run(1_000);
  expect(events).toContain("Warning ReconcileError bad: Error reconciling: cannot be");
  expect(tries).toBeGreaterThan(4);
  expect(tries).toBeLessThan(12);
});

test("a key is not decided on again before the view shows what its last round wrote", async () => {
  const stale: string[] = [];
  let written = 0;
  const { registry, until } = await startWith({
    reconcile: (view, key) => {
      const object = view.get<ConfigMap>(key);
      if (object === undefined || written === 20) return [];
      if (Number(object.data?.count ?? "0") !== written) stale.push(key);
      written++;
      return [modify(ConfigMapKind, object, counted)];
    },
  });
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  await until("twenty", () => data("a") === "20");
  expect(stale).toEqual([]);
});

test("nothing more is made while the view does not show what was made, for however long", async () => {
  let seen_revision = Number.POSITIVE_INFINITY;
  const lagging = (view: View): View =>
    new Proxy(view, {
      get(target, name) {
        if (name === "revision") return Math.min(target.revision, seen_revision);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  let made = 0;
  const reconcile: Controller["reconcile"] = (_view, key) => {
    if (!key.endsWith("/a") || made === 2) return [];
    made++;
    return [create(ConfigMapKind, { metadata: newMeta({ generateName: "made-", namespace: "d" }) })];
  };
  const { registry, view, until, clock } = await startWith({ reconcile }, undefined, lagging);
  seen_revision = view.revision + 1;
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  for (let minute = 1; minute <= 3; minute++) {
    await registry.modify(ConfigMapKind, "d", "a", counted);
    await clock.run(60_000);
  }
  expect(made).toBe(1);
  seen_revision = Number.POSITIVE_INFINITY;
  await registry.modify(ConfigMapKind, "d", "a", counted);
  await until("it goes on", () => made === 2);
});

test("what is done together is one step: all of it is done, and nothing after it when one is refused", async () => {
  const invalid = create(ConfigMapKind, { metadata: newMeta({ name: "Not A Name", namespace: "d" }) });
  const { registry, until, clock } = await startWith({
    reconcile: (view, key): readonly Action[] => {
      const objects = ["a", "b", "c"].flatMap((name) => view.get<ConfigMap>(`configmaps/d/${name}`) ?? []);
      const [a, b, c] = objects;
      if (!key.endsWith("/c") || a === undefined || b === undefined || c === undefined || a.data !== undefined) return [];
      const steps: Action[] = [
        { do: "together", actions: [modify(ConfigMapKind, a, counted), { do: "requeue", after_ms: 1 }] },
        { do: "together", actions: [invalid, modify(ConfigMapKind, b, counted)] },
        modify(ConfigMapKind, c, counted),
      ];
      return [{ do: "inOrder", steps }];
    },
  });
  for (const name of ["a", "b", "c"]) await registry.create(ConfigMapKind, named<ConfigMap>(name, "d"));
  await until("two", () => data("a") === "1" && data("b") === "1");
  await clock.run(1_000);
  expect(data("c")).toBeUndefined();
});

test("steps in order stop at the first refusal, and `refused` hears of it before the backoff", async () => {
  const heard: string[] = [];
  const { registry, until } = await startWith({
    reconcile: (view, key): readonly Action[] => {
      const object = view.get<ConfigMap>(key);
      if (object === undefined || object.data !== undefined || object.metadata.labels !== undefined) return [];
      const invalid = modify(ConfigMapKind, object, (current) => ({ ...current, data: { "not a key": "" } }));
      return [{ do: "inOrder", steps: [invalid, modify(ConfigMapKind, object, counted)] }];
    },
    refused: (view, key, _now_ms, refusals) => {
      heard.push(...refusals.map(({ error }) => error.message));
      const object = view.get<ConfigMap>(key);
      if (object === undefined) return [];
      return [modify(ConfigMapKind, object, (current) => ({ ...current, metadata: { ...current.metadata, labels: { refused: "yes" } } }))];
    },
  });
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  await until("labelled", () => cluster?.view.get("configmaps/d/a")?.metadata.labels?.refused === "yes");
  expect(data("a")).toBeUndefined();
  expect(heard).toHaveLength(1);
  expect(heard[0]).toContain("not a key");
});

test("requeue comes back in time, without any change", async () => {
  const at: number[] = [];
  const { registry, until, clock } = await startWith({
    reconcile: (_view, _key, now_ms) => {
      at.push(now_ms);
      return at.length < 3 ? [{ do: "requeue", after_ms: 7_000 }] : [];
    },
  });
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  await until("three", () => at.length === 3);
  await clock.run(60_000);
  const [first = 0, second = 0, third = 0] = at;
  expect([second - first, third - second, at.length]).toEqual([7_000, 7_000, 3]);
});

test("a status that was worked out from an older state does not undo what was written meanwhile", async () => {
  const budget = "poddisruptionbudgets.policy/d/b";
  const allowing = (disruptionsAllowed: number) => ({ currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed, expectedPods: 3 });
  let rounds = 0;
  let overtaken: PodDisruptionBudget | undefined;
  const { registry, view, until, clock } = await startWith({
    kind: anyKind(PodDisruptionBudgetKind),
    watches: [{ resource: "poddisruptionbudgets.policy", keys: ({ now }) => (now === undefined ? [] : [now.key]) }],
    reconcile: (_view, key) => {
      rounds++;
      const now = view.get<PodDisruptionBudget>(key);
      overtaken ??= now;
      return overtaken === undefined || now?.metadata.resourceVersion === overtaken.metadata.resourceVersion
        ? []
        : [updateStatus(PodDisruptionBudgetKind, overtaken, allowing(9))];
    },
  });
  await registry.create(PodDisruptionBudgetKind, { ...named<PodDisruptionBudget>("b", "d"), spec: { minAvailable: 2 } });
  await until("it is known", () => overtaken !== undefined);
  const spend = (current: PodDisruptionBudget): PodDisruptionBudget => ({ ...current, status: allowing(1) });
  await registry.modify(PodDisruptionBudgetKind, "d", "b", spend, { subresource: "status" });
  await until("some rounds", () => rounds > 2);
  await clock.run(100);
  expect(view.get<PodDisruptionBudget>(budget)?.status?.disruptionsAllowed).toBe(1);
});

test("a controller decides nothing before its host has seen what another may have done", async () => {
  const decided: string[] = [];
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const reconcile: Controller["reconcile"] = (_view, key) => {
    decided.push(key);
    return [];
  };
  const { registry, until, clock } = await startWith({ reconcile }, () => seen);
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  await clock.run(60_000);
  expect(decided).toEqual([]);
  resolve();
  await until("it decides", () => decided.includes("configmaps/d/a"));
});

test("a controller that ends waits for its writes under way, and sends none of those that were to follow", async () => {
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  let ended = false;
  const { registry, until, store, clock } = await startWith({
    reconcile: (view, key) => {
      const object = view.get<ConfigMap>(key);
      if (object === undefined || object.data !== undefined) return [];
      const work = (): Promise<readonly Action[]> => {
        started.push(key);
        return gate.promise.then(() => []);
      };
      return [{ do: "inOrder", steps: [{ do: "work", work }, modify(ConfigMapKind, object, counted)] }];
    },
  });
  await registry.create(ConfigMapKind, named<ConfigMap>("a", "d"));
  await until("it is at it", () => started.length === 1);
  void store.host.stop().then(() => {
    ended = true;
  });
  await clock.run(1_000);
  expect(ended).toBe(false);
  gate.resolve();
  await until("it has ended", () => ended);
  expect(data("a")).toBeUndefined();
});

test("what it looks at every so often it looks at in parts, spread over the period, each object once", async () => {
  const looked: string[] = [];
  const { registry, clock } = await startWith({
    watches: [],
    resync: {
      period_ms: 9_000,
      parts: () => 3,
      keys: (view, _now_ms, part) => partOf(view.list("configmaps", "d"), part).map(({ key }) => key),
    },
    reconcile: (_view, key) => {
      looked.push(key);
      return [];
    },
  });
  for (const name of ["a", "b", "c", "d", "e"]) await registry.create(ConfigMapKind, named<ConfigMap>(name, "d"));
  await clock.run(20_000);
  looked.length = 0;
  await clock.run(9_000);
  expect(looked.sort()).toEqual(["a", "b", "c", "d", "e"].map((name) => `configmaps/d/${name}`));
  looked.length = 0;
  await clock.run(3_000);
  expect(looked.length).toBeLessThan(3);
});
