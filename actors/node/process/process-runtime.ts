import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { Subscription } from "../../store/view.ts";
import {
  type ContainerObserved,
  type ContainerRuntime,
  type ContainerSpec,
  type ExecLimits,
  type ExecResult,
  type ImageFound,
  type ImageWanted,
  type PodObserved,
  RuntimeFailure,
  type SandboxSpec,
} from "../container-runtime.ts";
import { resolvConfText } from "../dns/resolv-conf.ts";
import { CHANNEL, type Ended, Frames } from "../streaming/frames.ts";
import type { StreamAsked, StreamDoor } from "../streaming/stream-door.ts";
import type { ContainerUsage } from "../usage/usage.ts";
import { type Catalog, entryFor, programNamed } from "./catalog.ts";
import { findIsolation, findTools, type Isolation, type Tools } from "./isolation.ts";
import type { KeptUsage } from "./keeper/protocol.ts";
import { KeeperClient } from "./keeper-client.ts";
import { keptContainer } from "./kept-container-spec.ts";
import { hostsFile } from "./sandbox-files.ts";

/**
 * Containers as processes of this machine. No rights are needed. A pod is a directory and an address of its own in 127.0.0.0/8; its processes are the
 * children of the keeper (keeper/), which goes on when Troupe ends. What an image is the catalog says. How far processes are set apart the machine
 * decides: see Isolation.
 */
export class ProcessRuntime implements ContainerRuntime {
  readonly name = "process";
  readonly isolation: Isolation;
  readonly #directory: string;
  readonly #tools: Tools;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #keeper: KeeperClient;
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #applets: ReadonlyMap<string, string>;
  #usage: ReadonlyMap<string, ContainerUsage> = new Map();
  #measured: { readonly at_ms: number; readonly cpu_ms: ReadonlyMap<string, number> } = { at_ms: 0, cpu_ms: new Map() };
  #measuring: Timer | undefined;

  private constructor(options: ProcessOptions, tools: Tools, isolation: Isolation, applets: ReadonlyMap<string, string>) {
    this.#directory = options.directory;
    this.#catalog = options.catalog;
    this.#clock = options.clock;
    this.#tools = tools;
    this.isolation = isolation;
    this.#applets = applets;
    this.#keeper = new KeeperClient(options.directory, (uid) => this.#changed(uid));
    this.#measureLater();
  }

  static async begin(options: ProcessOptions): Promise<ProcessRuntime> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const tools = await findTools();
    const isolation = options.isolation ?? (await findIsolation(options.directory, tools));
    return new ProcessRuntime(options, tools, isolation, await installApplets(options));
  }

  async observe(uid: string): Promise<PodObserved> {
    const [sandbox, containers] = await Promise.all([
      this.#sandbox(uid),
      this.#keeper.ask<readonly ContainerObserved[]>({ op: "observe", uid }),
    ]);
    const sandboxes = sandbox === undefined ? [] : [{ id: sandbox.id, attempt: sandbox.spec.attempt, ready: sandbox.ready }];
    return { sandboxes, containers };
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
    return this.#keeper.ask({ op: "pods" });
  }

  async runSandbox(spec: SandboxSpec): Promise<string> {
    const { uid, attempt, hostname } = spec;
    const etc = join(this.#directory, uid, "etc");
    const sandbox: Sandbox = { id: `${uid}_${attempt}`, ready: true, spec };
    try {
      await mkdir(etc, { recursive: true, mode: 0o755 });
      await Promise.all([
        writeFile(join(etc, "hosts"), await hostsFile(spec), { mode: 0o644 }),
        writeFile(join(etc, "resolv.conf"), resolvConfText(spec.dns), { mode: 0o644 }),
        writeFile(join(etc, "hostname"), `${hostname}\n`, { mode: 0o644 }),
      ]);
      await this.#keep(sandbox);
    } catch (error) {
      throw new RuntimeFailure("CreatePodSandboxError", (error as Error).message);
    }
    return sandbox.id;
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = await this.#sandbox(uidOf(id));
    if (sandbox?.id === id && sandbox.ready) await this.#keep({ ...sandbox, ready: false });
  }

  async removePod(uid: string): Promise<void> {
    await this.#keeper.ask({ op: "removePod", uid });
    await rm(join(this.#directory, uid), { recursive: true, force: true });
  }

  async ensureImage({ image, policy, hasCommand }: ImageWanted): Promise<ImageFound> {
    const entry = entryFor(this.#catalog, image);
    if (entry !== undefined) return { id: `catalog/${entry.name}`, present: true };
    if (hasCommand) return { id: "machine", present: true };
    if (policy === "Never") {
      throw new RuntimeFailure("ErrImageNeverPull", `Container image ${JSON.stringify(image)} is not present with pull policy of Never`);
    }
    const told = `the catalog has no image ${JSON.stringify(image)}: name it in the file that is given with --catalog, or give the container a command, which is then run as it is`;
    throw new RuntimeFailure("ErrImagePull", told);
  }

  async createContainer(sandboxId: string, spec: ContainerSpec): Promise<string> {
    const sandbox = await this.#sandbox(uidOf(sandboxId));
    if (sandbox === undefined) throw new RuntimeFailure("CreateContainerError", `there is no sandbox ${sandboxId}`);
    const entry = entryFor(this.#catalog, spec.image);
    const container = await keptContainer({
      directory: join(this.#directory, sandbox.spec.uid),
      sandbox: { id: sandboxId, ...sandbox.spec },
      spec,
      entry,
      applets: entry?.applets === undefined ? undefined : this.#applets.get(entry.applets),
      isolation: this.isolation,
      tools: this.#tools,
      now_ms: this.#clock.now_ms(),
    }).catch((error: Error) => {
      throw error instanceof RuntimeFailure ? error : new RuntimeFailure("CreateContainerError", error.message);
    });
    await this.#keeper.ask({ op: "create", container });
    return container.observed.id;
  }

  async startContainer(id: string): Promise<void> {
    await this.#keeper.ask({ op: "start", container: id });
  }

  async stopContainer(id: string, grace_ms: number): Promise<void> {
    await this.#keeper.ask({ op: "stop", container: id, grace_ms });
  }

  async removeContainer(id: string): Promise<void> {
    await this.#keeper.ask({ op: "remove", container: id });
  }

  async exec(id: string, command: readonly string[], { timeout_ms, output_bytes, signal }: ExecLimits): Promise<ExecResult> {
    const socket = await this.#keeper.open({ op: "exec", container: id, command, ...OUTPUT_ONLY });
    const frames = new Frames();
    const output: Buffer[] = [];
    let room = output_bytes;
    let status: Ended | undefined;
    let timedOut = false;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const timer =
      timeout_ms === undefined
        ? undefined
        : this.#clock.after(timeout_ms, () => {
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
    return this.#keeper.door({ ...asked, container: id });
  }

  usage(): ReadonlyMap<string, ContainerUsage> {
    return this.#usage;
  }

  /** Containers go on. */
  async close(): Promise<void> {
    this.#measuring?.cancel();
    await this.#keeper.close();
  }

  #changed(uid: string): void {
    const told = uid === "" ? [...this.#watchers.values()] : [this.#watchers.get(uid) ?? new Set<() => void>()];
    for (const watchers of told) for (const changed of watchers) changed();
  }

  #measureLater(): void {
    this.#measuring = this.#clock.after(MEASURE_MS, () => {
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
    const all = await this.#keeper.ask<readonly KeptUsage[]>({ op: "usage" });
    const at_ms = this.#clock.monotonic_ms();
    const { at_ms: before_ms, cpu_ms: before } = this.#measured;
    this.#usage = new Map(
      all.map(({ container, name, cpu_ms, memory_bytes }) => {
        const used_ms = Math.max(0, cpu_ms - (before.get(container) ?? cpu_ms));
        return [container, { name, cpu_nanocores: Math.round((used_ms / (at_ms - before_ms)) * NANO), memory_bytes }];
      }),
    );
    this.#measured = { at_ms, cpu_ms: new Map(all.map(({ container, cpu_ms }) => [container, cpu_ms])) };
  }

  async #sandbox(uid: string): Promise<Sandbox | undefined> {
    const text = await readFile(join(this.#directory, uid, SANDBOX_FILE), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Sandbox);
  }

  async #keep(sandbox: Sandbox): Promise<void> {
    const path = join(this.#directory, sandbox.spec.uid, SANDBOX_FILE);
    await writeFile(`${path}.draft`, JSON.stringify(sandbox), { mode: 0o600 });
    await rename(`${path}.draft`, path);
  }
}

export interface ProcessOptions {
  /** Of the pods' files. */
  readonly directory: string;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Undefined: the best that the machine allows. */
  readonly isolation?: Isolation;
}

interface Sandbox {
  readonly id: string;
  readonly ready: boolean;
  readonly spec: SandboxSpec;
}

/** A pod's directory is known by it. */
const SANDBOX_FILE = "pod.json";
/** Source: kubelet's housekeeping interval. */
const MEASURE_MS = 10_000;
const NANO = 1e9;
const OUTPUT_ONLY = { stdin: false, stdout: true, stderr: true, tty: false } as const;
/** Exit code of a command that was killed. */
const TIMED_OUT = 137;

/** Of a sandbox's ID. */
function uidOf(id: string): string {
  return id.slice(0, id.lastIndexOf("_"));
}

/** Where the links of each program of the catalog that is many programs are. */
async function installApplets({ catalog, directory }: ProcessOptions): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { applets } of catalog.values()) {
    const program = applets === undefined || places.has(applets) ? undefined : programNamed(applets);
    if (applets === undefined || program === undefined) continue;
    const place = join(directory, "..", "applets", applets.replaceAll("/", "_"));
    await mkdir(place, { recursive: true, mode: 0o755 });
    await promisify(execFile)(program, ["--install", "-s", place]).catch(() => {});
    places.set(applets, place);
  }
  return places;
}
