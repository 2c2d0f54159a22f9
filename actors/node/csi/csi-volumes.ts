import type { Timer } from "../../../runtime/mod.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { Pod, Volume } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { Key } from "../../store/transaction.ts";
import type { Subscription } from "../../store/view.ts";
import { VolumeFailure } from "../pod-volumes.ts";
import { type Claimed, claimedVolume } from "../volumes/claimed-volume.ts";
import { type IssueToken, PodTokens } from "../volumes/pod-tokens.ts";
import { RetryDelays } from "../volumes/retry-delays.ts";
import type { PluginVolume, VolumePlugin } from "../volumes/volume-plugin.ts";
import type { CsiMount, CsiMounter } from "./csi-mounter.ts";
import { type CsiVolume, claimToGrow, csiDriverOf, csiVolumeOf, TOKENS_ATTRIBUTE, takesGroup } from "./csi-volume.ts";
import { recordsOf } from "./mounted-record.ts";
import type { NodeDirectories } from "./node-directories.ts";
import type { GrowthWorld } from "./volume-growth.ts";
import { VolumesInUse } from "./volumes-in-use.ts";

export interface CsiVolumesOptions extends GrowthWorld {
  readonly directories: NodeDirectories;
  readonly issueToken: IssueToken;
  /** How long a driver may take; as long as kubelet gives it by default. */
  readonly timeout_ms?: number;
}

/** A driver that wants it publishes anew as often as kubelet looks at a pod. */
const REPUBLISH_MS = 60_000;
const TOKEN_SECONDS = 3_600;
const MS_PER_S = 1_000;

/** A pod that runs with volumes of drivers here. */
interface Followed {
  readonly pod: Pod;
  readonly volumes: readonly CsiVolume[];
  /** Of their claims. */
  readonly claims: ReadonlySet<Key>;
}

/**
 * The volumes of CSI drivers: they are mounted for pods, published again where the driver wants that, grow while they are in use, and are let go of. What speaks to
 * drivers is loaded with the first of them.
 */
export class CsiVolumes implements VolumePlugin {
  readonly #options: CsiVolumesOptions;
  readonly #inUse: VolumesInUse;
  readonly #mounted = new Map<string, CsiMount>();
  readonly #retries = new RetryDelays();
  readonly #tokens = new Map<string, PodTokens>();
  readonly #followed = new Map<string, Followed>();
  /** Of publishing again, by pod; of growing again, by claim. */
  readonly #timers = new Map<string, Timer>();
  readonly #growing = new Map<Key, Promise<void>>();
  #watch: Subscription | undefined;
  #mounter: Promise<CsiMounter> | undefined;
  #isOver = false;

  constructor(options: CsiVolumesOptions) {
    this.#options = options;
    this.#inUse = new VolumesInUse(options.view, options.registry);
  }

  mount(pod: Pod, volume: Volume, claimed: Claimed | undefined): Promise<PluginVolume> | undefined {
    const wanted = csiVolumeOf(pod, volume, claimed);
    return wanted === undefined ? undefined : this.#mount(pod, wanted);
  }

  async #mount(pod: Pod, wanted: CsiVolume): Promise<PluginVolume> {
    const key = keyOf(pod, wanted);
    const mounted = this.#mounted.get(key) ?? (await this.#retries.try(key, () => this.#mountNow(pod, wanted, false)));
    this.#mounted.set(key, mounted);
    await this.#grow(pod, wanted);
    const group = !mounted.groupIsDrivers && takesGroup(this.#options.view, wanted);
    return { path: mounted.target, readOnly: wanted.readOnly, isDevice: wanted.usage.isBlock, takesGroup: group };
  }

  async #mountNow(pod: Pod, wanted: CsiVolume, again: boolean): Promise<CsiMount> {
    const mounter = await this.#loaded();
    return mounter.mount(pod, wanted, await this.#tokensFor(pod, wanted), again);
  }

  follow(pod: Pod): void {
    const { uid } = pod.metadata;
    const wanted = (pod.spec.volumes ?? []).flatMap((volume) => this.#wantedOf(pod, volume));
    if (wanted.length === 0 || this.#isOver) return;
    const claims = new Set(wanted.flatMap(({ persistent }) => claimKeyOf(persistent?.spec?.claimRef)));
    this.#followed.set(uid, { pod, volumes: wanted, claims });
    this.#listen();
    for (const each of wanted) void this.#grow(pod, each);
    const isRepublished = wanted.some(({ driver }) => csiDriverOf(this.#options.view, driver)?.spec.requiresRepublish === true);
    if (isRepublished && !this.#timers.has(uid)) this.#republishLater(uid);
  }

  #wantedOf(pod: Pod, volume: Volume): readonly CsiVolume[] {
    try {
      const wanted = csiVolumeOf(pod, volume, claimedVolume(this.#options.view, pod, volume));
      return wanted === undefined ? [] : [wanted];
    } catch (error) {
      // Its claim or volume was removed under it; what is mounted stays.
      if (error instanceof VolumeFailure) return [];
      throw error;
    }
  }

  leave(uid: string): void {
    this.#followed.delete(uid);
    this.#tokens.delete(uid);
    this.#timers.get(uid)?.cancel();
    this.#timers.delete(uid);
    this.#retries.forgetPod(uid);
    for (const key of this.#mounted.keys()) if (key.startsWith(`${uid}/`)) this.#mounted.delete(key);
  }

  async unmount(node: string, uid: string): Promise<void> {
    this.leave(uid);
    if ((await recordsOf(this.#options.directories, node, uid)).length > 0) await (await this.#loaded()).unmount(node, uid);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#watch?.cancel();
    for (const timer of this.#timers.values()) timer.cancel();
    await Promise.all(this.#growing.values());
  }

  /** None where the driver wants none. Source: podServiceAccountTokenAttrs. */
  async #tokensFor(pod: Pod, { driver }: CsiVolume): Promise<Readonly<Record<string, string>>> {
    const { view, issueToken, clock } = this.#options;
    const requests = csiDriverOf(view, driver)?.spec.tokenRequests ?? [];
    if (requests.length === 0) return {};
    const { uid } = pod.metadata;
    const tokens = this.#tokens.get(uid) ?? new PodTokens(issueToken, clock);
    this.#tokens.set(uid, tokens);
    const told: Record<string, object> = {};
    for (const { audience, expirationSeconds: seconds = TOKEN_SECONDS } of requests) {
      const token = await tokens.token(pod, { audience: audience === "" ? undefined : audience, seconds });
      told[audience] = { token, expirationTimestamp: new Date(clock.now_ms() + seconds * MS_PER_S).toISOString().replace(/\.\d+Z/, "Z") };
    }
    return { [TOKENS_ATTRIBUTE]: JSON.stringify(told) };
  }

  #republishLater(uid: string): void {
    const again = async (): Promise<void> => {
      const { pod, volumes = [] } = this.#followed.get(uid) ?? {};
      for (const wanted of volumes) {
        const isWanted = csiDriverOf(this.#options.view, wanted.driver)?.spec.requiresRepublish === true;
        if (pod !== undefined && isWanted && !this.#isOver) await this.#mountNow(pod, wanted, true);
      }
    };
    const timer = this.#options.clock.after(REPUBLISH_MS, () => {
      again()
        // What it had it has; the next time comes.
        .catch(() => {})
        .finally(() => {
          if (this.#followed.has(uid) && !this.#isOver) this.#republishLater(uid);
        });
    });
    this.#timers.set(uid, timer);
  }

  /** Claims that pods here have are heard of: one that has more room than before may be for this node to finish. */
  #listen(): void {
    if (this.#watch !== undefined) return;
    const { view } = this.#options;
    this.#watch = view.watch("persistentvolumeclaims", view.revision, ({ now }) => {
      if (now === undefined) return;
      for (const { pod, volumes, claims } of this.#followed.values())
        if (claims.has(now.key)) for (const wanted of volumes) void this.#grow(pod, wanted);
    });
  }

  /** Resolves when the volume has been made to use what it has; what went wrong has been told, and is tried again. */
  #grow(pod: Pod, wanted: CsiVolume): Promise<void> {
    const growing = claimToGrow(this.#options.view, wanted);
    if (growing === undefined || this.#isOver) return Promise.resolve();
    const key = keyFor(PersistentVolumeClaimKind, growing.claim.metadata.namespace, growing.claim.metadata.name);
    const before = this.#growing.get(key);
    if (before !== undefined) return before;
    const work = this.#growNow(key, pod, wanted).finally(() => this.#growing.delete(key));
    this.#growing.set(key, work);
    return work;
  }

  async #growNow(key: Key, pod: Pod, wanted: CsiVolume): Promise<void> {
    const mounter = await this.#loaded();
    const { growOnNode } = await import("./volume-growth.ts");
    const isToBeTried = await growOnNode(this.#options, mounter, pod, wanted).catch(() => true);
    if (!isToBeTried) return this.#retries.forget(key);
    this.#timers.get(key)?.cancel();
    const again = (): void => {
      if (this.#followed.has(pod.metadata.uid)) void this.#grow(pod, wanted);
    };
    if (!this.#isOver) this.#timers.set(key, this.#options.clock.after(this.#retries.failed_ms(key), again));
  }

  #loaded(): Promise<CsiMounter> {
    const { view, directories, clock, timeout_ms } = this.#options;
    this.#mounter ??= import("./csi-mounter.ts").then(
      (loaded) =>
        new loaded.CsiMounter({ view, directories, clock, inUse: this.#inUse, ...(timeout_ms === undefined ? {} : { timeout_ms }) }),
    );
    return this.#mounter;
  }
}

function keyOf({ metadata: { uid } }: Pod, { title }: CsiVolume): string {
  return `${uid}/${title}`;
}

function claimKeyOf(reference: { readonly namespace?: string; readonly name?: string } | undefined): readonly Key[] {
  return reference === undefined ? [] : [keyFor(PersistentVolumeClaimKind, reference.namespace, reference.name ?? "")];
}
