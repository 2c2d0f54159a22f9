import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../../actors/kinds/generated/types.ts";
import { VolumeFailure } from "../../../../actors/node/pod-volumes.ts";
import { LocalVolumes } from "../../../../actors/node/volumes/local-volumes.ts";
import { type VirtualClock, virtualClock } from "../../../../runtime/mod.ts";
import { configMap, named, startRegistry, type TestRegistry } from "../../registry/harness.ts";

let cluster: TestRegistry;
let directory: string;
let clock: VirtualClock;
let volumes: LocalVolumes;
/** What was asked for tokens, and whether there are any. */
let issued: string[];
let issues: boolean;

beforeEach(async () => {
  cluster = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "troupe-volumes-"));
  clock = virtualClock();
  [issued, issues] = [[], true];
  volumes = begin();
});
afterEach(async () => {
  await volumes.close();
  await volumes.clear(new Set());
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

function begin(): LocalVolumes {
  return new LocalVolumes({
    view: cluster.store.replica,
    directory,
    clock,
    issueToken: async (_pod, audience, seconds) => {
      if (!issues) throw new VolumeFailure("nobody signs");
      return `token ${issued.push(`${audience} ${seconds}`)}`;
    },
  });
}

let uids = 0;
function podOf(volume: object, security: object = {}): Pod {
  const metadata = { name: "p", namespace: "d", uid: `u${uids++}`, resourceVersion: "1", labels: { a: "b" } };
  return {
    metadata,
    spec: { securityContext: security, volumes: [{ name: "v", ...volume }], containers: [{ name: "c" }] },
  } as unknown as Pod;
}

const pathOf = async (pod: Pod): Promise<string> => (await volumes.mount(pod)).get("v")?.path ?? "";
const nobodyHears = (): void => {};
const change = (data: Record<string, string>): Promise<unknown> =>
  cluster.registry.modify<ConfigMap>(ConfigMapKind, "d", "conf", (now) => ({ ...now, data }));

describe("what the API has", () => {
  test("lies behind one link, which changes all files at once, and those that are gone go", async () => {
    await cluster.registry.create(ConfigMapKind, configMap("conf", { a: "1", b: "1" }));
    const pod = podOf({ configMap: { name: "conf" } });
    const path = await pathOf(pod);
    volumes.follow(pod, nobodyHears);
    expect((await volumes.mount(pod)).get("v")?.readOnly).toBe(true);
    expect(await readlink(join(path, "a"))).toBe("..data/a");
    const before = await readlink(join(path, "..data"));
    expect(before).toMatch(/^\.\.\d{4}_\d{2}_\d{2}_\d{2}_\d{2}_\d{2}\./);
    await change({ a: "2", c: "2" });
    await expect.poll(() => readFile(join(path, "a"), "utf8")).toBe("2");
    await expect.poll(async () => (await readdir(path)).filter((name) => !name.startsWith(".."))).toEqual(["a", "c"]);
    await expect.poll(async () => (await readdir(path)).length).toBe(4);
    expect(await readlink(join(path, "..data"))).not.toBe(before);
  });

  test("a reader never sees files of two versions", async () => {
    const files = Array.from({ length: 8 }, (_, index) => `f${index}`);
    const all = (value: string): Record<string, string> => Object.fromEntries(files.map((name) => [name, value]));
    await cluster.registry.create(ConfigMapKind, configMap("conf", all("0")));
    const pod = podOf({ configMap: { name: "conf" } });
    const path = await pathOf(pod);
    volumes.follow(pod, nobodyHears);
    let last = "0";
    for (let version = 1; version <= 20; version++) {
      await change(all(String(version)));
      // Whoever opens the directory itself sees one version of it, or that it is gone by now.
      const directoryNow = join(path, await readlink(join(path, "..data")));
      const seen = await Promise.all(files.map((name) => readFile(join(directoryNow, name), "utf8"))).catch(() => [last]);
      expect(new Set(seen).size).toBe(1);
      last = seen[0] ?? "";
    }
    await expect.poll(() => readFile(join(path, "f7"), "utf8")).toBe("20");
  });

  test("what is the same is not written again, and what is gone meanwhile stays as it was", async () => {
    await cluster.registry.create(ConfigMapKind, configMap("conf", { a: "1" }));
    const pod = podOf({ configMap: { name: "conf" } });
    const path = await pathOf(pod);
    const before = await readlink(join(path, "..data"));
    await volumes.mount(pod);
    await volumes.close();
    volumes = begin();
    await volumes.mount(pod);
    expect(await readlink(join(path, "..data"))).toBe(before);
    volumes.follow(pod, nobodyHears);
    await cluster.registry.delete(ConfigMapKind, "d", "conf", {});
    await clock.run(20_000);
    expect(await readFile(join(path, "a"), "utf8")).toBe("1");
    await cluster.registry.create(ConfigMapKind, configMap("conf", { a: "3" }));
    await expect.poll(() => readFile(join(path, "a"), "utf8")).toBe("3");
  });

  test("a pod that runs when Troupe begins is brought up to date, and one whose labels change", async () => {
    const pod = podOf({ downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } });
    volumes.follow(pod, nobodyHears);
    const file = join(directory, pod.metadata.uid, "volumes/v/labels");
    await expect.poll(() => readFile(file, "utf8").catch(() => "")).toBe('a="b"');
    volumes.follow({ ...pod, metadata: { ...pod.metadata, resourceVersion: "2", labels: { a: "c" } } }, nobodyHears);
    await expect.poll(() => readFile(file, "utf8")).toBe('a="c"');
  });
});

describe("tokens", () => {
  const token = { projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 600 } }] } };

  test("are renewed when four fifths of their life are over, again and again", async () => {
    const pod = podOf(token);
    const path = await pathOf(pod);
    await volumes.mount(pod);
    expect(issued).toEqual(["undefined 600"]);
    volumes.follow(pod, nobodyHears);
    await clock.run(479_000);
    expect(await readFile(join(path, "token"), "utf8")).toBe("token 1");
    for (const next of ["token 2", "token 3"]) {
      await clock.run(480_000);
      await expect.poll(() => readFile(join(path, "token"), "utf8")).toBe(next);
    }
    volumes.leave(pod.metadata.uid);
    await clock.run(3_600_000);
    expect(issued).toHaveLength(3);
  });

  test("that cannot be renewed serve on until they expire", async () => {
    const pod = podOf(token);
    const path = await pathOf(pod);
    volumes.follow(pod, nobodyHears);
    issues = false;
    await clock.run(599_000);
    expect(await pathOf(pod)).toBe(path);
    await clock.run(2_000);
    await expect(volumes.mount(pod)).rejects.toThrow('MountVolume.SetUp failed for volume "v" : nobody signs');
    expect(await readFile(join(path, "token"), "utf8")).toBe("token 1");
  });
});

describe("directories", () => {
  test("of an emptyDir: for all to write at first, in memory if the machine can, and gone with the pod", async () => {
    const pod = podOf({ emptyDir: { medium: "Memory" } });
    const path = await pathOf(pod);
    expect((await stat(path)).mode & 0o7777).toBe(0o777);
    await writeFile(join(path, "f"), "x");
    await chmod(path, 0o700);
    await volumes.close();
    volumes = begin();
    expect(await readFile(join(await pathOf(pod), "f"), "utf8")).toBe("x");
    expect((await stat(path)).mode & 0o7777).toBe(0o700);
    await volumes.unmount(pod);
    if (!path.startsWith(directory)) await expect(stat(path)).rejects.toThrow("ENOENT");
  });

  test("that hold more than they may are told of", async () => {
    const pod = podOf({ emptyDir: { sizeLimit: "64Ki" } });
    const path = await pathOf(pod);
    const told: string[] = [];
    volumes.follow(pod, (message) => told.push(message));
    await clock.run(11_000);
    await writeFile(join(path, "f"), Buffer.alloc(70_000, 1));
    await expect
      .poll(async () => {
        await clock.run(10_000);
        return told;
      })
      .toEqual(['Usage of EmptyDir volume "v" exceeds the limit "64Ki". ']);
  });

  test("of a group, with all that is in them", async () => {
    const group = process.getgid?.() ?? 0;
    const path = await pathOf(podOf({ emptyDir: {} }, { fsGroup: group }));
    expect((await stat(path)).mode & 0o7777).toBe(0o2777);
    await cluster.registry.create(ConfigMapKind, configMap("conf", { a: "1" }));
    const files = await pathOf(podOf({ configMap: { name: "conf", defaultMode: 0o400 } }, { fsGroup: group }));
    expect((await stat(join(files, "a"))).mode & 0o7777).toBe(0o440);
  });

  test("of claims: of type local and hostPath, which must be there", async () => {
    const modes = { accessModes: ["ReadWriteOnce"], storageClassName: "" };
    const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } };
    const claimed = async (name: string, source: object): Promise<Pod> => {
      const spec = { ...modes, resources: { requests: { storage: "1Gi" } }, volumeName: name };
      await cluster.registry.create(PersistentVolumeClaimKind, named<PersistentVolumeClaim>(name, "d", { spec }));
      const { uid } = cluster.store.replica.get<PersistentVolumeClaim>(`persistentvolumeclaims/d/${name}`)?.metadata ?? {};
      const volume = {
        ...modes,
        capacity: { storage: "1Gi" },
        claimRef: { kind: "PersistentVolumeClaim", namespace: "d", name, uid },
        ...source,
      };
      await cluster.registry.create(PersistentVolumeKind, named<PersistentVolume>(name, undefined, { spec: volume }));
      await cluster.registry.modify<PersistentVolumeClaim>(
        PersistentVolumeClaimKind,
        "d",
        name,
        (now) => ({ ...now, status: { phase: "Bound" } }),
        { subresource: "status" },
      );
      return podOf({ persistentVolumeClaim: { claimName: name } }, { fsGroup: process.getgid?.() ?? 0 });
    };
    await mkdir(join(directory, "d"), { mode: 0o700 });
    const local = await claimed("local", { local: { path: join(directory, "d") }, nodeAffinity: affinity });
    expect((await volumes.mount(local)).get("v")).toEqual({ path: join(directory, "d"), readOnly: false });
    expect((await stat(join(directory, "d"))).mode & 0o7777).toBe(0o2770);
    const gone = await claimed("gone", { local: { path: "/no/such/place" }, nodeAffinity: affinity });
    await expect(volumes.mount(gone)).rejects.toThrow(
      'MountVolume.NewMounter initialization failed for volume "gone" : path "/no/such/place" does not exist',
    );
    const host = await claimed("host", { hostPath: { path: join(directory, "f"), type: "File" } });
    await expect(volumes.mount(host)).rejects.toThrow(`hostPath type check failed: ${join(directory, "f")} is not a file`);
  });

  test.each([
    ["Directory", "d", undefined],
    ["Directory", "f", "hostPath type check failed: PATH is not a directory"],
    ["Directory", "none", "hostPath type check failed: PATH is not a directory"],
    ["DirectoryOrCreate", "made/here", undefined],
    ["DirectoryOrCreate", "f", "hostPath type check failed: PATH is not a directory"],
    ["DirectoryOrCreate", "f/x", "ENOTDIR: not a directory, mkdir 'PATH'"],
    ["File", "f", undefined],
    ["File", "link", undefined],
    ["File", "d", "hostPath type check failed: PATH is not a file"],
    ["FileOrCreate", "new", undefined],
    ["Socket", "f", "hostPath type check failed: PATH is not a socket file"],
    ["BlockDevice", "f", "hostPath type check failed: PATH is not a block device"],
    ["CharDevice", "f", "hostPath type check failed: PATH is not a character device"],
    ["", "none", undefined],
  ])("of the machine, of type %j: %s", async (type, name, wrong) => {
    await mkdir(join(directory, "d"));
    await writeFile(join(directory, "f"), "");
    await symlink("f", join(directory, "link"));
    const path = join(directory, name);
    const mounted = volumes.mount(podOf({ hostPath: { path, type } }));
    if (wrong === undefined) expect((await mounted).get("v")).toEqual({ path, readOnly: false });
    else await expect(mounted).rejects.toThrow(`MountVolume.SetUp failed for volume "v" : ${wrong.replace("PATH", path)}`);
    if (type.endsWith("OrCreate") && wrong === undefined) expect((await stat(path)).isDirectory()).toBe(type.startsWith("Directory"));
  });
});
