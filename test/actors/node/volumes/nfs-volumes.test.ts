import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Pod, Volume } from "../../../../actors/kinds/generated/types.ts";
import { NodeDirectories } from "../../../../actors/node/csi/node-directories.ts";
import type { VolumeFailure } from "../../../../actors/node/pod-volumes.ts";
import type { Claimed } from "../../../../actors/node/volumes/claimed-volume.ts";
import { MountCommand } from "../../../../actors/node/volumes/mount-command.ts";
import { NfsVolumes } from "../../../../actors/node/volumes/nfs-volumes.ts";
import { systemClock } from "../../../../runtime/mod.ts";

let directory: string;
let directories: NodeDirectories;
let nfs: NfsVolumes;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "troupe-nfs-"));
  directories = new NodeDirectories(join(directory, "nodes"));
  nfs = await mountingBy('echo "$@" >>said');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** What mount(8) is here: most kernels that run tests know no NFS, and mounting takes rights. */
async function mountingBy(script: string): Promise<NfsVolumes> {
  const program = join(directory, "mount");
  await writeFile(program, `#!/bin/sh\ncd ${directory}\n${script}\n`, { mode: 0o755 });
  return new NfsVolumes(directories, new MountCommand(systemClock(), { mount: program, umount: program }));
}

const pod = { metadata: { name: "p", namespace: "d", uid: "u" }, spec: { nodeName: "n" } } as unknown as Pod;
const inline = { name: "v", nfs: { server: "files", path: "/srv", readOnly: true } } as Volume;
const claimed = {
  volume: { metadata: { name: "pv" }, spec: { nfs: { server: "files", path: "/srv" }, mountOptions: ["nfsvers=4.1", "hard"] } },
  readOnly: false,
};
const claim = { name: "v", persistentVolumeClaim: { claimName: "c" } } as Volume;
const said = (): Promise<string> => readFile(join(directory, "said"), "utf8");

describe("a directory of a server", () => {
  test("of the pod's own is mounted where kubelet mounts it", async () => {
    const path = join(directories.root, "n/pods/u/volumes/kubernetes.io~nfs/v");
    expect(await nfs.mount(pod, inline, undefined)).toEqual({ path, readOnly: true, takesGroup: false });
    expect(await said()).toBe(`-t nfs -o ro files:/srv ${path}\n`);
  });

  test("that is claimed is mounted with the options of its volume", async () => {
    const { path } = (await nfs.mount(pod, claim, claimed as unknown as Claimed)) ?? {};
    expect(await said()).toBe(`-t nfs -o nfsvers=4.1,hard files:/srv ${path}\n`);
  });

  test("of other types is for others", () => {
    expect(nfs.mount(pod, { name: "v", emptyDir: {} } as Volume, undefined)).toBeUndefined();
  });

  test("that cannot be mounted is told in kubelet's words, and tried again later each time", async () => {
    nfs = await mountingBy('echo "mount.nfs: Connection refused" >&2; exit 32');
    const failure = await Promise.resolve(nfs.mount(pod, inline, undefined)).catch((error: VolumeFailure) => error);
    expect(failure).toMatchObject({
      retry_ms: 500,
      message: [
        'MountVolume.SetUp failed for volume "v" : mount failed: exit status 32',
        "Mounting command: mount",
        `Mounting arguments: -t nfs -o ro files:/srv ${directories.root}/n/pods/u/volumes/kubernetes.io~nfs/v`,
        "Output: mount.nfs: Connection refused",
        "",
      ].join("\n"),
    });
    await expect(nfs.mount(pod, inline, undefined)).rejects.toMatchObject({ retry_ms: 1_000 });
  });

  test("is let go of with its pod, and never what is in it", async () => {
    const { path = "" } = (await nfs.mount(pod, inline, undefined)) ?? {};
    await nfs.unmount("n", "u");
    expect(await readdir(directories.podsOf("n"))).toEqual([]);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "precious"), "1");
    await expect(nfs.unmount("n", "u")).rejects.toThrow("not empty");
    expect(await readFile(join(path, "precious"), "utf8")).toBe("1");
  });
});
