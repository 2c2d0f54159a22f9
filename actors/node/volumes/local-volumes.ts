import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { EmptyDirVolumeSource, PersistentVolume, Pod, Volume } from "../../kinds/generated/types.ts";
import type { Key } from "../../store/transaction.ts";
import type { ObjectView, Subscription } from "../../store/view.ts";
import { type MountedVolume, type PodVolumes, VolumeFailure } from "../pod-volumes.ts";
import { type Claimed, claimedVolume } from "./claimed-volume.ts";
import { type Limited, limitedOf, overLimit } from "./empty-dir-limits.ts";
import { hostPathReady } from "./host-path.ts";
import { clearMemory, memoryDirectory } from "./memory-directory.ts";
import { giveToGroup, isNotOfGroup } from "./ownership.ts";
import { type IssueToken, PodTokens } from "./pod-tokens.ts";
import { writeSwapped } from "./swapped-files.ts";
import { digestOf, projectionsOf, referencesOf, type TokenWanted, tokenKey, tokensOf, volumeFiles } from "./volume-files.ts";
import type { VolumePlugin } from "./volume-plugin.ts";

export interface LocalVolumesOptions {
  readonly view: ObjectView;
  /** Of the pods' files: each has a directory by its UID. */
  readonly directory: string;
  readonly clock: Clock;
  /** A token of the pod's service account. Throws VolumeFailure. */
  readonly issueToken: IssueToken;
  /** Types of volumes that are not made here. */
  readonly plugins?: readonly VolumePlugin[];
}

/** A pod that has volumes here. What is done to its files is done one after the other. */
interface Kept {
  pod: Pod;
  readonly references: ReadonlySet<Key>;
  readonly tokens: PodTokens;
  readonly limited: readonly Limited[];
  /** What each volume was given of the API last, by its digest. */
  readonly written: Map<string, string>;
  /** Volumes that have been given to its group. */
  readonly grouped: Set<string>;
  /** Undefined: its node has not said yet that it runs. */
  exceeded: ((message: string) => void) | undefined;
  last: Promise<unknown>;
  renewal: Timer | undefined;
  measuring: Timer | undefined;
  isOver: boolean;
}

/** Whoever the container runs as may use it. Source: pkg/volume/emptydir. */
const EMPTY_DIR_MODE = 0o777;
/** What could not be brought up to date is tried again after this. */
const RETRY_MS = 5_000;
/** Source: kubelet's --eviction-monitoring-interval. */
const MEASURE_MS = 10_000;

/**
 * Volumes that are directories of this machine: emptyDir, hostPath, claims on volumes of type local and hostPath, and what the API has as files, in the layout of
 * Kubernetes. It promises of a pod that it was told to follow that the last are as the API says, a moment after it changes, that tokens in them are renewed
 * before they expire, and that who fills an emptyDir over its limit is told of.
 */
export class LocalVolumes implements PodVolumes {
  readonly #options: LocalVolumesOptions;
  readonly #memory: string | undefined;
  readonly #kept = new Map<string, Kept>();
  /** UIDs of the pods that have volumes for one pod, by the volume. */
  readonly #holders = new Map<string, string>();
  /** UIDs of the pods that show an object. */
  readonly #showing = new Map<Key, Set<string>>();
  #subscriptions: readonly Subscription[] = [];

  constructor(options: LocalVolumesOptions) {
    this.#options = options;
    this.#memory = memoryDirectory(options.directory);
  }

  async mount(pod: Pod): Promise<ReadonlyMap<string, MountedVolume>> {
    const kept = this.#keep(pod);
    return this.#inTurn(kept, async () => {
      const mounted = new Map<string, MountedVolume>();
      kept.written.clear();
      for (const volume of pod.spec.volumes ?? []) mounted.set(volume.name, await this.#setUp(kept, volume));
      this.#renewLater(kept);
      return mounted;
    });
  }

  follow(pod: Pod, exceeded: (message: string) => void): void {
    if ((pod.spec.volumes ?? []).length === 0) return;
    const before = this.#kept.get(pod.metadata.uid);
    const isNews = before?.exceeded === undefined || before.pod.metadata.resourceVersion !== pod.metadata.resourceVersion;
    const kept = this.#keep(pod);
    kept.exceeded = exceeded;
    if (before === undefined) this.#holdAll(pod);
    if (isNews) {
      this.#refresh(kept);
      for (const plugin of this.#plugins) plugin.follow(pod);
    }
    if (kept.limited.length > 0 && kept.measuring === undefined) this.#measureLater(kept);
  }

  leave(uid: string): void {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return;
    for (const plugin of this.#plugins) plugin.leave(uid);
    for (const [volume, holder] of this.#holders) if (holder === uid) this.#holders.delete(volume);
    kept.isOver = true;
    kept.renewal?.cancel();
    kept.measuring?.cancel();
    this.#kept.delete(uid);
    for (const key of kept.references) {
      const showing = this.#showing.get(key);
      showing?.delete(uid);
      if (showing?.size === 0) this.#showing.delete(key);
    }
  }

  /** The files of a pod go with its directory, but for those in memory; what plugins have mounted goes before anything is removed. */
  async unmount({ metadata: { uid }, spec: { nodeName = "" } }: Pod): Promise<void> {
    const last = this.#kept.get(uid)?.last;
    this.leave(uid);
    await last;
    for (const plugin of this.#plugins) await plugin.unmount(nodeName, uid);
    if (this.#memory !== undefined) await rm(join(this.#memory, uid), { recursive: true, force: true });
  }

  /** Removes what is left of pods that are not `known`. */
  async clear(known: ReadonlySet<string>): Promise<void> {
    await clearMemory(this.#options.directory, known);
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#subscriptions = [];
    const last = [...this.#kept.values()].map((kept) => kept.last);
    for (const uid of [...this.#kept.keys()]) this.leave(uid);
    await Promise.all(last);
    for (const plugin of this.#plugins) await plugin.close();
  }

  get #plugins(): readonly VolumePlugin[] {
    return this.#options.plugins ?? [];
  }

  #keep(pod: Pod): Kept {
    const { uid } = pod.metadata;
    const before = this.#kept.get(uid);
    if (before !== undefined) {
      before.pod = pod;
      return before;
    }
    const { issueToken, clock } = this.#options;
    const kept: Kept = {
      pod,
      references: referencesOf(pod),
      tokens: new PodTokens(issueToken, clock),
      limited: limitedOf(pod, (volume, source) => this.#emptyDirPath(uid, volume, source)),
      written: new Map(),
      grouped: new Set(),
      exceeded: undefined,
      last: Promise.resolve(),
      renewal: undefined,
      measuring: undefined,
      isOver: false,
    };
    this.#kept.set(uid, kept);
    for (const key of kept.references) this.#showing.set(key, (this.#showing.get(key) ?? new Set()).add(uid));
    if (kept.references.size > 0) this.#listen();
    return kept;
  }

  /** Nobody asks for what nobody shows. */
  #listen(): void {
    if (this.#subscriptions.length > 0) return;
    const { view } = this.#options;
    this.#subscriptions = ["configmaps", "secrets"].map((resource) =>
      view.watch(resource, view.revision, ({ now, before }) => {
        for (const uid of this.#showing.get((now ?? before)?.key ?? "") ?? []) {
          const kept = this.#kept.get(uid);
          if (kept?.exceeded !== undefined) this.#refresh(kept);
        }
      }),
    );
  }

  #inTurn<T>(kept: Kept, work: () => Promise<T>): Promise<T> {
    const result = kept.last.then(work);
    kept.last = result.catch(() => {});
    return result;
  }

  /** Brings what the API has up to date. What is missing now leaves what was there. */
  #refresh(kept: Kept): void {
    const work = async (): Promise<void> => {
      if (kept.isOver) return;
      for (const volume of kept.pod.spec.volumes ?? []) if (projectionsOf(volume) !== undefined) await this.#one(kept, volume);
    };
    this.#inTurn(kept, work).then(
      () => this.#renewLater(kept),
      () => this.#refreshAfter(kept, RETRY_MS),
    );
  }

  #renewLater(kept: Kept): void {
    const { renewAt_ms } = kept.tokens;
    if (renewAt_ms !== undefined) this.#refreshAfter(kept, Math.max(0, renewAt_ms - this.#options.clock.now_ms()));
  }

  #refreshAfter(kept: Kept, ms: number): void {
    kept.renewal?.cancel();
    if (!kept.isOver) kept.renewal = this.#options.clock.after(ms, () => this.#refresh(kept));
  }

  #measureLater(kept: Kept): void {
    kept.measuring = this.#options.clock.after(MEASURE_MS, () => {
      overLimit(kept.limited).then((message) => {
        if (kept.isOver) return;
        if (message === undefined) this.#measureLater(kept);
        else kept.exceeded?.(message);
      });
    });
  }

  /** What the disk will not have is told like all else. */
  async #setUp(kept: Kept, volume: Volume): Promise<MountedVolume> {
    try {
      return await this.#one(kept, volume);
    } catch (error) {
      throw error instanceof VolumeFailure ? error : VolumeFailure.ofSetUp(volume.name, (error as Error).message);
    }
  }

  async #one(kept: Kept, volume: Volume): Promise<MountedVolume> {
    const { view, directory } = this.#options;
    const { uid } = kept.pod.metadata;
    const { emptyDir, hostPath } = volume;
    if (hostPath !== undefined) return { path: await hostPathReady(volume.name, hostPath), readOnly: false };
    if (emptyDir !== undefined) {
      const path = this.#emptyDirPath(uid, volume.name, emptyDir);
      // What a pod has made of one that is there is its own.
      if ((await mkdir(path, { recursive: true })) !== undefined) {
        await chmod(path, EMPTY_DIR_MODE);
        await this.#group(kept, volume.name, path);
      }
      return { path, readOnly: false };
    }
    const claimed = claimedVolume(view, kept.pod, volume);
    if (claimed !== undefined) this.#hold(uid, claimed.volume);
    for (const plugin of this.#plugins) {
      const mounted = await plugin.mount(kept.pod, volume, claimed);
      if (mounted === undefined) continue;
      if (mounted.takesGroup) await this.#group(kept, volume.name, mounted.path);
      return mounted;
    }
    if (claimed !== undefined) return this.#claimed(kept, volume.name, claimed);
    const path = join(directory, uid, "volumes", volume.name);
    const tokens = new Map<string, string>();
    for (const wanted of tokensOf(volume)) tokens.set(tokenKey(wanted), await this.#token(kept, volume.name, wanted));
    const files = volumeFiles({ view, pod: kept.pod, token: (wanted) => tokens.get(tokenKey(wanted)) ?? "" }, volume);
    if (files === undefined) {
      const kind = Object.keys(volume).find((field) => field !== "name") ?? "none";
      throw VolumeFailure.ofSetUp(volume.name, `volumes of type ${kind} are not known to this node`);
    }
    const digest = digestOf(files);
    // Most of what is said of a pod changes none of its files.
    if (kept.written.get(volume.name) === digest) return { path, readOnly: true };
    await writeSwapped(path, files, { now_ms: this.#options.clock.now_ms(), group: kept.pod.spec.securityContext?.fsGroup });
    kept.written.set(volume.name, digest);
    return { path, readOnly: true };
  }

  async #token({ pod, tokens }: Kept, volume: string, wanted: TokenWanted): Promise<string> {
    try {
      return await tokens.token(pod, wanted);
    } catch (error) {
      throw error instanceof VolumeFailure ? VolumeFailure.ofSetUp(volume, error.message) : error;
    }
  }

  /** Of a pod that ran before this Troupe. What is not to be found any more nobody else can have. */
  #holdAll(pod: Pod): void {
    for (const volume of pod.spec.volumes ?? []) {
      try {
        const claimed = claimedVolume(this.#options.view, pod, volume);
        if (claimed !== undefined) this.#hold(pod.metadata.uid, claimed.volume);
      } catch (error) {
        if (!(error instanceof VolumeFailure)) throw error;
      }
    }
  }

  /** One that one pod may use is not another one's, however that came here. Throws VolumeFailure. Source: IsVolumeMountedElsewhere. */
  #hold(uid: string, { metadata: { name }, spec = {} }: PersistentVolume): void {
    if (spec.accessModes?.includes("ReadWriteOncePod") !== true) return;
    const holder = this.#holders.get(name) ?? uid;
    if (holder !== uid)
      throw VolumeFailure.ofSetUp(name, "volume uses the ReadWriteOncePod access mode and is already in use by another pod");
    this.#holders.set(name, uid);
  }

  /** Memory, where the machine has a place for it and the pod asks for it. */
  #emptyDirPath(uid: string, name: string, { medium }: EmptyDirVolumeSource): string {
    return medium === "Memory" && this.#memory !== undefined
      ? join(this.#memory, uid, name)
      : join(this.#options.directory, uid, "volumes", name);
  }

  async #claimed(kept: Kept, name: string, { volume, readOnly }: Claimed): Promise<MountedVolume> {
    const { hostPath, local, volumeMode } = volume.spec ?? {};
    const title = volume.metadata.name;
    if (volumeMode === "Block") return { path: await deviceAt(title, local?.path), readOnly, isDevice: true };
    if (hostPath !== undefined) return { path: await hostPathReady(title, hostPath), readOnly };
    if (local === undefined) {
      throw VolumeFailure.ofSetUp(title, "persistent volumes of this type are not known to this node, only local and hostPath are");
    }
    const there = await stat(local.path).catch(() => undefined);
    if (there?.isDirectory() !== true) {
      const about = `path ${JSON.stringify(local.path)} does not exist`;
      throw new VolumeFailure(`MountVolume.NewMounter initialization failed for volume ${JSON.stringify(title)} : ${about}`);
    }
    if (!readOnly) await this.#group(kept, name, local.path);
    return { path: local.path, readOnly };
  }

  /** Once in the life of a pod: what it makes afterwards is of the group by the directory's set-group-ID bit. */
  async #group({ pod, grouped }: Kept, name: string, path: string): Promise<void> {
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
    if (grouped.has(name)) return;
    grouped.add(name);
    if (fsGroup === undefined) return;
    const isDone = fsGroupChangePolicy === "OnRootMismatch" && !(await isNotOfGroup(path, fsGroup));
    if (!isDone) await giveToGroup(path, fsGroup, false);
  }
}

/** A device of the machine. Source for its words: pkg/volume/local's MapPodDevice. */
async function deviceAt(title: string, path: string | undefined): Promise<string> {
  const about = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path !== undefined && about?.isBlockDevice() === true) return path;
  throw new VolumeFailure(
    `MapVolume.MapPodDevice failed for volume ${JSON.stringify(title)} : ${path ?? "the volume"} is not a block device`,
  );
}
