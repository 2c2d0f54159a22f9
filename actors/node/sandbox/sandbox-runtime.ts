import { readFileSync } from "node:fs";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../runtime/mod.ts";
import { oomScoreOf } from "../cgroups/resource-values.ts";
import {
  type ContainerSize,
  type ContainerSpec,
  type ImageFound,
  type ImageWanted,
  type PodObserved,
  type QosClass,
  RuntimeFailure,
  type SandboxObserved,
  type SandboxSpec,
} from "../container-runtime.ts";
import type { KeptSpec } from "../process/keeper/protocol.ts";
import { type Prepared, prepareContainer } from "../process/kept-container-spec.ts";
import { KeptRuntime, type KeptSandbox, observedOf, uidOf } from "../process/kept-runtime.ts";
import type { Mount } from "../process/mount-plan.ts";
import { ETC_DIRECTORY, writeSandboxFiles } from "../process/sandbox-files.ts";
import { memoryDirectory } from "../volumes/memory-directory.ts";
import { type Attachment, addressIn, type CniResult } from "./cni.ts";
import type { RootedImage, SandboxImages } from "./images.ts";
import type { Machine } from "./machine.ts";
import { machineDevices, volumeDevices } from "./machine-rights.ts";
import { type NamespaceFrom, type OciWanted, ociCapabilities, ociConfig, ociProcess } from "./oci-config.ts";
import { begunHook, ociCommands, ociState, type SharedBind, sharedBinds } from "./oci-runtime.ts";
import { PAUSE, PAUSE_PID_FILE, pauseContainer, pauseId } from "./pause.ts";
import { localhostProfile, ociSeccomp } from "./seccomp.ts";

export interface SandboxOptions {
  /** Of the pods' files. */
  readonly directory: string;
  readonly clock: Clock;
  readonly machine: Machine;
  readonly images: SandboxImages;
  /** Of profiles of seccomp that pods may name. */
  readonly seccompDirectory: string;
}

/** A sandbox of which the network is known, and the process that holds its namespaces. */
interface OwnSandbox extends KeptSandbox {
  readonly pid: number;
  /** Undefined: it is in the machine's. */
  readonly network: CniResult | undefined;
}

const SHARED_MODE = 0o1777;

/**
 * Containers set apart by the kernel: each has namespaces of its own, its image as its root with what it writes in a layer above, and a control group that holds it to its
 * limits, by crun or runc; the containers of a pod share a network, which CNI plugins make. Root is needed. The processes are the keeper's, as those of
 * ProcessRuntime are, so logs, streams, exit codes and adoption are the same.
 */
export class SandboxRuntime extends KeptRuntime<OwnSandbox> {
  readonly name = "sandbox";
  readonly handlers: readonly string[];
  readonly #machine: Machine;
  readonly #images: SandboxImages;
  readonly #seccompDirectory: string;

  private constructor({ directory, clock, machine, images, seccompDirectory }: SandboxOptions) {
    super(directory, clock);
    this.handlers = ["", machine.oci.name];
    this.#machine = machine;
    this.#images = images;
    this.#seccompDirectory = seccompDirectory;
  }

  static async begin(options: SandboxOptions): Promise<SandboxRuntime> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    return new SandboxRuntime(options);
  }

  /** A sandbox is ready as long as there is what holds its namespaces. */
  override async observe(uid: string): Promise<PodObserved> {
    const [sandbox, all] = await Promise.all([this.sandboxOf(uid), this.containersOf(uid)]);
    const containers = all.filter(({ name }) => name !== PAUSE);
    if (sandbox === undefined) return { sandboxes: [], containers };
    const ready = sandbox.ready && all.some(({ id, state }) => id === pauseId(sandbox.spec) && state === "running");
    return { sandboxes: [{ ...observedOf(sandbox), ready }], containers };
  }

  async runSandbox(spec: SandboxSpec): Promise<SandboxObserved> {
    this.checkHandler(spec);
    const { uid, attempt } = spec;
    const id = `${uid}_${attempt}`;
    try {
      const former = await this.sandboxOf(uid);
      if (former !== undefined && former.id !== id) await this.#end(former);
      this.#machine.groups?.makePod(spec);
      const pid = await this.#pause(spec, id);
      const network = spec.hostNetwork ? undefined : await this.#machine.network.add(attachmentOf(spec, id, pid));
      const address = network === undefined ? spec.address : (addressIn(network) ?? spec.address);
      const sandbox: OwnSandbox = { id, ready: true, spec: { ...spec, address }, pid, network };
      await writeSandboxFiles(join(this.directory, uid, ETC_DIRECTORY), sandbox.spec);
      await this.keep(sandbox);
      return observedOf(sandbox);
    } catch (error) {
      if (error instanceof RuntimeFailure && error.reason === "RuntimeUnavailable") throw error;
      // The next try begins from the start: a plugin that could not go on may have begun.
      if (!spec.hostNetwork) await this.#machine.network.remove(attachmentOf(spec, id, undefined), {}).catch(() => {});
      await this.keeper.ask({ op: "remove", container: pauseId(spec) });
      throw new RuntimeFailure("CreatePodSandboxError", (error as Error).message);
    }
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = await this.sandboxOf(uidOf(id));
    if (sandbox?.id !== id || !sandbox.ready) return;
    await this.#end(sandbox);
    await this.keep({ ...sandbox, ready: false });
  }

  async removePod(uid: string): Promise<void> {
    const sandbox = await this.sandboxOf(uid);
    if (sandbox?.ready === true) await this.#end(sandbox);
    await this.keeper.ask({ op: "removePod", uid });
    this.#machine.groups?.removePod(uid);
    await rm(join(this.directory, uid), { recursive: true, force: true });
    await rm(this.#sharedMemory(uid), { recursive: true, force: true });
  }

  async ensureImage(wanted: ImageWanted): Promise<ImageFound> {
    const found = await this.#images.find(wanted);
    return { id: found.id, present: true };
  }

  override async clearImages(): Promise<void> {
    const inUse = new Set<string>();
    for (const uid of await this.pods()) for (const { imageId } of await this.containersOf(uid)) inUse.add(imageId);
    await this.#images.clear(inUse);
  }

  async createContainer(sandboxId: string, spec: ContainerSpec): Promise<string> {
    const sandbox = await this.sandboxOf(uidOf(sandboxId));
    if (sandbox === undefined) throw new RuntimeFailure("CreateContainerError", `there is no sandbox ${sandboxId}`);
    const image = await this.#images.find({ image: spec.image, policy: "Never" });
    const container = await this.#container(sandbox, spec, image).catch((error: Error) => {
      throw error instanceof RuntimeFailure ? error : new RuntimeFailure("CreateContainerError", error.message);
    });
    await this.keeper.ask({ op: "create", container });
    return container.observed.id;
  }

  override async resizeContainer(id: string, size: ContainerSize): Promise<void> {
    const sandbox = await this.sandboxOf(id.slice(0, id.indexOf("_")));
    const run = (await this.containersOf(sandbox?.spec.uid ?? "")).find((each) => each.id === id);
    if (sandbox === undefined || run === undefined) throw new RuntimeFailure("ResizeError", `there is no container ${id}`);
    try {
      await this.#machine.groups?.resize(sandbox.spec, run, size);
    } catch (error) {
      throw new RuntimeFailure("ResizeError", (error as Error).message);
    }
    await super.resizeContainer(id, size);
  }

  async #container(sandbox: OwnSandbox, spec: ContainerSpec, image: RootedImage): Promise<KeptSpec> {
    const { oci, tools, groups } = this.#machine;
    const { uid } = sandbox.spec;
    const { entry } = image;
    const prepared = await prepareContainer({
      directory: join(this.directory, uid),
      sandbox: { ...sandbox.spec, id: sandbox.id },
      spec,
      entry,
      applets: image.applets?.target,
      isolation: "mount-namespace",
      tools,
      now_ms: this.clock.now_ms(),
    });
    const { directory, subPaths, kept, mounts } = prepared;
    const shared = sharedBinds(mounts.filter(isShared).map(({ source }) => source));
    const { id } = kept.observed;
    const overlay = {
      lower: entry.root ?? "/",
      upper: join(directory, "upper"),
      work: join(directory, "work"),
      at: join(directory, "root"),
    };
    const bundle = join(directory, "bundle");
    for (const path of [overlay.upper, overlay.work, overlay.at, bundle]) await mkdir(path, { recursive: true });
    const atPlaces = mounts.map((mount) => (isShared(mount) ? { ...mount, source: placeOf(mount.source, shared) } : mount));
    const wanted = await this.#wanted(sandbox, spec, { ...prepared, mounts: atPlaces }, image, overlay.at);
    await writeFile(join(bundle, "config.json"), JSON.stringify(ociConfig(wanted)));
    const cgroup = groups?.makeContainer(sandbox.spec, spec);
    const commands = ociCommands({
      oci,
      tools,
      id,
      bundle,
      state: this.#stateOf(uid),
      errorLog: join(directory, "runtime.log"),
      overlay,
      subPaths,
      shared,
      cgroup,
      process: ociProcess(wanted),
      limits: entry.limits,
      sharesProcesses: sandbox.spec.hostPID || sandbox.spec.sharesProcesses || spec.target !== undefined,
    });
    return { ...kept, ...commands, ...(cgroup === undefined ? {} : { cgroup }) };
  }

  async #wanted(sandbox: OwnSandbox, spec: ContainerSpec, prepared: Prepared, image: RootedImage, root: string): Promise<OciWanted> {
    const { oci, capabilities: own, groups } = this.#machine;
    const { hostNetwork, hostIPC, uid } = sandbox.spec;
    const { security, size, qosClass, tty } = spec;
    const { command, env, workingDir, user, mounts } = prepared;
    const { applets, entry } = image;
    const held = (type: string): NamespaceFrom => ({ path: `/proc/${sandbox.pid}/ns/${type}` });
    const isManaged = oci.keeps && groups !== undefined;
    const capabilities = ociCapabilities(security, own, isManaged || groups?.limitsDevices === true);
    return {
      command,
      env,
      workingDir,
      user,
      tty,
      root,
      mounts: applets === undefined ? mounts : [...mounts, { ...applets, isDirectory: true, readOnly: true }],
      sharedMemory: hostIPC ? "/dev/shm" : await this.#madeSharedMemory(uid),
      security,
      capabilities,
      devices: security.isPrivileged ? machineDevices() : [],
      volumeDevices: volumeDevices(spec.mounts),
      oomScore: this.#oomScore(qosClass, size.requests.memory ?? 0),
      namespaces: {
        network: hostNetwork ? "machine" : held("net"),
        uts: hostNetwork ? "machine" : held("uts"),
        ipc: hostIPC ? "machine" : held("ipc"),
        pid: await this.#processesFor(sandbox, spec),
      },
      cgroupsPath: isManaged ? groups.pathOf(sandbox.spec, spec) : undefined,
      seccomp: await this.#seccomp(spec, capabilities),
      // What Troupe keeps is not for who sees the machine's files.
      hidden: entry.root === undefined ? [join(this.directory, "..")] : [],
      begun: begunHook(tty),
    };
  }

  async #processesFor({ spec: { hostPID, sharesProcesses, uid }, pid }: OwnSandbox, { target }: ContainerSpec): Promise<NamespaceFrom> {
    if (hostPID) return "machine";
    if (sharesProcesses) return { path: `/proc/${pid}/ns/pid_for_children` };
    if (target === undefined) return "own";
    const run = (await this.containersOf(uid)).find(({ name, state }) => name === target && state === "running");
    if (run === undefined) throw new RuntimeFailure("CreateContainerError", `unable to find target container ${JSON.stringify(target)}`);
    const { oci, tools } = this.#machine;
    const { pid: ofTarget } = await ociState({ oci, tools, state: this.#stateOf(uid) }, run.id);
    return { path: `/proc/${ofTarget}/ns/pid` };
  }

  async #seccomp({ security: { seccomp } }: ContainerSpec, capabilities: readonly string[]): Promise<object | undefined> {
    if (seccomp.type === "Unconfined") return undefined;
    const profile = seccomp.type === "Localhost" ? await localhostProfile(this.#seccompDirectory, seccomp.path) : this.#machine.seccomp;
    return profile === undefined ? undefined : ociSeccomp(profile, capabilities);
  }

  /** Who may not make anybody less willing to be killed than it is leaves it at that. */
  #oomScore(qosClass: QosClass, memoryRequest_bytes: number): number {
    const score = oomScoreOf(qosClass, memoryRequest_bytes, totalmem());
    if (this.#machine.capabilities.includes("SYS_RESOURCE")) return score;
    return Math.max(score, Number(readFileSync("/proc/self/oom_score_adj", "utf8")));
  }

  async #pause(spec: SandboxSpec, sandbox: string): Promise<number> {
    const { uid, attempt } = spec;
    const directory = join(this.directory, uid, "containers", `.sandbox-${attempt}`);
    const log = join(this.directory, uid, "logs", ".sandbox", `${attempt}.log`);
    const { tools, sysctls } = this.#machine;
    const container = pauseContainer({ spec, sandbox, directory, log, tools, sysctls, now_ms: this.clock.now_ms() });
    await this.keeper.ask({ op: "create", container });
    await this.keeper.ask({ op: "start", container: container.observed.id });
    return Number(await readFile(join(directory, PAUSE_PID_FILE), "utf8"));
  }

  /** Ends all that runs in it, and gives up its network. */
  async #end({ id, spec, pid, network }: OwnSandbox): Promise<void> {
    const pause = pauseId(spec);
    const running = (await this.containersOf(spec.uid)).filter(({ state }) => state !== "exited");
    const containers = running.filter((run) => run.id !== pause);
    await Promise.all(containers.map(({ id: container }) => this.keeper.ask({ op: "stop", container, grace_ms: 0 })));
    // Of a process that has ended another one may have the number by now, and a network that is not the pod's.
    const hasNetwork = running.some((run) => run.id === pause);
    if (network !== undefined) await this.#machine.network.remove(attachmentOf(spec, id, hasNetwork ? pid : undefined), network);
    await this.keeper.ask({ op: "stop", container: pause, grace_ms: 0 });
  }

  /** Where crun or runc remembers the pod's containers. */
  #stateOf(uid: string): string {
    return join(this.directory, uid, "oci");
  }

  /** In memory where there is a place for it. No volume can be called so. */
  #sharedMemory(uid: string): string {
    return join(memoryDirectory(this.directory) ?? this.directory, uid, "..shm");
  }

  async #madeSharedMemory(uid: string): Promise<string> {
    const path = this.#sharedMemory(uid);
    await mkdir(path, { recursive: true });
    await chmod(path, SHARED_MODE);
    return path;
  }
}

const isShared = ({ propagation }: Mount): boolean => propagation === "Bidirectional";

const placeOf = (source: string, shared: readonly SharedBind[]): string => shared.find((bind) => bind.source === source)?.at ?? source;

/** `pid`: of the process that holds its namespaces; undefined: there are none any more. */
function attachmentOf({ namespace, name, uid, address }: SandboxSpec, container: string, pid: number | undefined): Attachment {
  return { container, netns: pid === undefined ? "" : `/proc/${pid}/ns/net`, pod: { namespace, name, uid }, address };
}
