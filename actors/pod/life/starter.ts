import type { Clock } from "../../../runtime/mod.ts";
import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { ContainerSpec, PodObserved } from "../../node/container-runtime.ts";
import { RuntimeFailure, type RuntimeFailureReason } from "../../node/container-runtime.ts";
import { cdiDevicesOf, type DeviceEdits, type PreparedClaims } from "../../node/devices/pod-devices.ts";
import { taggedImage } from "../../node/images/image-name.ts";
import type { MountedVolume } from "../../node/pod-volumes.ts";
import type { PodPlace } from "../pod-status.ts";
import { BackOffs } from "./back-off.ts";
import { containerSpecOf } from "./container-spec.ts";
import { ConfigMissing, environmentOf } from "./environment.ts";
import type { Handlers } from "./handlers.ts";
import type { Wait } from "./life-status.ts";
import { newestOf, podTitle } from "./pod-containers.ts";
import { pullCredentials } from "./pull-credentials.ts";
import { featuresOf } from "./sandbox-spec.ts";
import { type LifeWorld, tellOf } from "./world.ts";

/** What is not there yet is looked for again after this. */
const RETRY_MS = 5_000;
/** Former runs that are kept beside the newest, for `kubectl logs --previous`. Source: kubelet's --maximum-dead-containers-per-container. */
const FORMER_RUNS_KEPT = 1;

const IMAGE_REASONS: readonly RuntimeFailureReason[] = ["ErrImagePull", "ErrImageNeverPull", "ImageInspectError", "InvalidImageName"];

export interface Start {
  readonly pod: Pod;
  readonly place: PodPlace;
  readonly container: Container;
  readonly observed: PodObserved;
  readonly sandbox: string;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly claims: PreparedClaims;
  /** Aborted: the pod is to end. */
  readonly signal: AbortSignal;
}

export type Started =
  | { readonly type: "started"; readonly id: string }
  /** It is started later, on another call. */
  | { readonly type: "waits"; readonly until_ms: number }
  /** It ran, and what was to be done after its start went wrong: it is to be stopped. */
  | { readonly type: "hookFailed"; readonly id: string };

/**
 * Starts containers of one pod, one after the other: back-off, image, configuration, creation, start, postStart hook. What one waits for is in
 * `waits`, as its state shows it. Source: kubelet's startContainer, doBackOff and EnsureImageExists (Kubernetes 1.34).
 */
export class Starter {
  readonly waits: Map<string, Wait> = new Map();
  readonly #world: LifeWorld;
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #crashes = new BackOffs();
  readonly #pulls = new BackOffs();
  readonly #pullFailures = new Map<string, FailedPull>();

  constructor(world: LifeWorld, handlers: Handlers, clock: Clock, sleep: (ms: number, signal: AbortSignal) => Promise<void>) {
    this.#world = world;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#sleep = sleep;
  }

  async start(start: Start): Promise<Started> {
    const { pod, container, observed } = start;
    const now_ms = this.#clock.now_ms();
    const crashed = this.#crashWait(start, now_ms);
    if (crashed !== undefined) return crashed;
    const before = newestOf(observed, container.name);
    const attempt = before === undefined ? 0 : before.attempt + 1;
    try {
      const imageId = await this.#image(start);
      const { runtime, view } = this.#world;
      const { cdiDevices, edits } = await this.#devices(start);
      const env = environmentOf(view, pod, container, start.place);
      const wanted = containerSpecOf(pod, container, { attempt, imageId, env, volumes: start.volumes, features: featuresOf(view, pod) });
      const spec = edits === undefined ? { ...wanted, cdiDevices } : edited(wanted, edits);
      const id = await runtime.createContainer(start.sandbox, spec);
      this.#tell(start, "Normal", "Created", `Created container: ${container.name}`);
      await runtime.startContainer(id);
      this.#tell(start, "Normal", "Started", `Started container ${container.name}`);
      this.waits.delete(container.name);
      await this.#clearFormer(observed, container.name);
      return (await this.#postStart(start, id)) ? { type: "started", id } : { type: "hookFailed", id };
    } catch (error) {
      return this.#failed(start, error);
    }
  }

  /** While a container that has ended waits before it is started again. */
  #crashWait({ pod, container, observed }: Start, now_ms: number): Started | undefined {
    const ended = observed.containers.find(({ name, state }) => name === container.name && state === "exited");
    if (ended === undefined) return undefined;
    const key = `${container.name}\n${container.image}`;
    const until_ms = this.#crashes.until(key, ended.finishedAt_ms);
    if (until_ms === undefined || until_ms <= now_ms) {
      this.#crashes.triedAgain(key, ended.finishedAt_ms, now_ms);
      return undefined;
    }
    if (this.waits.get(container.name)?.reason !== "CrashLoopBackOff") {
      const told = `Back-off restarting failed container ${container.name} in pod ${podTitle(pod)}`;
      tellOf(this.#world.recorder, pod, container, "Warning", "BackOff", told);
    }
    const message = `back-off ${goDuration(this.#crashes.wait_ms(key))} restarting failed container=${container.name} pod=${podTitle(pod)}`;
    this.waits.set(container.name, { reason: "CrashLoopBackOff", message });
    return { type: "waits", until_ms };
  }

  /** What the container gets of the pod's claims: by name where the runtime takes it so. Throws RuntimeFailure. */
  async #devices({ pod, container, claims }: Start): Promise<{ readonly cdiDevices: readonly string[]; readonly edits?: DeviceEdits }> {
    const { devices, runtime } = this.#world;
    const cdiDevices = cdiDevicesOf(container, claims);
    if (cdiDevices.length === 0 || devices === undefined || runtime.takesCdi === true) return { cdiDevices };
    return { cdiDevices, edits: await devices.edits(pod, cdiDevices) };
  }

  /** The image's ID. Throws RuntimeFailure. */
  async #image(start: Start): Promise<string> {
    const { container } = start;
    const image = container.image ?? "";
    const now_ms = this.#clock.now_ms();
    const before = this.#pullFailures.get(image);
    const until_ms = before === undefined ? undefined : this.#pulls.until(image, before.at_ms);
    if (before !== undefined && until_ms !== undefined && until_ms > now_ms) throw new PullWaits(before, until_ms);
    const policy = container.imagePullPolicy ?? "IfNotPresent";
    let isPulling = false;
    const pulling = (): void => {
      if (!isPulling) this.#tell(start, "Normal", "Pulling", `Pulling image ${JSON.stringify(image)}`);
      isPulling = true;
    };
    try {
      taggedImage(image);
      const hasCommand = container.command !== undefined && container.command.length > 0;
      const { credentials, missing } = pullCredentials(this.#world.view, start.pod, image);
      if (missing.length > 0) this.#tellMissing(start, missing);
      const { id, present } = await this.#world.runtime.ensureImage({ image, policy, hasCommand, credentials, pulling });
      const quoted = JSON.stringify(image);
      this.#tell(
        start,
        "Normal",
        "Pulled",
        present ? `Container image ${quoted} already present on machine` : `Successfully pulled image ${quoted}`,
      );
      this.#pullFailures.delete(image);
      return id;
    } catch (error) {
      if (!(error instanceof RuntimeFailure)) throw error;
      if (error.reason === "ErrImagePull") {
        pulling();
        this.#tell(start, "Warning", "Failed", `Failed to pull image ${JSON.stringify(image)}: ${error.message}`);
        this.#pulls.triedAgain(image, before?.at_ms ?? now_ms, now_ms);
        this.#pullFailures.set(image, { at_ms: now_ms, message: error.message });
      } else if (error.reason === "ErrImageNeverPull") this.#tell(start, "Warning", "ErrImageNeverPull", error.message);
      else if (IMAGE_REASONS.includes(error.reason)) this.#tell(start, "Warning", "InspectFailed", error.message);
      throw error;
    }
  }

  #tellMissing({ pod }: Start, missing: readonly string[]): void {
    const told = `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`;
    tellOf(this.#world.recorder, pod, undefined, "Warning", "FailedToRetrieveImagePullSecret", told);
  }

  #failed(start: Start, error: unknown): Started {
    const { name } = start.container;
    const again_ms = this.#clock.now_ms() + RETRY_MS;
    if (error instanceof PullWaits) return this.#pullWaits(start, error);
    if (error instanceof ConfigMissing) {
      this.waits.set(name, { reason: "CreateContainerConfigError", message: error.message });
      this.#tell(start, "Warning", "Failed", `Error: ${error.message}`);
      return { type: "waits", until_ms: again_ms };
    }
    if (!(error instanceof RuntimeFailure) || error.reason === "RuntimeUnavailable") throw error;
    this.waits.set(name, { reason: error.reason, message: error.message });
    const isOfImage = IMAGE_REASONS.includes(error.reason);
    this.#tell(start, "Warning", "Failed", `Error: ${isOfImage ? error.reason : error.message}`);
    return { type: "waits", until_ms: again_ms };
  }

  /** It shows why the pull failed for a while, then that it waits. */
  #pullWaits(start: Start, { failed, until_ms }: PullWaits): Started {
    const { name, image } = start.container;
    const shown_ms = failed.at_ms + RETRY_MS;
    const before = this.waits.get(name)?.reason;
    if (before === "ErrImagePull" && this.#clock.now_ms() < shown_ms) return { type: "waits", until_ms: shown_ms };
    if (before !== "ImagePullBackOff") {
      const message = `Back-off pulling image ${JSON.stringify(image)}`;
      this.#tell(start, "Normal", "BackOff", message);
      this.#tell(start, "Warning", "Failed", "Error: ImagePullBackOff");
      this.waits.set(name, { reason: "ImagePullBackOff", message: `${message}: ErrImagePull: ${failed.message}` });
    }
    return { type: "waits", until_ms };
  }

  /** Whether it went well, if there is one. What it says is not told: it may hold secrets. */
  async #postStart(start: Start, id: string): Promise<boolean> {
    const { container, place, signal } = start;
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return true;
    try {
      await this.#handlers.hook(hook, { container, id, address: place.podIP }, (ms) => this.#sleep(ms, signal), signal);
      return true;
    } catch {
      if (signal.aborted) return true;
      this.#tell(start, "Warning", "FailedPostStartHook", "PostStartHook failed");
      this.waits.set(container.name, { reason: "PostStartHookError", message: "PostStartHook failed" });
      return false;
    }
  }

  async #clearFormer(observed: PodObserved, name: string): Promise<void> {
    const former = observed.containers.filter((run) => run.name === name && run.state !== "running");
    for (const { id } of former.slice(FORMER_RUNS_KEPT)) await this.#world.runtime.removeContainer(id);
  }

  #tell({ pod, container }: Start, severity: "Normal" | "Warning", reason: string, message: string): void {
    tellOf(this.#world.recorder, pod, container, severity, reason, message);
  }
}

/** What devices say goes before what the container says itself. Source: AddProcessEnv of runtime-tools. */
function edited(spec: ContainerSpec, { env, mounts }: DeviceEdits): ContainerSpec {
  const names = new Set(env.map(({ name }) => name));
  return { ...spec, env: [...spec.env.filter(({ name }) => !names.has(name)), ...env], mounts: [...spec.mounts, ...mounts] };
}

interface FailedPull {
  readonly at_ms: number;
  readonly message: string;
}

class PullWaits extends Error {
  readonly failed: FailedPull;
  readonly until_ms: number;

  constructor(failed: FailedPull, until_ms: number) {
    super(failed.message);
    this.failed = failed;
    this.until_ms = until_ms;
  }
}

/** `10s`, `1m20s`, `5m0s`: as Go prints durations. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
