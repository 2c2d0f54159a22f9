import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  AppsV1Api,
  CoreV1Api,
  Exec,
  type Informer,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  type V1Status,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS, fetchedClients } from "../clients/fetched-clients.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** So few that a client falls out of the window as soon as it looks away. */
const HISTORY_REVISIONS = 200;

let troupe: Troupe;
let config: KubeConfig;
let core: CoreV1Api;
beforeAll(async () => {
  const env = { TROUPE_WATCH_HISTORY_REVISIONS: String(HISTORY_REVISIONS) };
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "2"], { env });
  config = new KubeConfig();
  config.loadFromFile(troupe.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
});
afterAll(() => troupe?.discard());

const configMap = (name: string, value: string): V1ConfigMap => ({ metadata: { name, labels: { seen: "yes" } }, data: { value } });

describe("@kubernetes/client-node", () => {
  const namespace = "default";

  /** What an informer told, as `add a`, `update a`, ...; what it believes is read from itself. */
  function heard(informer: Informer<V1ConfigMap>): string[] {
    const told: string[] = [];
    for (const verb of ["add", "update", "delete"] as const) informer.on(verb, ({ metadata }) => told.push(`${verb} ${metadata?.name}`));
    return told;
  }

  test("an informer that looked away for longer than the history lists again, and tells what it missed", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const lists: string[] = [];
    const informer = makeInformer<V1ConfigMap>(
      config,
      path,
      async () => {
        const list = await core.listNamespacedConfigMap({ namespace, labelSelector: "seen=yes" });
        lists.push(list.metadata?.resourceVersion ?? "");
        return list;
      },
      "seen=yes",
    );
    const told = heard(informer);
    const failures: unknown[] = [];
    informer.on("error", (error) => failures.push(error));
    for (const name of ["stays", "changes", "goes"]) await core.createNamespacedConfigMap({ namespace, body: configMap(name, "1") });
    await informer.start();
    await until("the first list", () => told.length === 3);
    await core.createNamespacedConfigMap({ namespace, body: configMap("watched", "1") });
    await until("the watch", () => told.includes("add watched"));

    await informer.stop();
    await core.replaceNamespacedConfigMap({ namespace, name: "changes", body: configMap("changes", "2") });
    await core.deleteNamespacedConfigMap({ namespace, name: "goes" });
    await core.createNamespacedConfigMap({ namespace, body: configMap("comes", "1") });
    const others = Array.from({ length: HISTORY_REVISIONS + 50 }, (_, index) =>
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name: `other-${index}` } } }),
    );
    await Promise.all(others);
    told.length = 0;
    failures.length = 0;
    await informer.start();
    await until("what was missed", () => told.length >= 3);
    expect(told.toSorted()).toEqual(["add comes", "delete goes", "update changes"]);
    expect([lists.length, failures]).toEqual([2, []]);
    await core.deleteNamespacedConfigMap({ namespace, name: "stays" });
    await until("the watch again", () => told.includes("delete stays"));
    expect(
      informer
        .list(namespace)
        .map(({ metadata }) => metadata?.name)
        .toSorted(),
    ).toEqual(["changes", "comes", "watched"]);
    await informer.stop();
  });

  test("a watch from a revision that is gone ends with 410 Expired", async () => {
    const said = await new Promise<[string, V1Status]>((resolve) => {
      void new Watch(config).watch(
        `/api/v1/namespaces/${namespace}/configmaps`,
        { resourceVersion: "1" },
        (phase: string, object: V1Status) => resolve([phase, object]),
        () => {},
      );
    });
    expect(said).toMatchObject(["ERROR", { kind: "Status", code: 410, reason: "Expired" }]);
  });

  test("deployments: created, patched in every way, scaled, watched to the end, deleted", async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx:1" }] } };
    const spec = { replicas: 2, selector: { matchLabels: { app: "web" } }, template };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec } });
    const available = (): Promise<V1Deployment | false> =>
      apps.readNamespacedDeployment({ namespace, name: "web" }).then((web) => web.status?.availableReplicas === web.spec?.replicas && web);
    await until("two replicas", available);
    const patch = (body: object, strategy: PatchStrategy): Promise<V1Deployment> =>
      apps.patchNamespacedDeployment({ namespace, name: "web", body }, setHeaderOptions("Content-Type", strategy));
    const image = { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:2" }] } } } };
    expect((await patch(image, PatchStrategy.StrategicMergePatch)).spec?.template.spec?.containers[0]?.image).toBe("nginx:2");
    const merged = await patch({ metadata: { annotations: { note: "x" } } }, PatchStrategy.MergePatch);
    expect(merged.metadata?.annotations).toMatchObject({ note: "x" });
    const replaced = await patch([{ op: "replace", path: "/spec/replicas", value: 3 }] as unknown as object, PatchStrategy.JsonPatch);
    expect(replaced.spec?.replicas).toBe(3);
    await until("three replicas", available);
    const objects = KubernetesObjectApi.makeApiClient(config);
    const applied = await objects.patch<V1Deployment>(
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace }, spec: { ...spec, replicas: 1 } },
      undefined,
      undefined,
      "client-test",
      true,
      PatchStrategy.ServerSideApply,
    );
    expect(applied.metadata?.managedFields?.map(({ manager, operation }) => [manager, operation])).toContainEqual(["client-test", "Apply"]);
    await until("one replica", async () => (await core.listNamespacedPod({ namespace, labelSelector: "app=web" })).items.length === 1);
    expect(await apps.deleteNamespacedDeployment({ namespace, name: "web" })).toMatchObject({ status: "Success" });
  });

  test("logs and exec: what a hollow container has to say", async () => {
    const pod = { metadata: { name: "lone" }, spec: { containers: [{ name: "main", image: "busybox" }] } };
    await core.createNamespacedPod({ namespace, body: pod });
    await until("the pod", async () => (await core.readNamespacedPod({ namespace, name: "lone" })).status?.phase === "Running");
    expect(await core.readNamespacedPodLog({ namespace, name: "lone" })).toContain("This container is hollow");
    const { PassThrough } = await import("node:stream");
    const lines = new PassThrough();
    const following = await new Log(config).log(namespace, "lone", "main", lines, { follow: true });
    expect(String(await new Promise((resolve) => lines.once("data", resolve)))).toContain("This container is hollow");
    following.abort();
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config).exec(namespace, "lone", "main", ["ls"], new PassThrough(), new PassThrough(), null, false, resolve).catch(reject);
    });
    expect(status).toMatchObject({
      status: "Failure",
      message: expect.stringContaining("is hollow: its containers have states, but no processes"),
    });
  });
});

/** The part of kubernetes-fluent-client that is used here; its package is not among the repository's own. */
interface Fluent {
  readonly K8s: (kind: unknown, filters?: object) => FluentCall;
  readonly kind: Readonly<Record<string, unknown>>;
}
interface FluentObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}
interface FluentCall {
  InNamespace(namespace: string): FluentCall;
  WithLabel(key: string, value?: string): FluentCall;
  Get(): Promise<{ readonly items: readonly FluentObject[] }>;
  Get(name: string): Promise<FluentObject>;
  Create(object: object): Promise<FluentObject>;
  Apply(object: object, options?: { readonly force: boolean }): Promise<FluentObject>;
  Patch(operations: readonly object[]): Promise<FluentObject>;
  Delete(nameOrObject?: string | object): Promise<void>;
  Watch(callback: (object: FluentObject, phase: string) => void): { start(): Promise<unknown>; close(): void };
}

describe("kubernetes-fluent-client", () => {
  let fluent: Fluent;
  beforeAll(async () => {
    process.env.KUBECONFIG = troupe.kubeconfig;
    const entry = join(await fetchedClients(), "kubernetes-fluent-client/dist/index.js");
    fluent = (await import(pathToFileURL(entry).href)) as Fluent;
  }, FETCH_MS);

  const named = (name: string, data: object): object => ({ metadata: { name, namespace: "fluent", labels: { by: "fluent" } }, data });

  test("applies, reads, watches, patches and deletes", async () => {
    const { K8s, kind } = fluent;
    await K8s(kind.Namespace).Apply({ metadata: { name: "fluent" } });
    const seen: string[] = [];
    const watcher = K8s(kind.ConfigMap)
      .InNamespace("fluent")
      .WithLabel("by", "fluent")
      .Watch(({ metadata }, phase) => seen.push(`${phase} ${metadata.name}`));
    await watcher.start();
    expect((await K8s(kind.ConfigMap).Apply(named("a", { x: "1" }))).data).toEqual({ x: "1" });
    expect((await K8s(kind.ConfigMap).Apply(named("a", { x: "2" }), { force: true })).data).toEqual({ x: "2" });
    await K8s(kind.ConfigMap).Create(named("b", {}));
    const patched = await K8s(kind.ConfigMap, { namespace: "fluent", name: "b" }).Patch([
      { op: "add", path: "/metadata/labels/more", value: "yes" },
    ]);
    expect(patched.metadata.labels).toMatchObject({ by: "fluent", more: "yes" });
    const found = await K8s(kind.ConfigMap).InNamespace("fluent").WithLabel("by", "fluent").Get();
    expect(found.items.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    await K8s(kind.ConfigMap).InNamespace("fluent").Delete("a");
    await expect(K8s(kind.ConfigMap).InNamespace("fluent").Get("a")).rejects.toMatchObject({ status: 404 });
    await until("the watch", () => ["ADDED a", "MODIFIED a", "ADDED b", "MODIFIED b", "DELETED a"].every((event) => seen.includes(event)));
    watcher.close();
    await K8s(kind.Namespace).Delete("fluent");
  });
});
