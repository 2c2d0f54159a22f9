import { attachableSource, attachmentName } from "../../actors/controllers/volumes/attachments.ts";
import { deviceClaimNames } from "../../actors/kinds/core/pod-device-claims.ts";
import { claimsOf, configMapsOf, secretsOf, secretsOfPersistentVolume } from "../../actors/kinds/core/pod-references.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../actors/kinds/generated/types.ts";
import { type KubeObject, keyFor, StatusError } from "../../actors/mod.ts";
import type { Key } from "../../actors/store/transaction.ts";
import type { Subscription } from "../../actors/store/view.ts";
import { objectPath } from "./api-paths.ts";
import { Reflector, type ReflectorWorld } from "./reflector.ts";

const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps" } as const;
const SECRETS = { group: "", version: "v1", plural: "secrets" } as const;
const CLAIMS = { group: "", version: "v1", plural: "persistentvolumeclaims" } as const;
const VOLUMES = { group: "", version: "v1", plural: "persistentvolumes" } as const;
const ATTACHMENTS = { group: "storage.k8s.io", version: "v1", plural: "volumeattachments" } as const;
const DEVICE_CLAIMS = { group: "resource.k8s.io", version: "v1", plural: "resourceclaims" } as const;
/** An API server that is away is not waited for longer than this before a container that needs nothing new is started. */
const PATIENCE_MS = 10_000;

type Resource = typeof DEVICE_CLAIMS | typeof CONFIG_MAPS | typeof SECRETS | typeof CLAIMS | typeof VOLUMES | typeof ATTACHMENTS;

/** What is kept for pods as long as one of them refers to it; `stop` ends its being followed. */
interface Kept {
  readonly pods: Set<string>;
  readonly asked: Promise<void>;
  stop(): void;
}

/**
 * Brings what pods refer to to the machine that they are on: config maps and secrets one by one, each followed as long as a pod here names it, and claims with their volumes, and on devices,
 * which a node may only get, when they are asked for. Nothing else of these is within a node's reach. Source: kubelet's pkg/kubelet/util/manager, watch based.
 */
export class PodReferences {
  readonly #world: ReflectorWorld;
  readonly #kept = new Map<Key, Kept>();
  readonly #subscription: Subscription;

  constructor(world: ReflectorWorld) {
    this.#world = world;
    const { objects } = world;
    this.#subscription = objects.watch("pods", objects.revision, ({ now, before }) => {
      if (before === undefined) return;
      const { uid } = objects.decode<Pod>(before).metadata;
      if (now === undefined || objects.decode<Pod>(now).metadata.uid !== uid) this.#forget(uid);
    });
  }

  /** Resolves when what the pod refers to is in the view, as far as it is there and the API answers. */
  async bring(pod: Pod): Promise<void> {
    const { namespace = "", uid } = pod.metadata;
    const followed = [
      ...[...configMapsOf(pod)].map((name) => this.#follow(CONFIG_MAPS, namespace, name, uid)),
      ...[...secretsOf(pod)].map((name) => this.#follow(SECRETS, namespace, name, uid)),
    ];
    const brought = Promise.all([
      ...followed,
      ...[...claimsOf(pod)].map((name) => this.#bringClaim(namespace, name, uid, pod.spec.nodeName ?? "")),
      ...deviceClaimNames(pod).map((name) => this.#get(DEVICE_CLAIMS, namespace, name, uid)),
    ]);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#world.clock.after(PATIENCE_MS, resolve);
    await Promise.race([brought, late]).finally(() => timer.cancel());
  }

  stop(): void {
    this.#subscription.cancel();
    for (const kept of this.#kept.values()) kept.stop();
    this.#kept.clear();
  }

  #follow(kind: Resource, namespace: string, name: string | undefined, uid: string): Promise<void> {
    if (name === undefined || name === "") return Promise.resolve();
    return this.#keep(keyFor(kind, namespace, name), uid, (key) => {
      const fieldSelector = `metadata.name=${name}`;
      const reflector = new Reflector(this.#world, { kind, namespace, fieldSelector, isPart: (other) => other === key });
      return { asked: reflector.asked, stop: () => reflector.stop() };
    });
  }

  #keep(key: Key, uid: string, begin: (key: Key) => Pick<Kept, "asked" | "stop">): Promise<void> {
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = { ...begin(key), pods: new Set() };
      this.#kept.set(key, kept);
    }
    kept.pods.add(uid);
    return kept.asked;
  }

  /** The claim, its volume, and whether that is attached to the node. */
  async #bringClaim(namespace: string, name: string, uid: string, node: string): Promise<void> {
    const { objects } = this.#world;
    const source = attachableSource(objects, await this.#volumeOf(namespace, name, uid));
    if (source === undefined) return;
    const attachment = attachmentName(source, node);
    const known = objects.get<VolumeAttachment>(keyFor(ATTACHMENTS, undefined, attachment));
    if (known?.status?.attached !== true) await this.#get(ATTACHMENTS, undefined, attachment, uid);
  }

  /** What is bound stays bound. */
  async #volumeOf(namespace: string, name: string, uid: string): Promise<PersistentVolume | undefined> {
    const { objects } = this.#world;
    const boundTo = (claim: PersistentVolumeClaim | undefined): string =>
      claim?.status?.phase === "Bound" ? (claim.spec.volumeName ?? "") : "";
    const before = boundTo(objects.get<PersistentVolumeClaim>(keyFor(CLAIMS, namespace, name)));
    const known = before === "" ? undefined : objects.get<PersistentVolume>(keyFor(VOLUMES, undefined, before));
    if (known !== undefined) return known;
    const title = boundTo(await this.#get<PersistentVolumeClaim>(CLAIMS, namespace, name, uid));
    const volume = title === "" ? undefined : await this.#get<PersistentVolume>(VOLUMES, undefined, title, uid);
    const secrets = volume === undefined ? [] : [...secretsOfPersistentVolume(volume)];
    await Promise.all(secrets.map((secret) => this.#follow(SECRETS, secret.namespace ?? "", secret.name, uid)));
    return volume;
  }

  /** Undefined: it is not there, or cannot be read now, which whoever wants it finds out. */
  async #get<T extends KubeObject>(kind: Resource, namespace: string | undefined, name: string, uid: string): Promise<T | undefined> {
    const { client, objects } = this.#world;
    const key = keyFor(kind, namespace, name);
    void this.#keep(key, uid, () => ({ asked: Promise.resolve(), stop: () => {} }));
    try {
      const object = await client.call<T>("GET", objectPath(kind, namespace, name));
      objects.put(key, object);
      return object;
    } catch (error) {
      if (error instanceof StatusError && error.status.code < 500) objects.remove(key);
      return undefined;
    }
  }

  #forget(uid: string): void {
    for (const [key, { pods, stop }] of this.#kept) {
      if (!pods.delete(uid) || pods.size > 0) continue;
      stop();
      this.#kept.delete(key);
      this.#world.objects.remove(key);
    }
  }
}
