import { setMaxListeners } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { threadId } from "node:worker_threads";
import type { Clock } from "../../../runtime/mod.ts";
import type { Subscription } from "../../store/view.ts";
import {
  type ContainerSize,
  type ContainerSpec,
  type ExecLimits,
  type ExecResult,
  type ImageFound,
  type ImageWanted,
  type PodObserved,
  RuntimeFailure,
  type SandboxObserved,
  type SandboxSpec,
} from "../container-runtime.ts";
import type { StoringRuntime } from "../eviction/machine-stats.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcFailure } from "../grpc/failure.ts";
import { findTools, type Tools } from "../process/isolation.ts";
import { ETC_DIRECTORY, writeSandboxFiles } from "../process/sandbox-files.ts";
import { localhostProfilePath } from "../sandbox/seccomp.ts";
import type { StreamAsked, StreamDoor } from "../streaming/stream-door.ts";
import type { ContainerUsage } from "../usage/usage.ts";
import { CriChanges } from "./changes.ts";
import { containerConfigOf, type ImageUser, type LinuxMachine, resourcesOf } from "./container-config.ts";
import { containerDevices, containerMounts, removeWithMounts } from "./container-mounts.ts";
import type { CriGroups } from "./cri-groups.ts";
import { CriUsage } from "./cri-usage.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import { failedAs, unlessGone } from "./failure.ts";
import { CriHealth } from "./health.ts";
import { CriImages } from "./images.ts";
import { rotateLogs } from "./log-rotation.ts";
import { CONTAINER_STATE, type CriSent, IMAGE_SERVICE, RUNTIME_SERVICE } from "./messages.ts";
import { LABEL, ownerOf, sandboxName, sandboxOf } from "./names.ts";
import { type ContainerStatus, CriObserver, runOf } from "./observer.ts";
import { PodFiles } from "./pod-files.ts";
import { sandboxConfigOf } from "./sandbox-config.ts";
import { type Relayed, StreamRelay } from "./stream-relay.ts";

export interface CriOptions {
  /** Of the pods' files. */
  readonly directory: string;
  readonly clock: Clock;
  /** Sockets of the runtime, and of what brings its images. */
  readonly socket: string;
  readonly imageSocket: string;
  /** Of profiles of seccomp that pods may name. */
  readonly seccompDirectory: string;
  readonly groups: CriGroups;
  readonly machine: LinuxMachine;
  /** What the runtime calls itself. */
  readonly scheme: string;
}

/** To make a sandbox may take longer than all else: its image may have to be brought. Source: kubelet's RunPodSandbox. */
const SANDBOX_MS = 2 * ASK_MS;
const MS_PER_S = 1_000;
/** Exit code of a command that was killed. */
const TIMED_OUT = 137;

/**
 * Containers of a runtime that speaks Kubernetes' Container Runtime Interface: containerd, CRI-O. Sandboxes and containers are known by their labels, so what a Troupe before this one
 * began goes on and is found again; the runtime itself may end and come back meanwhile. Logs are files that it writes, in the pod's directory. Source: kubelet's kuberuntime.
 */
export class CriRuntime implements StoringRuntime {
  readonly name = "cri";
  readonly takesCdi = true;
  readonly scheme: string;
  readonly #options: CriOptions;
  readonly #tools: Tools;
  readonly #world: CriWorld;
  readonly #images: CriImages;
  readonly #observer: CriObserver;
  readonly #changes: CriChanges;
  readonly #usage: CriUsage;
  readonly #relay: StreamRelay;
  readonly #closing = new AbortController();

  private constructor(options: CriOptions, tools: Tools) {
    const { directory, clock, socket, imageSocket, scheme } = options;
    this.#options = options;
    this.#tools = tools;
    this.scheme = scheme;
    this.#world = {
      runtime: new GrpcClient(RUNTIME_SERVICE, socket, clock),
      images: new GrpcClient(IMAGE_SERVICE, imageSocket, clock),
      clock,
      files: new PodFiles(directory),
      owner: ownerOf(directory),
      closed: this.#closing.signal,
    };
    // Whatever is asked waits for it.
    setMaxListeners(0, this.#closing.signal);
    this.#images = new CriImages(this.#world);
    this.#observer = new CriObserver(this.#world);
    this.#changes = new CriChanges(this.#world);
    this.#usage = new CriUsage(this.#world, this.#changes);
    this.#relay = new StreamRelay(join(directory, `streams-${threadId}.sock`), (asked) => this.#urlOf(asked));
    rotateLogs(this.#world, this.#observer, this.#changes);
  }

  static async begin(options: CriOptions): Promise<CriRuntime> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    return new CriRuntime(options, await findTools());
  }

  /** How the runtime is, from now on until it is closed. Throws GrpcFailure. */
  health(): Promise<CriHealth> {
    return CriHealth.begin(this.#world, this.#images);
  }

  observe(uid: string): Promise<PodObserved> {
    return this.#observer.observe(uid, this.#changes.isWatching(uid));
  }

  watch(uid: string, changed: () => void): Subscription {
    const watched = this.#changes.watch(uid, changed);
    return {
      cancel: () => {
        watched.cancel();
        if (!this.#changes.isWatching(uid)) this.#observer.forget(uid);
      },
    };
  }

  async pods(): Promise<readonly string[]> {
    const { sandboxes, containers } = await this.#observer.list({});
    return [...new Set([...sandboxes, ...containers].map(({ labels }) => labels[LABEL.podUid] ?? ""))];
  }

  async runSandbox(spec: SandboxSpec): Promise<SandboxObserved> {
    const { uid, handler, attempt } = spec;
    const { runtime, files, closed } = this.#world;
    await files.makeLogDirectory(uid);
    await this.#clearSandboxes(uid);
    this.#options.groups.make(spec);
    const asked = { config: this.#sandboxConfig(spec), runtimeHandler: handler };
    const { podSandboxId } = await runtime.call("RunPodSandbox", asked, SANDBOX_MS, closed).catch(failedAs("CreatePodSandboxError"));
    await files.keepSandbox(spec);
    const address = await this.#observer.addressOf(uid, podSandboxId);
    await writeSandboxFiles(join(files.podDirectory(uid), ETC_DIRECTORY), { ...spec, address });
    this.#changes.look();
    return { id: sandboxName(uid, podSandboxId), attempt, ready: true, address };
  }

  async stopSandbox(name: string): Promise<void> {
    await this.#stopSandbox(sandboxOf(name).id).catch(failedAs("RuntimeUnavailable"));
    this.#changes.look();
  }

  async removePod(uid: string): Promise<void> {
    const { sandboxes, containers } = await this.#observer.list({ [LABEL.podUid]: uid });
    try {
      for (const { id } of sandboxes) await this.#stopSandbox(id);
      for (const { id } of containers) await this.#remove(id);
      for (const { id } of sandboxes) await this.#removeSandbox(id);
    } catch (error) {
      failedAs("RuntimeUnavailable")(error);
    }
    this.#observer.forget(uid);
    this.#options.groups.remove(uid);
    await removeWithMounts(this.#world.files.podDirectory(uid));
  }

  ensureImage(image: ImageWanted): Promise<ImageFound> {
    return this.#images.ensure(image);
  }

  async createContainer(sandbox: string, spec: ContainerSpec): Promise<string> {
    const { uid, id: podSandboxId } = sandboxOf(sandbox);
    const { runtime, files, owner, closed } = this.#world;
    const pod = await files.sandbox(uid);
    if (pod === undefined) throw new RuntimeFailure("CreateContainerError", `there is no sandbox ${podSandboxId}`);
    const imageUser = await this.#images.userOf(spec.imageId);
    checkNotRoot(pod, spec, imageUser);
    const { seccomp } = spec.security;
    const config = containerConfigOf(spec, pod, {
      owner,
      imageUser,
      mounts: await containerMounts(spec, files.podDirectory(uid), files.containerDirectory(uid, spec), this.#tools),
      devices: containerDevices(spec),
      seccompFile: seccomp.type === "Localhost" ? this.#seccompFile(seccomp.path) : undefined,
      targetId: spec.target === undefined ? undefined : await this.#runningId(uid, spec.target),
      machine: this.#options.machine,
    });
    await files.makeLogDirectory(uid, spec);
    const asked = { podSandboxId, config, sandboxConfig: this.#sandboxConfig(pod) };
    const { containerId } = await runtime.call("CreateContainer", asked, ASK_MS, closed).catch(failedAs("CreateContainerError"));
    return containerId;
  }

  async startContainer(containerId: string): Promise<void> {
    const { runtime, closed } = this.#world;
    await runtime.call("StartContainer", { containerId }, ASK_MS, closed).catch(failedAs("RunContainerError"));
    this.#changes.look();
  }

  async stopContainer(containerId: string, grace_ms: number): Promise<void> {
    const { runtime, closed } = this.#world;
    const timeout = Math.ceil(grace_ms / MS_PER_S);
    await runtime
      .call("StopContainer", { containerId, timeout }, ASK_MS + grace_ms, closed)
      .catch(unlessGone)
      .catch(failedAs("RuntimeUnavailable"));
    this.#changes.look();
  }

  async removeContainer(containerId: string): Promise<void> {
    const status = await this.#observer.statusOf(containerId);
    await this.#remove(containerId).catch(failedAs("RuntimeUnavailable"));
    if (status === undefined) return;
    await rm(status.logPath, { force: true });
    await removeWithMounts(this.#world.files.containerDirectory(status.labels[LABEL.podUid] ?? "", runOf(status)));
  }

  async resizeContainer(containerId: string, size: ContainerSize): Promise<void> {
    const { runtime, files, closed } = this.#world;
    const { groups, machine } = this.#options;
    const status = await this.#observer.statusOf(containerId);
    const pod = await files.sandbox(status?.labels[LABEL.podUid] ?? "");
    if (status === undefined || pod === undefined) throw new RuntimeFailure("ResizeError", `there is no container ${containerId}`);
    await this.#checkUsed(status, size);
    const linux = resourcesOf(size, pod.qosClass, machine);
    try {
      await groups.resize(pod, size, async () => {
        await runtime.call("UpdateContainerResources", { containerId, linux }, ASK_MS, closed);
      });
    } catch (error) {
      if (error instanceof GrpcFailure) failedAs("ResizeError")(error);
      throw new RuntimeFailure("ResizeError", (error as Error).message);
    }
    await files.keepResources(pod.uid, runOf(status), size.resources);
    this.#changes.tell(pod.uid);
  }

  async exec(containerId: string, cmd: readonly string[], { timeout_ms, output_bytes, signal }: ExecLimits): Promise<ExecResult> {
    const { runtime, closed } = this.#world;
    const timeout = timeout_ms === undefined ? 0 : Math.ceil(timeout_ms / MS_PER_S);
    // It has a while to say itself that it has taken too long.
    const within_ms = timeout_ms === undefined ? undefined : timeout * MS_PER_S + ASK_MS;
    const over = signal === undefined ? closed : AbortSignal.any([closed, signal]);
    try {
      const { stdout, stderr, exitCode } = await runtime.call("ExecSync", { containerId, cmd, timeout }, within_ms, over);
      return { exitCode, output: Buffer.concat([stdout, stderr]).subarray(0, output_bytes).toString(), timedOut: false };
    } catch (error) {
      if (error instanceof GrpcFailure && error.code === "DeadlineExceeded") return { exitCode: TIMED_OUT, output: "", timedOut: true };
      if (signal?.aborted === true) throw new RuntimeFailure("ExecError", "the command was cut off");
      return failedAs("ExecError")(error);
    }
  }

  stream(container: string, asked: StreamAsked): Promise<StreamDoor> {
    return this.#relay.door({ ...asked, container });
  }

  port(sandbox: string, port: number): Promise<StreamDoor> {
    return this.#relay.door({ op: "port", sandbox: sandboxOf(sandbox).id, port });
  }

  /** What a container writes beside its volumes lies where the runtime likes. */
  placesOf(uid: string, name: string, attempt: number): { readonly root: string; readonly logs: string } {
    const { files } = this.#world;
    return { root: files.containerDirectory(uid, { name, attempt }), logs: dirname(files.logFile(uid, { name, attempt })) };
  }

  clearImages(): Promise<void> {
    return this.#images.clear();
  }

  usage(): ReadonlyMap<string, ContainerUsage> {
    return this.#usage.now;
  }

  /** Containers go on. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#relay.close();
    this.#world.runtime.close();
    this.#world.images.close();
  }

  async #urlOf(asked: Relayed): Promise<string> {
    const { runtime, closed } = this.#world;
    if (asked.op === "port") {
      const { sandbox: podSandboxId, port } = asked;
      return (await runtime.call("PortForward", { podSandboxId, port: [port] }, ASK_MS, closed).catch(failedAs("ExecError"))).url;
    }
    const { container: containerId, stdin, stdout, stderr, tty } = asked;
    const streams = { containerId, stdin, stdout, stderr, tty };
    const answered =
      asked.op === "attach"
        ? runtime.call("Attach", streams, ASK_MS, closed)
        : runtime.call("Exec", { ...streams, cmd: asked.command }, ASK_MS, closed);
    return (await answered.catch(failedAs("ExecError"))).url;
  }

  #sandboxConfig(spec: SandboxSpec): CriSent<"PodSandboxConfig"> {
    const { files, owner } = this.#world;
    return sandboxConfigOf(spec, { owner, logDirectory: files.logDirectory(spec.uid), cgroupParent: this.#options.groups.parentOf(spec) });
  }

  /** What is left of sandboxes before the next one, but for what still has containers: their logs are asked for. Source: kubelet's evictSandboxes. */
  async #clearSandboxes(uid: string): Promise<void> {
    const { sandboxes, containers } = await this.#observer.list({ [LABEL.podUid]: uid });
    const inUse = new Set(containers.map(({ podSandboxId }) => podSandboxId));
    try {
      for (const { id } of sandboxes) {
        await this.#stopSandbox(id);
        if (!inUse.has(id)) await this.#removeSandbox(id);
      }
    } catch (error) {
      failedAs("CreatePodSandboxError")(error);
    }
  }

  async #stopSandbox(podSandboxId: string): Promise<void> {
    const { runtime, closed } = this.#world;
    await runtime.call("StopPodSandbox", { podSandboxId }, ASK_MS, closed).catch(unlessGone);
  }

  async #removeSandbox(podSandboxId: string): Promise<void> {
    const { runtime, closed } = this.#world;
    await runtime.call("RemovePodSandbox", { podSandboxId }, ASK_MS, closed).catch(unlessGone);
  }

  async #remove(containerId: string): Promise<void> {
    const { runtime, closed } = this.#world;
    await runtime.call("RemoveContainer", { containerId }, ASK_MS, closed).catch(unlessGone);
  }

  #seccompFile(path: string): string {
    try {
      return localhostProfilePath(this.#options.seccompDirectory, path);
    } catch (error) {
      throw new RuntimeFailure("CreateContainerConfigError", (error as Error).message);
    }
  }

  /** Source for its words: kubelet's getTargetID. */
  async #runningId(uid: string, name: string): Promise<string> {
    const { containers } = await this.#observer.list({ [LABEL.podUid]: uid, [LABEL.container]: name });
    const running = containers.find(({ state }) => state === CONTAINER_STATE.running);
    if (running !== undefined) return running.id;
    throw new RuntimeFailure("CreateContainerConfigError", `unable to find target container ${name}`);
  }

  /** A limit of memory below what is used ends the container, or is refused in words that nobody understands. Source for these: kubelet's validateMemoryResizeAction. */
  async #checkUsed({ id: containerId, metadata }: ContainerStatus, { limits: { memory } }: ContainerSize): Promise<void> {
    if (memory === undefined) return;
    const { runtime, closed } = this.#world;
    const { stats } = await runtime.call("ContainerStats", { containerId }, ASK_MS, closed).catch(failedAs("ResizeError"));
    const used = stats?.memory?.workingSetBytes?.value ?? 0;
    if (used < memory) return;
    const about = `container ${JSON.stringify(metadata?.name)} memory limit (${memory}) below current usage (${used})`;
    throw new RuntimeFailure("ResizeError", `cannot decrease memory limits: attempting to set ${about}`);
  }
}

/** Source: kubelet's verifyRunAsNonRoot. */
function checkNotRoot({ name: pod, namespace, uid: podUid }: SandboxSpec, { name, user }: ContainerSpec, imageUser: ImageUser): void {
  if (!user.mustNotBeRoot || user.uid !== undefined) return;
  const which = `(pod: "${pod}_${namespace}(${podUid})", container: ${name})`;
  if (imageUser.uid === 0)
    throw new RuntimeFailure("CreateContainerConfigError", `container has runAsNonRoot and image will run as root ${which}`);
  if (imageUser.uid === undefined) {
    const told = `container has runAsNonRoot and image has non-numeric user (${imageUser.name}), cannot verify user is non-root ${which}`;
    throw new RuntimeFailure("CreateContainerConfigError", told);
  }
}
