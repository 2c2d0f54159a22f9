import type { Clock } from "../../../runtime/mod.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import { type PodObserved, RuntimeFailure, type SandboxObserved } from "../../node/container-runtime.ts";
import { DeviceFailure, NO_CLAIMS, type PreparedClaims } from "../../node/devices/pod-devices.ts";
import { podResolver } from "../../node/dns/resolv-conf.ts";
import { type MountedVolume, VolumeFailure } from "../../node/pod-volumes.ts";
import type { PodPlace } from "../pod-status.ts";
import { handlerOf, sandboxSpecOf } from "./sandbox-spec.ts";
import { type LifeWorld, tellOf } from "./world.ts";

/** Before what the store, a driver or the runtime would not have is tried again. */
export const RETRY_MS = 1_000;
/** Each time that the network or the runtime refuses a sandbox it is asked half as often, down to this. Source: kubelet's backOffPeriod, jittered by a half. */
const SANDBOX_RETRY_MAX_MS = 15_000;
/** So long what is on its way is waited for without a word. Source: kubelet's podAttachAndMountTimeout. */
const MOUNT_PATIENCE_MS = 123_000;

/** What containers are started on. */
export interface Ground {
  readonly claims: PreparedClaims;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly sandbox: SandboxObserved;
}

/** Lays what has to be there before a container of one pod can start: devices, then volumes, then a sandbox. What cannot be had yet is told of, and tried again in its time. */
export class Groundwork {
  readonly #world: LifeWorld;
  readonly #clock: Clock;
  /** Asks for another look at the pod, then. */
  readonly #lookAt: (at_ms: number) => void;
  #areDevicesGone = false;
  /** Before then its volumes are not asked for. */
  #mountAgain_ms = 0;
  /** Since when they are waited for, or since that was told last. */
  #mountsSince_ms: number | undefined;
  /** Before then no sandbox is begun, and so much longer it waits when that goes wrong. */
  #sandboxAgain = { at_ms: 0, wait_ms: RETRY_MS };

  constructor(world: LifeWorld, clock: Clock, lookAt: (at_ms: number) => void) {
    this.#world = world;
    this.#clock = clock;
    this.#lookAt = lookAt;
  }

  /** `place`: where the pod is by the time that a sandbox is begun. `newSandbox`: which attempt at one it is, where another is wanted. Undefined: something is not there yet. */
  async lay(pod: Pod, place: () => PodPlace, observed: PodObserved, newSandbox: number | undefined): Promise<Ground | undefined> {
    await this.#world.references?.(pod);
    const claims = await this.#prepareDevices(pod);
    const volumes = claims === undefined ? undefined : await this.#mount(pod);
    if (claims === undefined || volumes === undefined) return undefined;
    const sandbox = newSandbox === undefined ? observed.sandboxes[0] : await this.#runSandbox(pod, place(), newSandbox);
    return sandbox === undefined ? undefined : { claims, volumes, sandbox };
  }

  /** Before the API is told that the pod is over: then its claims may be given to others. */
  async letGoOfDevices(pod: Pod, { containers, sandboxes }: PodObserved): Promise<void> {
    if (this.#areDevicesGone || pod.spec.resourceClaims === undefined) return;
    await this.#world.devices?.unprepare(pod, containers.length > 0 || sandboxes.length > 0);
    this.#areDevicesGone = true;
  }

  async #prepareDevices(pod: Pod): Promise<PreparedClaims | undefined> {
    const { devices } = this.#world;
    if (devices === undefined || pod.spec.resourceClaims === undefined) return NO_CLAIMS;
    try {
      return await devices.prepare(pod);
    } catch (error) {
      if (!(error instanceof DeviceFailure)) throw error;
      this.#warn(pod, "FailedPrepareDynamicResources", error.message);
      this.#lookAt(this.#clock.now_ms() + RETRY_MS);
      return undefined;
    }
  }

  async #mount(pod: Pod): Promise<ReadonlyMap<string, MountedVolume> | undefined> {
    if (this.#clock.now_ms() < this.#mountAgain_ms) return undefined;
    try {
      const mounted = await this.#world.volumes.mount(pod);
      this.#mountsSince_ms = undefined;
      return mounted;
    } catch (error) {
      if (!(error instanceof VolumeFailure)) throw error;
      this.#mountFailed(pod, error);
      return undefined;
    }
  }

  /** Source for its words: kubelet's WaitForAttachAndMount. */
  #mountFailed(pod: Pod, { message, isExpected, retry_ms }: VolumeFailure): void {
    const now_ms = this.#clock.now_ms();
    this.#mountsSince_ms ??= now_ms;
    const isLate = now_ms - this.#mountsSince_ms >= MOUNT_PATIENCE_MS;
    if (isLate) this.#mountsSince_ms = now_ms;
    if (!isExpected || isLate) this.#warn(pod, "FailedMount", message);
    if (retry_ms !== undefined) this.#mountAgain_ms = now_ms + retry_ms;
    this.#lookAt(now_ms + (retry_ms ?? RETRY_MS));
  }

  async #runSandbox(pod: Pod, place: PodPlace, attempt: number): Promise<SandboxObserved | undefined> {
    const { view, runtime, dns, machineResolver } = this.#world;
    const { at_ms, wait_ms } = this.#sandboxAgain;
    if (this.#clock.now_ms() < at_ms) {
      this.#lookAt(at_ms);
      return undefined;
    }
    try {
      const resolver = podResolver(pod, dns, await machineResolver());
      for (const { reason, message } of resolver.warnings) this.#warn(pod, reason, message);
      const handler = handlerOf(view, pod);
      const sandbox = await runtime.runSandbox(sandboxSpecOf(pod, place, { attempt, dns: resolver, domain: dns.domain, handler }));
      this.#sandboxAgain.wait_ms = RETRY_MS;
      return sandbox;
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || error.reason === "RuntimeUnavailable") throw error;
      this.#warn(pod, "FailedCreatePodSandBox", `Failed to create pod sandbox: ${error.message}`);
      this.#sandboxAgain = { at_ms: this.#clock.now_ms() + wait_ms, wait_ms: Math.min(2 * wait_ms, SANDBOX_RETRY_MAX_MS) };
      this.#lookAt(this.#sandboxAgain.at_ms);
      return undefined;
    }
  }

  #warn(pod: Pod, reason: string, message: string): void {
    tellOf(this.#world.recorder, pod, undefined, "Warning", reason, message);
  }
}
