import { mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ConfigMap, KeyToPath, Pod, Secret, Volume, VolumeProjection } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { fieldValue, resourceValue } from "../../pod/life/downward.ts";
import { allocatableOf } from "../../pod/life/environment.ts";
import { containerNamed } from "../../pod/life/pod-containers.ts";
import type { View } from "../../store/view.ts";
import { type PodVolumes, VolumeFailure } from "../pod-volumes.ts";

export interface LocalVolumesOptions {
  readonly view: View;
  /** Of the pods' files: each has a directory by its UID. */
  readonly directory: string;
  /** A token of the pod's service account. */
  readonly issueToken: (pod: Pod, audience: string | undefined, seconds: number) => Promise<string>;
}

/** A file of a volume, by its path. */
type Files = Map<string, { readonly content: Buffer; readonly mode: number }>;

const MODE_DEFAULT = 0o644;
const TOKEN_SECONDS = 3_600;
const DATA = "..data";

/**
 * Volumes that are directories of this machine: emptyDir and hostPath, and what the API has as files, in the layout of Kubernetes, in which one link swaps
 * all files at once. They are brought up to date when a container is started.
 */
export class LocalVolumes implements PodVolumes {
  readonly #options: LocalVolumesOptions;

  constructor(options: LocalVolumesOptions) {
    this.#options = options;
  }

  async mount(pod: Pod): Promise<ReadonlyMap<string, string>> {
    const paths = new Map<string, string>();
    for (const volume of pod.spec.volumes ?? []) paths.set(volume.name, await this.#one(pod, volume));
    return paths;
  }

  /** The files of a pod go with its directory. */
  async unmount(): Promise<void> {}

  async #one(pod: Pod, volume: Volume): Promise<string> {
    const path = join(this.#options.directory, pod.metadata.uid, "volumes", volume.name);
    const { emptyDir, hostPath, configMap, secret, downwardAPI, projected } = volume;
    if (hostPath !== undefined) {
      if (hostPath.type === "DirectoryOrCreate") await mkdir(hostPath.path, { recursive: true });
      if (hostPath.type === "FileOrCreate") await writeFile(hostPath.path, "", { flag: "a" });
      return hostPath.path;
    }
    if (emptyDir !== undefined) {
      await mkdir(path, { recursive: true });
      return path;
    }
    const mode = configMap?.defaultMode ?? secret?.defaultMode ?? downwardAPI?.defaultMode ?? projected?.defaultMode ?? MODE_DEFAULT;
    const files: Files = new Map();
    const sources: readonly VolumeProjection[] | undefined =
      projected?.sources ??
      (configMap !== undefined
        ? [{ configMap }]
        : secret !== undefined
          ? [{ secret: { ...secret, name: secret.secretName ?? "" } as VolumeProjection["secret"] & object }]
          : downwardAPI !== undefined
            ? [{ downwardAPI }]
            : undefined);
    if (sources === undefined) {
      const kind = Object.keys(volume).find((field) => field !== "name") ?? "none";
      throw new VolumeFailure(
        `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : volumes of type ${kind} are not known to this node`,
      );
    }
    for (const source of sources) await this.#collect(pod, volume.name, source, mode, files);
    await writeSwapped(path, files);
    return path;
  }

  async #collect(pod: Pod, volume: string, source: VolumeProjection, mode: number, files: Files): Promise<void> {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source;
    const add = (path: string, content: Buffer | string, own: number | undefined): void => {
      files.set(path, { content: Buffer.from(content), mode: own ?? mode });
    };
    if (configMap !== undefined) {
      const found = this.#referred<ConfigMap>(pod, volume, "configmaps", configMap);
      const all = new Map<string, Buffer>();
      for (const [key, text] of Object.entries(found?.data ?? {})) all.set(key, Buffer.from(text));
      for (const [key, base64] of Object.entries(found?.binaryData ?? {})) all.set(key, Buffer.from(base64, "base64"));
      chosen(all, configMap, volume, add);
    } else if (secret !== undefined) {
      const found = this.#referred<Secret>(pod, volume, "secrets", secret);
      const all = new Map(Object.entries(found?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, "base64")]));
      chosen(all, secret, volume, add);
    } else if (downwardAPI !== undefined) {
      const place = { hostIP: pod.status?.hostIP ?? "", podIP: pod.status?.podIP ?? "" };
      for (const { path, fieldRef, resourceFieldRef, mode: own } of downwardAPI.items ?? []) {
        const container = containerNamed(pod, resourceFieldRef?.containerName ?? "");
        const value =
          fieldRef !== undefined
            ? fieldValue(pod, fieldRef.fieldPath, place)
            : resourceFieldRef !== undefined && container !== undefined
              ? resourceValue(resourceFieldRef, container, allocatableOf(this.#options.view, pod))
              : undefined;
        add(path, value ?? "", own);
      }
    } else if (serviceAccountToken !== undefined) {
      const { audience, expirationSeconds = TOKEN_SECONDS, path } = serviceAccountToken;
      const wanted = audience === "" ? undefined : audience;
      add(path, await this.#options.issueToken(pod, wanted, expirationSeconds), undefined);
    }
  }

  #referred<T extends KubeObject>(pod: Pod, volume: string, plural: string, { name = "", optional }: Named): T | undefined {
    const found = this.#options.view.get<T>(keyFor({ group: "", plural }, pod.metadata.namespace, name));
    if (found !== undefined || optional === true) return found;
    throw new VolumeFailure(
      `MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${plural.slice(0, -1)} ${JSON.stringify(name)} not found`,
    );
  }
}

interface Named {
  readonly name?: string;
  readonly optional?: boolean;
}

function chosen(
  all: ReadonlyMap<string, Buffer>,
  { items, optional }: { readonly items?: readonly KeyToPath[]; readonly optional?: boolean },
  volume: string,
  add: (path: string, content: Buffer, mode: number | undefined) => void,
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, content] of all) add(key, content, undefined);
    return;
  }
  for (const { key, path, mode } of items) {
    const content = all.get(key);
    if (content !== undefined) add(path, content, mode);
    else if (optional !== true)
      throw new VolumeFailure(`MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : references non-existent config key: ${key}`);
  }
}

/** All files change at once: they lie in a directory of their own, and one link leads to it. Source: pkg/volume/util/atomic_writer.go. */
async function writeSwapped(path: string, files: Files): Promise<void> {
  const before = await readlink(join(path, DATA)).catch(() => undefined);
  const next = `..${String(Date.now())}_${process.hrtime.bigint()}`;
  await mkdir(join(path, next), { recursive: true, mode: 0o755 });
  for (const [name, { content, mode }] of files) {
    await mkdir(dirname(join(path, next, name)), { recursive: true });
    await writeFile(join(path, next, name), content, { mode });
  }
  await symlink(next, join(path, `${DATA}_new`));
  await rename(join(path, `${DATA}_new`), join(path, DATA));
  for (const top of new Set([...files.keys()].map((name) => name.split("/")[0] ?? name))) {
    await symlink(join(DATA, top), join(path, top)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  if (before !== undefined) await rm(join(path, before), { recursive: true, force: true });
}
