import {
  type ContainerObserved,
  type ContainerRuntime,
  type ContainerSize,
  type ContainerSpec,
  type ExecResult,
  type ImageFound,
  type ImageWanted,
  NOT_BEGUN,
  type PodObserved,
  RuntimeFailure,
  type SandboxObserved,
  type SandboxSpec,
} from "../../../../actors/node/container-runtime.ts";
import type { StreamAsked, StreamDoor } from "../../../../actors/node/streaming/stream-door.ts";
import type { ContainerUsage } from "../../../../actors/node/usage/usage.ts";
import type { Subscription } from "../../../../actors/store/view.ts";
import type { Clock } from "../../../../runtime/mod.ts";

type Run = { -readonly [key in keyof ContainerObserved]: ContainerObserved[key] };

/** How a run of a container goes; without one it runs until it is stopped, and ends at once then. */
export interface Script {
  /** It exits by itself after so long. */
  readonly run_ms?: number;
  readonly exitCode?: number;
  /** From SIGTERM to its end; `Infinity`: it does not listen. */
  readonly stop_ms?: number;
  /** It cannot be started. */
  readonly refused?: string;
}

/** A runtime in which containers do what they are told to. `did` is all that was asked of it that changes something. */
export class ScriptedRuntime implements ContainerRuntime {
  readonly name = "scripted";
  readonly did: string[] = [];
  /** How many workers there have been. */
  workers = 0;
  readonly specs: Map<string, ContainerSpec> = new Map();
  /** By the container's name: its first run, its second, ...; the last goes on for all after. */
  readonly scripts: Map<string, readonly Script[]> = new Map();
  /** What commands in a container come to. */
  exits: (id: string, command: string) => number = () => 0;
  readonly missing: Set<string> = new Set();
  /** Containers that cannot be resized. */
  readonly tooSmall: Set<string> = new Set();
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, SandboxObserved>();
  readonly #runs: Run[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #whenExited = new Map<string, readonly (() => void)[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async observe(uid: string): Promise<PodObserved> {
    const sandbox = this.#sandboxes.get(uid);
    return {
      sandboxes: sandbox === undefined ? [] : [sandbox],
      containers: this.#runs
        .filter((run) => run.sandbox.startsWith(uid))
        .reverse()
        .map((run) => ({ ...run })),
    };
  }

  watch(_uid: string, changed: () => void): Subscription {
    this.workers++;
    this.#watchers.add(changed);
    return { cancel: () => this.#watchers.delete(changed) };
  }

  pods = async (): Promise<readonly string[]> => [...this.#sandboxes.keys()];

  async runSandbox({ uid, attempt, address }: SandboxSpec): Promise<SandboxObserved> {
    this.did.push("sandbox");
    const sandbox = { id: `${uid}/${attempt}`, attempt, ready: true, address };
    this.#sandboxes.set(uid, sandbox);
    return sandbox;
  }

  async stopSandbox(id: string): Promise<void> {
    this.did.push("stop sandbox");
    for (const [uid, sandbox] of this.#sandboxes) if (sandbox.id === id) this.#sandboxes.set(uid, { ...sandbox, ready: false });
  }

  async removePod(uid: string): Promise<void> {
    this.did.push("remove pod");
    this.#sandboxes.delete(uid);
    this.#runs.splice(0, this.#runs.length, ...this.#runs.filter(({ sandbox }) => !sandbox.startsWith(uid)));
  }

  async ensureImage({ image }: ImageWanted): Promise<ImageFound> {
    if (this.missing.has(image)) throw new RuntimeFailure("ErrImagePull", "nobody has it");
    return { id: `id of ${image}`, present: true };
  }

  async createContainer(sandbox: string, spec: ContainerSpec): Promise<string> {
    const id = `${spec.name}-${spec.attempt}`;
    this.specs.set(id, spec);
    this.#runs.push({
      ...NOT_BEGUN,
      id,
      sandbox,
      name: spec.name,
      attempt: spec.attempt,
      image: spec.image,
      imageId: spec.imageId,
      createdAt_ms: this.#clock.now_ms(),
      logPath: "",
      resources: spec.size.resources,
    });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    this.did.push(`start ${id}`);
    const { refused, run_ms, exitCode = 0 } = this.#scriptOf(id);
    if (refused !== undefined) {
      this.exit(id, 128, "ContainerCannotRun", refused);
      throw new RuntimeFailure("RunContainerError", refused);
    }
    const run = this.#run(id);
    run.state = "running";
    run.startedAt_ms = this.#clock.now_ms();
    if (run_ms !== undefined) this.#clock.after(run_ms, () => this.exit(id, exitCode));
    this.#changed();
  }

  stopContainer(id: string, grace_ms: number): Promise<void> {
    this.did.push(`stop ${id} ${grace_ms / 1_000}s`);
    const { stop_ms = 0 } = this.#scriptOf(id);
    this.#clock.after(Math.min(stop_ms, grace_ms), () => this.exit(id, stop_ms < grace_ms ? 143 : 137));
    return new Promise((resolve) => this.#whenExited.set(id, [...(this.#whenExited.get(id) ?? []), resolve]));
  }

  async removeContainer(id: string): Promise<void> {
    this.#runs.splice(this.#runs.indexOf(this.#run(id)), 1);
  }

  async resizeContainer(id: string, { resources }: ContainerSize): Promise<void> {
    this.did.push(`resize ${id}`);
    if (this.tooSmall.has(id)) throw new RuntimeFailure("ResizeError", "it uses more");
    this.#run(id).resources = resources;
    this.#changed();
  }

  async stream(id: string, { op }: StreamAsked): Promise<StreamDoor> {
    return { path: "/nowhere", opening: `${op} ${id}` };
  }

  async exec(id: string, command: readonly string[]): Promise<ExecResult> {
    const exitCode = this.exits(id, command.join(" "));
    return { exitCode, output: exitCode === 0 ? "" : `${command.join(" ")} says no`, timedOut: false };
  }

  usage(): ReadonlyMap<string, ContainerUsage> {
    return new Map();
  }

  exit(id: string, exitCode: number, reason: string = exitCode === 0 ? "Completed" : "Error", message = ""): void {
    const run = this.#runs.find((each) => each.id === id);
    if (run === undefined || run.state === "exited") return;
    Object.assign(run, { state: "exited", exitCode, reason, message, finishedAt_ms: this.#clock.now_ms() });
    for (const heard of this.#whenExited.get(id) ?? []) heard();
    this.#changed();
  }

  #changed(): void {
    for (const changed of this.#watchers) changed();
  }

  #run(id: string): Run {
    const run = this.#runs.find((each) => each.id === id);
    if (run === undefined) throw new Error(`there is no ${id}`);
    return run;
  }

  #scriptOf(id: string): Script {
    const { name, attempt } = this.#run(id);
    const scripts = this.scripts.get(name) ?? [];
    return scripts[attempt] ?? scripts.at(-1) ?? {};
  }
}
