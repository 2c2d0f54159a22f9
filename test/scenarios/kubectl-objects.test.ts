import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

let troupe: Troupe;
let kubectl: Kubectl;
let directory: string;
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "3"]);
  kubectl = troupe.kubectl;
  directory = mkdtempSync(join(tmpdir(), "troupe-manifests-"));
});
afterAll(async () => {
  await troupe?.discard();
  rmSync(directory, { recursive: true, force: true });
});

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation?: number;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences?: readonly unknown[];
  };
  readonly spec: { readonly replicas?: number; readonly template?: { readonly spec: { readonly containers: readonly object[] } } };
  readonly status: { readonly availableReplicas?: number };
  readonly data?: Record<string, string>;
}
interface ItemList {
  readonly items: readonly Item[];
}

const rolledOut = (name: string): Promise<string> => kubectl.ok(["rollout", "status", `deployment/${name}`, "--timeout=120s"]);
const get = (kind: string, name: string): Promise<Item> => kubectl.json<Item>(["get", kind, name]);

const manifest = (replicas: number, image: string, rest = "", environment = ""): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, labels: { part: api } }
data: { mode: fast${rest} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: api, labels: { app: api, part: api } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec:
      containers: [{ name: main, image: "${image}", ports: [{ containerPort: 80 }], env: [{ name: A, value: a }${environment}] }]
---
apiVersion: v1
kind: Service
metadata: { name: api, labels: { part: api } }
spec: { selector: { app: api }, ports: [{ port: 80 }] }
`;

describe("apply", () => {
  const apply = (text: string, ...flags: string[]): Promise<string> => kubectl.ok(["apply", "-f", "-", ...flags], { stdin: text });
  const outcome = (configMap: string, deployment: string, service: string): string =>
    `configmap/settings ${configMap}\ndeployment.apps/api ${deployment}\nservice/api ${service}`;

  test("-f creates, leaves alone, changes what changed, and takes away what is no longer said", async () => {
    expect(await apply(manifest(3, "nginx:1", ', speed: "9"', ", { name: B, value: b }"))).toBe(outcome("created", "created", "created"));
    await rolledOut("api");
    const before = await get("deployment", "api");
    expect(await apply(manifest(3, "nginx:1", ', speed: "9"', ", { name: B, value: b }"))).toBe(
      outcome("unchanged", "unchanged", "unchanged"),
    );
    expect((await get("deployment", "api")).metadata).toEqual(before.metadata);
    expect(await apply(manifest(5, "nginx:2"))).toBe(outcome("configured", "configured", "unchanged"));
    await rolledOut("api");
    const api = await get("deployment", "api");
    expect({ wanted: api.spec.replicas, available: api.status.availableReplicas, generation: api.metadata.generation }).toEqual({
      wanted: 5,
      available: 5,
      generation: 2,
    });
    expect(api.spec.template?.spec.containers[0]).toMatchObject({ image: "nginx:2", env: [{ name: "A", value: "a" }] });
    expect((await get("configmap", "settings")).data).toEqual({ mode: "fast" });
  });

  test("diff and dry runs change nothing", async () => {
    const wanted = manifest(7, "nginx:3");
    const before = await get("deployment", "api");
    const diff = await kubectl.run(["diff", "-f", "-"], { stdin: wanted });
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^- {2}replicas: 5\n\+ {2}replicas: 7$/m);
    expect(diff.stdout).toMatch(/^- .*image: nginx:2\n\+ .*image: nginx:3$/m);
    expect(await apply(wanted, "--dry-run=server")).toBe(
      outcome("unchanged (server dry run)", "configured (server dry run)", "unchanged (server dry run)"),
    );
    expect(await get("deployment", "api")).toEqual(before);
  });

  test("the examples, as a directory and as a kustomization", async () => {
    expect((await kubectl.ok(["apply", "-f", join(EXAMPLES, "web")])).split("\n").sort()).toEqual([
      "deployment.apps/web created",
      "poddisruptionbudget.policy/web created",
      "service/web created",
    ]);
    await rolledOut("web");
    expect(await kubectl.ok(["apply", "-k", EXAMPLES])).toMatch(/^service\/web unchanged\ndeployment\.apps\/web unchanged\n/);
    await until("the endpoints", async () => /(10\.\d+\.\d+\.\d+:8080,?){3} /.test(await kubectl.ok(["get", "endpoints", "web"])));
    expect(await kubectl.ok(["get", "pdb", "web", "--no-headers"])).toMatch(/^web\s+N\/A\s+1\s+1\s/);
    await kubectl.ok(["delete", "-k", EXAMPLES]);
    await until("the end of the pods", async () => (await kubectl.json<ItemList>(["get", "pods", "-l", "app=web"])).items.length === 0);
  });

  test("--prune takes away what is no longer there", async () => {
    const [, ...others] = manifest(5, "nginx:2").split("---");
    const pruned = await apply(others.join("---"), "--prune", "-l", "part=api", "--prune-allowlist=core/v1/ConfigMap");
    expect(pruned).toBe("deployment.apps/api unchanged\nservice/api unchanged\nconfigmap/settings pruned");
  });
});

describe("apply --server-side", () => {
  const settings = (data: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned }\ndata: { ${data} }\n`;
  const apply = (manager: string, data: string, ...flags: string[]): Promise<unknown> =>
    kubectl.ok(["apply", "--server-side", `--field-manager=${manager}`, ...flags, "-f", "-"], { stdin: settings(data) });

  test("two managers share an object, conflict over a field, and one can take it", async () => {
    await apply("a", "mode: fast, mine: a");
    await apply("b", "yours: b");
    expect((await get("configmap", "owned")).data).toEqual({ mode: "fast", mine: "a", yours: "b" });
    await expect(apply("b", "yours: b, mode: slow")).rejects.toThrow(/conflict with "a": \.data\.mode/);
    await apply("b", "yours: b, mode: slow", "--force-conflicts");
    // What a says no more goes, but for what is b's now.
    await apply("a", "mine: a2");
    expect((await get("configmap", "owned")).data).toEqual({ mode: "slow", mine: "a2", yours: "b" });
    const { managers } = JSON.parse(
      await kubectl.ok([
        "get",
        "configmap",
        "owned",
        "--show-managed-fields",
        "-o",
        'go-template={"managers":[{{range $i, $m := .metadata.managedFields}}{{if $i}},{{end}}"{{$m.manager}} {{$m.operation}}"{{end}}]}',
      ]),
    ) as { managers: string[] };
    expect(managers.toSorted()).toEqual(["a Apply", "b Apply"]);
  });

  test("what was applied by the client is taken over by the server, and a field that is dropped goes", async () => {
    const both = settings("first: one, second: two").replace("owned", "migrated");
    await kubectl.ok(["apply", "-f", "-"], { stdin: both });
    await kubectl.ok(["apply", "--server-side", "-f", "-"], { stdin: both.replace("one", "three") });
    await kubectl.ok(["apply", "--server-side", "-f", "-"], { stdin: both.replace("first: one, ", "") });
    expect((await get("configmap", "migrated")).data).toEqual({ second: "two" });
  });
});

describe("changes", () => {
  test("edit: a change, none, and one that is refused", async () => {
    const edit = (sed: string): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      kubectl.run(["edit", "deployment", "api"], { env: { KUBE_EDITOR: `sed -i ${sed}` } });
    expect((await edit("s/replicas:.5/replicas:\\ 4/")).stdout.trim()).toBe("deployment.apps/api edited");
    expect((await get("deployment", "api")).spec.replicas).toBe(4);
    expect((await edit("s/nothing/else/")).stderr.trim()).toBe("Edit cancelled, no changes made.");
    expect((await edit("s/replicas:.4/replicas:\\ -4/")).stderr).toContain('error: deployments.apps "api" is invalid');
  });

  test("patch: strategic, merge and JSON", async () => {
    const patch = (type: string, text: string): readonly string[] => ["patch", "deployment", "api", "--type", type, "-p", text];
    const image = '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:5"}]}}}}';
    expect(await kubectl.ok(patch("strategic", image))).toBe("deployment.apps/api patched");
    // kubectl compares what it read with what came back, and a rollout goes on writing.
    await rolledOut("api");
    expect(await kubectl.ok(patch("strategic", image))).toBe("deployment.apps/api patched (no change)");
    await kubectl.ok(patch("merge", '{"spec":{"replicas":2}}'));
    await kubectl.ok(patch("json", '[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":6}]'));
    const { spec } = await get("deployment", "api");
    expect(spec).toMatchObject({ replicas: 6, template: { spec: { containers: [{ image: "nginx:5", env: [{ name: "A" }] }] } } });
    expect(await kubectl.refused(patch("json", '[{"op":"test","path":"/spec/replicas","value":7}]'))).toBe(
      "The request is invalid: the server rejected our request due to an error in our request",
    );
    expect(await kubectl.refused(patch("strategic", '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}'))).toContain("field is immutable");
  });

  test("label and annotate: set, refuse to overwrite, remove", async () => {
    expect(await kubectl.ok(["label", "deployment", "api", "tier=back"])).toBe("deployment.apps/api labeled");
    expect(await kubectl.refused(["label", "deployment", "api", "tier=front"])).toContain(
      "'tier' already has a value (back), and --overwrite is false",
    );
    expect(await kubectl.ok(["annotate", "deployment", "api", "note=a word"])).toBe("deployment.apps/api annotated");
    expect(await kubectl.ok(["get", "deployments", "-l", "tier=back", "-o", "name"])).toBe("deployment.apps/api");
    expect((await get("deployment", "api")).metadata.annotations?.note).toBe("a word");
    expect(await kubectl.ok(["label", "deployment", "api", "tier-"])).toBe("deployment.apps/api unlabeled");
    expect((await get("deployment", "api")).metadata.labels?.tier).toBeUndefined();
  });

  test("replace, and replace --force", async () => {
    const file = join(directory, "settings.yaml");
    writeFileSync(file, "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: replaced }\ndata: { a: one }\n");
    expect(await kubectl.refused(["replace", "-f", file])).toContain('configmaps "replaced" not found');
    await kubectl.ok(["create", "-f", file]);
    const { uid } = (await get("configmap", "replaced")).metadata;
    expect(await kubectl.ok(["replace", "-f", file])).toBe("configmap/replaced replaced");
    expect((await get("configmap", "replaced")).metadata.uid).toBe(uid);
    expect(await kubectl.ok(["replace", "--force", "-f", file])).toContain("configmap/replaced replaced");
    expect((await get("configmap", "replaced")).metadata.uid).not.toBe(uid);
  });
});

describe("delete", () => {
  const countOf = async (selector: string): Promise<number> =>
    (await kubectl.json<ItemList>(["get", "replicasets,pods", "-l", selector])).items.length;

  test("--cascade=orphan leaves what it owned, which can be adopted", async () => {
    await kubectl.ok(["create", "deployment", "orphans", "--image=nginx", "--replicas=2"]);
    await rolledOut("orphans");
    await kubectl.ok(["delete", "deployment", "orphans", "--cascade=orphan"]);
    const { items } = await kubectl.json<ItemList>(["get", "replicasets", "-l", "app=orphans"]);
    expect(items.map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined]);
    await kubectl.ok(["create", "deployment", "orphans", "--image=nginx", "--replicas=2"]);
    await rolledOut("orphans");
    const adopted = await kubectl.json<ItemList>(["get", "replicasets", "-l", "app=orphans"]);
    expect(adopted.items.map(({ metadata }) => metadata.uid)).toEqual(items.map(({ metadata }) => metadata.uid));
  });

  test("--cascade=foreground returns when all is gone", async () => {
    expect(await kubectl.ok(["delete", "deployment", "orphans", "--cascade=foreground"])).toMatch(/^deployment\.apps "orphans" deleted/);
    expect(await countOf("app=orphans")).toBe(0);
  });

  test("a namespace takes everything in it along", async () => {
    await kubectl.ok(["create", "namespace", "room"]);
    for (const what of [
      ["configmap", "c", "--from-literal=a=b"],
      ["secret", "generic", "s", "--from-literal=a=b"],
      ["serviceaccount", "account"],
      ["service", "clusterip", "svc", "--tcp=80"],
      ["deployment", "d", "--image=nginx", "--replicas=3"],
      ["poddisruptionbudget", "b", "--selector=app=d", "--min-available=1"],
    ]) {
      await kubectl.ok(["create", ...what, "-n", "room"]);
    }
    expect(await kubectl.ok(["delete", "namespace", "room"])).toBe('namespace "room" deleted');
    expect(await kubectl.refused(["get", "namespace", "room"])).toBe('Error from server (NotFound): namespaces "room" not found');
    const kinds = "all,configmaps,secrets,serviceaccounts,poddisruptionbudgets,events,endpoints,endpointslices";
    expect((await kubectl.json<ItemList>(["get", kinds, "-n", "room"])).items).toEqual([]);
  });
});

describe("services", () => {
  test("expose gives a service endpoints; a taken port is refused", async () => {
    expect(await kubectl.ok(["expose", "deployment", "api", "--name=front", "--port=80", "--type=NodePort"])).toBe("service/front exposed");
    await until("endpoints", async () => /\d+\.\d+\.\d+\.\d+:80/.test(await kubectl.ok(["describe", "service", "front"])));
    const port = await kubectl.ok(["get", "service", "front", "-o", "jsonpath={.spec.ports[0].nodePort}"]);
    expect(await kubectl.refused(["create", "service", "nodeport", "other", "--tcp=80", `--node-port=${port}`])).toBe(
      `error: failed to create NodePort service: Service "other" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: provided port is already allocated`,
    );
  });
});

describe("refusals are Kubernetes'", () => {
  test.each([
    [["get", "pods", "--field-selector=foo=bar"], "field label not supported: foo"],
    [["get", "pods", "-l", "a=b=c"], "found '=', expected: ',' or 'end of string'"],
    [
      ["delete", "namespace", "default"],
      'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
    ],
    [["create", "configmap", "x", "-n", "nope"], 'error: failed to create configmap: namespaces "nope" not found'],
    [["get", "--raw", "/api/v1/pods?limit=abc"], 'strconv.ParseInt: parsing "abc": invalid syntax'],
    [["get", "nope"], `error: the server doesn't have a resource type "nope"`],
    [
      ["get", "pods", "--as", "jane"],
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [["create", "cronjob", "x", "--image=i", "--schedule=61 * * * *"], "end of range (61) above maximum (59): 61"],
    [["exec", "deployment/api", "--", "ls"], "is hollow: its containers have states, but no processes and no ports"],
    [["port-forward", "deployment/api", "18080:80"], "is hollow: its containers have states, but no processes and no ports"],
  ])("%j", async (args, words) => {
    expect(await kubectl.refused(args)).toContain(words);
  });
});

test("the administrator may do everything, and kubectl says who that is", async () => {
  expect(await kubectl.ok(["auth", "whoami"])).toMatch(/^Username +kubernetes-admin$/m);
  expect(await kubectl.ok(["auth", "can-i", "--list"])).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m);
  expect(await kubectl.ok(["create", "token", "default"])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/m);
});

test("the console is a page that anybody may open", async () => {
  const { Agent, fetch } = await import("undici");
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const answer = await fetch(troupe.console, { dispatcher, headers: { accept: "text/html" } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("<title>Troupe</title>");
  await dispatcher.close();
});

test("at the end it stops as promised", () => troupe.stop());
