import type { Timer } from "../../../runtime/mod.ts";
import type { ContainerImage } from "../../kinds/generated/types.ts";
import type { RuntimeFeatures } from "../node-form.ts";
import { handlerWith } from "../process/machine.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import type { CriImages } from "./images.ts";
import type { CriReceived } from "./messages.ts";

/** Source: kubelet's syncLoop, and its image manager's detection. */
const LOOK_MS = 5_000;
const LOOKS_PER_IMAGES = 6;
/** A runtime that does not answer for less than this may be starting anew. Source: kubelet's maxWaitForContainerRuntime. */
const PATIENCE_MS = 30_000;
const DOWN = "container runtime is down";
/** Source: kubelet's kubeRuntimeAPIVersion. */
const KUBE_API_VERSION = "0.1.0";

/** How the runtime is, as nodes say it. Source: kubelet's updateRuntimeUp and runtimeState. */
export class CriHealth {
  readonly #world: CriWorld;
  readonly #images: CriImages;
  /** `containerd://1.7.24` */
  version: string;
  /** Undefined: nothing is wrong. */
  trouble: string | undefined;
  images: readonly ContainerImage[] = [];
  features: RuntimeFeatures = { handlers: [], supplementalGroupsPolicy: false };
  #answered_ms: number;
  #looks = 0;
  #next: Timer | undefined;

  private constructor(world: CriWorld, images: CriImages, version: string) {
    this.#world = world;
    this.#images = images;
    this.version = version;
    this.#answered_ms = world.clock.monotonic_ms();
    world.closed.addEventListener("abort", () => this.#next?.cancel());
  }

  /** Throws GrpcFailure. */
  static async begin(world: CriWorld, images: CriImages): Promise<CriHealth> {
    const health = new CriHealth(world, images, await versionOf(world));
    await health.#look();
    return health;
  }

  async #look(): Promise<void> {
    const { clock, runtime, closed } = this.#world;
    try {
      const said = await runtime.call("Status", {}, ASK_MS, closed);
      const trouble = troubleOf(said);
      this.features = featuresOf(said);
      this.version = await versionOf(this.#world);
      if (this.#looks++ % LOOKS_PER_IMAGES === 0) await this.#lookForImages();
      this.trouble = trouble;
      this.#answered_ms = clock.monotonic_ms();
    } catch {
      if (clock.monotonic_ms() - this.#answered_ms >= PATIENCE_MS) this.trouble = DOWN;
    }
    if (!closed.aborted) this.#next = clock.after(LOOK_MS, () => void this.#look());
  }

  /** What has not changed is the same, so that nobody reports it again. */
  async #lookForImages(): Promise<void> {
    const images = await this.#images.all();
    if (JSON.stringify(images) !== JSON.stringify(this.images)) this.images = images;
  }
}

/** Its name, `://` and its version. Throws GrpcFailure. */
async function versionOf({ runtime, closed }: CriWorld): Promise<string> {
  const { runtimeName, runtimeVersion } = await runtime.call("Version", { version: KUBE_API_VERSION }, ASK_MS, closed);
  return `${runtimeName}://${runtimeVersion}`;
}

/** Users of their own it is not told to give to pods, whatever it could do. */
function featuresOf({ runtimeHandlers, features }: CriReceived<"StatusResponse">): RuntimeFeatures {
  const handlers = runtimeHandlers.map(({ name, features: able }) => handlerWith(name, able?.recursiveReadOnlyMounts === true));
  return { handlers, supplementalGroupsPolicy: features?.supplementalGroupsPolicy === true };
}

/** What it says itself that is wrong with it; undefined: nothing. */
function troubleOf({ status }: CriReceived<"StatusResponse">): string | undefined {
  const wrong = (type: string): string | undefined => {
    const { status: isWell = false, reason = "", message = "" } = status?.conditions.find((condition) => condition.type === type) ?? {};
    return isWell ? undefined : `${type}=false reason:${reason} message:${message}`;
  };
  const ofRuntime = wrong("RuntimeReady");
  if (ofRuntime !== undefined) return `container runtime not ready: ${ofRuntime}`;
  const ofNetwork = wrong("NetworkReady");
  return ofNetwork === undefined ? undefined : `container runtime network not ready: ${ofNetwork}`;
}
