import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { Subscription } from "../../store/view.ts";
import {
  type ContainerObserved,
  type ContainerRuntime,
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
import { CHANNEL, type Ended, Frames } from "../streaming/frames.ts";
import type { StreamAsked, StreamDoor } from "../streaming/stream-door.ts";
import type { ContainerUsage } from "../usage/usage.ts";
import type { KeptUsage } from "./keeper/protocol.ts";
import { KeeperClient } from "./keeper-client.ts";

/** A sandbox, as its pod's directory has it written down. */
export interface KeptSandbox {
  readonly id: string;
  readonly ready: boolean;
  readonly spec: SandboxSpec;
}

/**
 * What the runtimes have in common whose containers are children of the keeper (keeper/), which runs, watches and remembers them, also while no Troupe does. A pod is a
 * directory, and its sandbox a file in it. How a sandbox is made, what an image is, and how a container is launched is each runtime's own.
 */
export abstract class KeptRuntime<Sandbox extends KeptSandbox> implements ContainerRuntime {
  abstract readonly name: string;
  /** Ways in which pods can be run; the usual one has no name. */
  abstract readonly handlers: readonly string[];
  /** Of the pods' files. */
  protected readonly directory: string;
  protected readonly clock: Clock;
  protected readonly keeper: KeeperClient;
  readonly #watchers = new Map<string, Set<() => void>>();
  #usage: ReadonlyMap<string, ContainerUsage> = new Map();
  #measured: { readonly at_ms: number; readonly cpu_ms: ReadonlyMap<string, number> } = { at_ms: 0, cpu_ms: new Map() };
  #measuring: Timer | undefined;

  protected constructor(directory: string, clock: Clock) {
    this.directory = directory;
    this.clock = clock;
    this.keeper = new KeeperClient(directory, (uid) => this.#changed(uid));
    this.#measureLater();
  }

  abstract runSandbox(spec: SandboxSpec): Promise<SandboxObserved>;
  abstract stopSandbox(id: string): Promise<void>;
  abstract removePod(uid: string): Promise<void>;
  abstract ensureImage(image: ImageWanted): Promise<ImageFound>;
  abstract createContainer(sandbox: string, spec: ContainerSpec): Promise<string>;

  async observe(uid: string): Promise<PodObserved> {
    const [sandbox, containers] = await Promise.all([this.sandboxOf(uid), this.containersOf(uid)]);
    return { sandboxes: sandbox === undefined ? [] : [observedOf(sandbox)], containers };
  }

  /** Throws RuntimeFailure. Source for its words: containerd's getSandboxRuntime. */
  protected checkHandler({ handler }: SandboxSpec): void {
    if (!this.handlers.includes(handler))
      throw new RuntimeFailure("CreatePodSandboxError", `no runtime for ${JSON.stringify(handler)} is configured`);
  }

  protected containersOf(uid: string): Promise<readonly ContainerObserved[]> {
    return this.keeper.ask({ op: "observe", uid });
  }

  watch(uid: string, changed: () => void): Subscription {
    const watchers = this.#watchers.get(uid) ?? new Set();
    this.#watchers.set(uid, watchers.add(changed));
    return {
      cancel: () => {
        watchers.delete(changed);
        if (watchers.size === 0) this.#watchers.delete(uid);
      },
    };
  }

  pods(): Promise<readonly string[]> {
    return this.keeper.ask({ op: "pods" });
  }

  async startContainer(id: string): Promise<void> {
    await this.keeper.ask({ op: "start", container: id });
  }

  async stopContainer(id: string, grace_ms: number): Promise<void> {
    await this.keeper.ask({ op: "stop", container: id, grace_ms });
  }

  async removeContainer(id: string): Promise<void> {
    await this.keeper.ask({ op: "remove", container: id });
  }

  async resizeContainer(id: string, { resources }: ContainerSize): Promise<void> {
    await this.keeper.ask({ op: "resized", container: id, resources });
  }

  async exec(id: string, command: readonly string[], { timeout_ms, output_bytes, signal }: ExecLimits): Promise<ExecResult> {
    const socket = await this.keeper.open({ op: "exec", container: id, command, ...OUTPUT_ONLY });
    const frames = new Frames();
    const output: Buffer[] = [];
    let room = output_bytes;
    let status: Ended | undefined;
    let timedOut = false;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const timer =
      timeout_ms === undefined
        ? undefined
        : this.clock.after(timeout_ms, () => {
            timedOut = true;
            socket.destroy();
          });
    const abort = (): void => void socket.destroy();
    signal?.addEventListener("abort", abort);
    socket.on("data", (bytes: Buffer) => {
      for (const { channel, payload } of frames.take(bytes)) {
        if (channel === CHANNEL.status) status = JSON.parse(payload.toString());
        else if (room > 0) {
          output.push(payload.subarray(0, room));
          room -= payload.length;
        }
      }
    });
    socket.once("close", () => end());
    socket.resume();
    await ended;
    timer?.cancel();
    signal?.removeEventListener("abort", abort);
    const printed = Buffer.concat(output).toString();
    if (timedOut) return { exitCode: TIMED_OUT, output: printed, timedOut };
    if (status === undefined) throw new RuntimeFailure("ExecError", "the command was cut off");
    return { exitCode: status.exitCode, output: status.message ?? printed, timedOut };
  }

  async stream(id: string, asked: StreamAsked): Promise<StreamDoor> {
    return this.keeper.door({ ...asked, container: id });
  }

  usage(): ReadonlyMap<string, ContainerUsage> {
    return this.#usage;
  }

  placesOf(uid: string, name: string, attempt: number): { readonly root: string; readonly logs: string } {
    return { root: join(this.directory, uid, "containers", `${name}-${attempt}`), logs: join(this.directory, uid, "logs", name) };
  }

  /** Images are whatever the machine has, and stay. */
  async clearImages(): Promise<void> {}

  /** Containers go on. */
  async close(): Promise<void> {
    this.#measuring?.cancel();
    await this.keeper.close();
  }

  #changed(uid: string): void {
    const told = uid === "" ? [...this.#watchers.values()] : [this.#watchers.get(uid) ?? new Set<() => void>()];
    for (const watchers of told) for (const changed of watchers) changed();
  }

  #measureLater(): void {
    this.#measuring = this.clock.after(MEASURE_MS, () => {
      this.#measure()
        .catch(() => {
          this.#usage = new Map();
        })
        .finally(() => this.#measureLater());
    });
  }

  async #measure(): Promise<void> {
    // Who runs nothing needs no keeper.
    if (this.#watchers.size === 0) return;
    const all = await this.keeper.ask<readonly KeptUsage[]>({ op: "usage" });
    const at_ms = this.clock.monotonic_ms();
    const { at_ms: before_ms, cpu_ms: before } = this.#measured;
    this.#usage = new Map(
      all.map(({ container, name, cpu_ms, memory_bytes, processes = 0 }) => {
        const used_ms = Math.max(0, cpu_ms - (before.get(container) ?? cpu_ms));
        return [container, { name, cpu_nanocores: Math.round((used_ms / (at_ms - before_ms)) * NANO), memory_bytes, processes }];
      }),
    );
    this.#measured = { at_ms, cpu_ms: new Map(all.map(({ container, cpu_ms }) => [container, cpu_ms])) };
  }

  /** Undefined: the pod has none. */
  protected async sandboxOf(uid: string): Promise<Sandbox | undefined> {
    const text = await readFile(join(this.directory, uid, SANDBOX_FILE), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Sandbox);
  }

  protected async keep(sandbox: Sandbox): Promise<void> {
    const path = join(this.directory, sandbox.spec.uid, SANDBOX_FILE);
    await writeFile(`${path}.draft`, JSON.stringify(sandbox), { mode: 0o600 });
    await rename(`${path}.draft`, path);
  }
}

/** A pod's directory is known by it. */
const SANDBOX_FILE = "pod.json";
/** Source: kubelet's housekeeping interval. */
const MEASURE_MS = 10_000;
const NANO = 1e9;
const OUTPUT_ONLY = { stdin: false, stdout: true, stderr: true, tty: false } as const;
/** Exit code of a command that was killed. */
const TIMED_OUT = 137;

export function observedOf({ id, ready, spec: { attempt, address } }: KeptSandbox): SandboxObserved {
  return { id, attempt, ready, address };
}

/** Of a sandbox's ID. */
export function uidOf(id: string): string {
  return id.slice(0, id.lastIndexOf("_"));
}
