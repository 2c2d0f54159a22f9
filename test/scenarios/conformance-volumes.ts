import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../actors/kinds/generated/types.ts";
import { until } from "../../cluster/chaos/until.ts";
import { NAMESPACE, type PodsAtWork, pod, sh } from "./pods-at-work.ts";

const USER = 1_001;
const GROUP = 123;
/** Mode, owner, group and name of what is there, whatever link leads to it. */
const LOOK = 'look() { stat -L -c "%a %u %g %n" "$@"; }';

type Volume = { readonly name: string; readonly [source: string]: unknown };
const mountsOf = (volumes: readonly Volume[]): object => ({ volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` })) });

const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shown" }, data: { one: "1", two: "2" } };
const binary = { ...configMap, metadata: { name: "binary" }, binaryData: { bytes: Buffer.from([0xde, 0xca, 0xfe]).toString("base64") } };
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "shown" }, stringData: { one: "1", two: "2" } };
const items = [{ key: "two", path: "path/to/two", mode: 0o404 }];

/** A config map and a secret, as volumes of their own and projected: as they are, with a mode for all files, and with paths and modes of their own. */
const SHOWN: readonly Volume[] = [
  { name: "map", configMap: { name: "shown" } },
  { name: "map-mode", configMap: { name: "shown", defaultMode: 0o440 } },
  { name: "map-items", configMap: { name: "shown", items } },
  { name: "secret", secret: { secretName: "shown" } },
  { name: "secret-mode", secret: { secretName: "shown", defaultMode: 0o440 } },
  { name: "secret-items", secret: { secretName: "shown", items } },
  { name: "projected-map", projected: { sources: [{ configMap: { name: "shown" } }] } },
  { name: "projected-map-mode", projected: { defaultMode: 0o440, sources: [{ configMap: { name: "shown" } }] } },
  { name: "projected-map-items", projected: { sources: [{ configMap: { name: "shown", items } }] } },
  { name: "projected-secret", projected: { sources: [{ secret: { name: "shown" } }] } },
  { name: "projected-secret-mode", projected: { defaultMode: 0o440, sources: [{ secret: { name: "shown" } }] } },
  { name: "projected-secret-items", projected: { sources: [{ secret: { name: "shown", items } }] } },
];

const field = (path: string, fieldPath: string): object => ({ path, fieldRef: { fieldPath } });
const resource = (path: string, of: string, divisor?: string): object => ({
  path,
  resourceFieldRef: { containerName: "c", resource: of, ...(divisor === undefined ? {} : { divisor }) },
});
const ASKED = [
  field("name", "metadata.name"),
  field("labels", "metadata.labels"),
  resource("cpu-limit", "limits.cpu"),
  resource("cpu-request", "requests.cpu", "1m"),
  resource("memory-limit", "limits.memory"),
  { ...resource("memory-request", "requests.memory", "1Mi"), mode: 0o400 },
];
const NODES_OWN = [resource("cpu", "limits.cpu", "1m"), resource("memory", "limits.memory", "1Ki")];

/** `beside`: a directory of the test's own. */
export function describeVolumes(at: () => PodsAtWork, beside: () => string): void {
  test("emptyDir, on the disk and in memory: for all to write, with the modes that root and others give", async () => {
    const pods = at();
    const volumes: readonly Volume[] = [
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory" } },
    ];
    const script = `for v in disk memory; do cd /v/$v; stat -c "%a %u" .; for m in 0644 0666 0777; do echo content >$m; chmod $m $m; stat -c "%a %u" $m; cat $m; done; done; stat -f -c %T .`;
    const made = (name: string, user: number): object =>
      pod(name, [sh(script, mountsOf(volumes))], { volumes, securityContext: { runAsUser: user } });
    await pods.create(made("empty-root", 0), made("empty-other", USER));
    for (const [name, user] of [
      ["empty-root", 0],
      ["empty-other", USER],
    ] as const) {
      const files = ["644", "666", "777"].flatMap((mode) => [`${mode} ${user}`, "content"]);
      const one = ["777 0", ...files];
      expect((await pods.output(name)).split("\n")).toEqual([...one, ...one, "tmpfs"]);
    }
  });

  test("an emptyDir is one for all containers of its pod", async () => {
    const pods = at();
    const volumes: readonly Volume[] = [{ name: "shared", emptyDir: {} }];
    const writer = sh("echo hello >/v/shared/file", { name: "writer", ...mountsOf(volumes) });
    const reader = sh("until cat /v/shared/file 2>/dev/null; do sleep 0.1; done", mountsOf(volumes));
    await pods.create(pod("shares", [reader, writer], { volumes }));
    await until("its end", async () => (await pods.pod("shares")).status?.phase === "Succeeded");
    expect((await pods.ask(`${NAMESPACE}/pods/shares/log?container=c`)).text).toBe("hello\n");
  });

  test("config maps and secrets, as they are and projected: modes for all, paths and modes of their own, for root and for others of a group", async () => {
    const pods = at();
    const script = `${LOOK}; cd /v; for v in *; do for f in $v/one $v/path/to/two; do [ ! -e $f ] || { look $f; cat $f; echo; }; done; done; od -An -tx1 binary/bytes; cat binary/one`;
    const volumes = [...SHOWN, { name: "binary", configMap: { name: "binary" } }];
    const other = { runAsUser: USER, fsGroup: GROUP };
    await pods.create(configMap, binary, secret);
    await pods.create(
      pod("shows", [sh(script, mountsOf(volumes))], { volumes }),
      pod("shows-other", [sh(script, mountsOf(volumes))], { volumes, securityContext: other }),
    );
    for (const [name, group] of [
      ["shows", 0],
      ["shows-other", GROUP],
    ] as const) {
      const expected = [...volumes]
        .map((volume) => volume.name)
        .sort()
        .flatMap((title) => {
          // What belongs to a group it may read.
          if (title.endsWith("-items")) return [`${group === 0 ? "404" : "444"} 0 ${group} ${title}/path/to/two`, "2"];
          return [`${title.endsWith("-mode") ? "440" : "644"} 0 ${group} ${title}/one`, "1"];
        });
      expect((await pods.output(name)).split("\n")).toEqual([...expected, " de ca fe", "1"]);
    }
  });

  test("downward API, as it is and projected: fields, resources in units, the node's own where there is no limit", async () => {
    const pods = at();
    const volumes: readonly Volume[] = [
      { name: "plain", downwardAPI: { defaultMode: 0o440, items: ASKED } },
      { name: "projected", projected: { defaultMode: 0o440, sources: [{ downwardAPI: { items: ASKED } }] } },
    ];
    const free: readonly Volume[] = [
      { name: "plain", downwardAPI: { items: NODES_OWN } },
      { name: "projected", projected: { sources: [{ downwardAPI: { items: NODES_OWN } }] } },
    ];
    const script = `${LOOK}; for v in plain projected; do cd /v/$v; for f in *; do echo "$f $(cat $f)"; done; look name memory-request; done`;
    const resources = { requests: { cpu: "250m", memory: "32Mi" }, limits: { cpu: "1250m", memory: "64Mi" } };
    await pods.create(
      pod("downward", [sh(script, { ...mountsOf(volumes), resources })], { volumes }, { a: "1", b: "2" }),
      pod("unlimited", [sh("cat /v/*/cpu /v/*/memory", mountsOf(free))], { volumes: free }),
    );
    const one = [
      "cpu-limit 2",
      "cpu-request 250",
      'labels a="1"',
      'b="2"',
      "memory-limit 67108864",
      "memory-request 32",
      "name downward",
      "440 0 0 name",
      "400 0 0 memory-request",
    ];
    expect((await pods.output("downward")).split("\n")).toEqual([...one, ...one]);
    const { cpu = "", memory = "" } = (await pods.object<Node>("/api/v1/nodes/node-0")).status?.allocatable ?? {};
    const milli = /m$/.test(cpu) ? Number.parseInt(cpu, 10) : Number(cpu) * 1_000;
    const kibi = Number.parseInt(memory, 10);
    expect(await pods.output("unlimited")).toBe([milli, milli, kibi, kibi].join(""));
  });

  test("all kinds of sources in one projected volume; parts of volumes by subPath, one of them in the place of a file that is there; many volumes in one pod", async () => {
    const pods = at();
    await pods.create(
      { ...configMap, metadata: { name: "parts" }, data: { word: "map" } },
      { ...secret, metadata: { name: "parts" }, stringData: { hidden: "secret" } },
      ...Array.from({ length: 20 }, (_, at) => ({ ...configMap, metadata: { name: `many-${at}` }, data: { at: String(at) } })),
    );
    const all = [
      { configMap: { name: "parts" } },
      { secret: { name: "parts" } },
      { downwardAPI: { items: [field("pod", "metadata.name")] } },
      { serviceAccountToken: { path: "token", audience: "test" } },
    ];
    const volumes: readonly Volume[] = [
      { name: "all", projected: { sources: all } },
      { name: "map", configMap: { name: "parts" } },
      { name: "secret", secret: { secretName: "parts" } },
      { name: "downward", downwardAPI: { items: [field("dir/pod", "metadata.name")] } },
      ...Array.from({ length: 20 }, (_, at) => ({ name: `many-${at}`, configMap: { name: `many-${at}` } })),
    ];
    const part = (name: string, subPath: string, mountPath = `/part/${name}`): object => ({ name, subPath, mountPath });
    const { volumeMounts } = mountsOf(volumes) as { readonly volumeMounts: readonly object[] };
    const mounts = [
      ...volumeMounts,
      part("all", "word"),
      part("map", "word"),
      part("map", "word", "/etc/hosts"),
      part("secret", "hidden"),
      part("downward", "dir"),
    ];
    const script =
      'cd /v/all; for f in word hidden pod; do cat $f; echo; done; [ -s token ] && echo token; cd /part; for f in all map secret downward/pod /etc/hosts; do cat $f; echo; done; echo $(cat /v/many-*/at | tr -d "\\n" | wc -c)';
    await pods.create(pod("parts", [sh(script, { volumeMounts: mounts })], { volumes }));
    expect(await pods.output("parts")).toBe(["map", "secret", "parts", "token", "map", "map", "secret", "parts", "map", "30"].join("\n"));
  });

  test("what is changed, removed and made later is seen by who runs; what is immutable stays", async () => {
    const pods = at();
    const named = (name: string, value: string): object[] => [
      { ...configMap, metadata: { name }, data: { word: value } },
      { ...secret, metadata: { name }, stringData: { word: value } },
    ];
    await pods.create(...named("changes", "before"), ...named("goes", "there"), ...named("stays", "1"));
    const names = ["changes", "goes", "comes"];
    const volumes: readonly Volume[] = names.flatMap((name): readonly Volume[] => [
      { name: `map-${name}`, configMap: { name, optional: true } },
      { name: `secret-${name}`, secret: { secretName: name, optional: true } },
      { name: `projected-map-${name}`, projected: { sources: [{ configMap: { name, optional: true } }] } },
      { name: `projected-secret-${name}`, projected: { sources: [{ secret: { name, optional: true } }] } },
    ]);
    const own: readonly Volume[] = [
      { name: "downward", downwardAPI: { items: [field("word", "metadata.labels['word']")] } },
      { name: "projected-downward", projected: { sources: [{ downwardAPI: { items: [field("word", "metadata.annotations['word']")] } }] } },
    ];
    const script =
      'cd /v; while :; do for v in *; do eval "b=\\$b_$(echo $v | tr - _)"; n=$(cat $v/word 2>/dev/null || echo none); [ "$n" = "$b" ] || echo "$v $n"; eval "b_$(echo $v | tr - _)=\\$n"; done; sleep 0.1; done';
    const mounted = [...volumes, ...own];
    await pods.create(pod("watches", [sh(script, mountsOf(mounted))], { volumes: mounted }, { word: "before" }));
    const kinds = ["map", "secret", "projected-map", "projected-secret"];
    const seen = (name: string, value: string): string[] => kinds.map((kind) => `${kind}-${name} ${value}`);
    await pods.prints("watches", ...seen("changes", "before"), ...seen("goes", "there"), ...seen("comes", "none"), "downward before");
    await Promise.all([
      pods.kubectl.ok(["delete", "configmap/goes", "secret/goes"]),
      pods.create(...named("comes", "late")),
      pods.patch("configmap/changes", { data: { word: "after" } }),
      pods.patch("secret/changes", { stringData: { word: "after" } }),
      pods.patch("pod/watches", { metadata: { labels: { word: "after" }, annotations: { word: "after" } } }),
      pods.patch("configmap/stays", { immutable: true }),
      pods.patch("secret/stays", { immutable: true }),
    ]);
    const refused = await Promise.all(
      ["configmap", "secret"].map((kind) => pods.kubectl.run(["patch", `${kind}/stays`, "--type=merge", "-p", '{"data":{"word":"Mg=="}}'])),
    );
    for (const { stderr } of refused) expect(stderr).toContain("data: Forbidden: field is immutable when `immutable` is set");
    await pods.prints("watches", ...seen("changes", "after"), ...seen("comes", "late"), "downward after", "projected-downward after");
    await pods.prints("watches", ...seen("goes", "none"));
    await pods.remove("watches");
  });

  test("a volume and its claim, from their making to their end: what becomes of a volume whose claim is gone is said by its policy", async () => {
    const pods = at();
    const directory = (name: string): string => join(beside(), name);
    const policies = ["Retain", "Recycle", "Delete"] as const;
    const made = policies.flatMap((policy) => {
      const name = `policy-${policy.toLowerCase()}`;
      mkdirSync(directory(name), { recursive: true });
      writeFileSync(join(directory(name), ".file"), "data");
      const common = { accessModes: ["ReadWriteOnce"], storageClassName: name };
      return [
        {
          apiVersion: "v1",
          kind: "PersistentVolume",
          metadata: { name },
          spec: { ...common, capacity: { storage: "1Gi" }, hostPath: { path: directory(name) }, persistentVolumeReclaimPolicy: policy },
        },
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name },
          spec: { ...common, resources: { requests: { storage: "1Gi" } } },
        },
      ];
    });
    await pods.create(...made);
    const volume = (name: string): Promise<Partial<PersistentVolume>> => pods.object<PersistentVolume>(`/api/v1/persistentvolumes/${name}`);
    const phase = async (name: string): Promise<string | undefined> => (await volume(name)).status?.phase;
    const claim = async (): Promise<Partial<PersistentVolumeClaim>> => pods.object(`${NAMESPACE}/persistentvolumeclaims/policy-delete`);
    await until("bound", async () => (await phase("policy-delete")) === "Bound" && (await claim()).status?.phase === "Bound");
    const condition = { type: "Patched", status: "True", reason: "Test", message: "m" };
    await pods.patch("pvc/policy-retain", { status: { conditions: [condition] } }, "--subresource=status");
    await pods.patch("pv/policy-retain", { status: { message: "patched" } }, "--subresource=status");
    expect((await volume("policy-retain")).status?.message).toBe("patched");
    await pods.patch("pv/policy-retain", { metadata: { labels: { patched: "yes" } } });
    await pods.kubectl.ok(["delete", "pvc", ...policies.map((policy) => `policy-${policy.toLowerCase()}`)]);
    await until("kept", async () => (await phase("policy-retain")) === "Released");
    await until("deleted", async () => (await phase("policy-delete")) === undefined);
    await until("recycled", async () => (await phase("policy-recycle")) === "Available");
    expect(existsSync(join(directory("policy-retain"), ".file"))).toBe(true);
    expect([existsSync(directory("policy-recycle")), existsSync(join(directory("policy-recycle"), ".file"))]).toEqual([true, false]);
    expect(existsSync(directory("policy-delete"))).toBe(false);
    await pods.kubectl.ok(["delete", "pv", "policy-retain", "policy-recycle"]);
  });
}
