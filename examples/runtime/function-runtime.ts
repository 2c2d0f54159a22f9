import { appendFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
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
} from "../../actors/node/container-runtime.ts";
import type { StreamDoor } from "../../actors/node/streaming/stream-door.ts";
import type { ContainerUsage } from "../../actors/node/usage/usage.ts";
import type { Subscription } from "../../actors/store/view.ts";
import type { Clock } from "../../runtime/mod.ts";

/** What a container does: its exit code is what it resolves with. `stop` is aborted when it is to end. */
export type Program = (container: {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stop: AbortSignal;
  readonly print: (line: string) => void;
}) => Promise<number>;

interface Container {
  readonly spec: ContainerSpec;
  readonly stop: AbortController;
  observed: ContainerObserved;
  ended: Promise<void>;
}

/** A runtime whose images are functions of this process: the least that pods need to live. Its containers end with Troupe, unlike those of a runtime for work that matters. */
export class FunctionRuntime implements ContainerRuntime {
  readonly name = "function";
  readonly #images: Readonly<Record<string, Program>>;
  readonly #logs: string;
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, SandboxObserved & { readonly uid: string }>();
  readonly #containers = new Map<string, Container>();
  readonly #watchers = new Map<string, Set<() => void>>();

  constructor({ images, logs, clock }: { images: Readonly<Record<string, Program>>; logs: string; clock: Clock }) {
    this.#images = images;
    this.#logs = logs;
    this.#clock = clock;
  }

  async observe(uid: string): Promise<PodObserved> {
    const sandboxes = [...this.#sandboxes.values()].filter((sandbox) => sandbox.uid === uid);
    const containers = [...this.#containers.values()].map(({ observed }) => observed).filter(({ sandbox }) => this.#uidOf(sandbox) === uid);
    return { sandboxes: sandboxes.reverse(), containers: containers.reverse() };
  }

  watch(uid: string, changed: () => void): Subscription {
    const watchers = this.#watchers.get(uid) ?? new Set();
    this.#watchers.set(uid, watchers.add(changed));
    return { cancel: () => void watchers.delete(changed) };
  }

  async pods(): Promise<readonly string[]> {
    return [...new Set([...this.#sandboxes.values()].map(({ uid }) => uid))];
  }

  async runSandbox({ uid, attempt, address }: SandboxSpec): Promise<SandboxObserved> {
    const sandbox = { id: `${uid}.${attempt}`, uid, attempt, address, ready: true };
    mkdirSync(join(this.#logs, uid), { recursive: true });
    this.#sandboxes.set(sandbox.id, sandbox);
    return sandbox;
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    const containers = [...this.#containers.values()].filter(({ observed }) => observed.sandbox === id);
    await Promise.all(containers.map(({ observed }) => this.stopContainer(observed.id)));
    this.#sandboxes.set(id, { ...sandbox, ready: false });
  }

  async removePod(uid: string): Promise<void> {
    for (const sandbox of this.#sandboxes.values()) {
      if (sandbox.uid !== uid) continue;
      await this.stopSandbox(sandbox.id);
      this.#sandboxes.delete(sandbox.id);
      for (const [id, { observed }] of this.#containers) if (observed.sandbox === sandbox.id) this.#containers.delete(id);
    }
    rmSync(join(this.#logs, uid), { recursive: true, force: true });
  }

  async ensureImage({ image }: ImageWanted): Promise<ImageFound> {
    if (!Object.hasOwn(this.#images, image)) throw new RuntimeFailure("ErrImagePull", `there is no function ${image}`);
    return { id: image, present: true };
  }

  async createContainer(sandbox: string, spec: ContainerSpec): Promise<string> {
    const id = `${sandbox}.${spec.name}.${spec.attempt}`;
    const observed: ContainerObserved = {
      ...NOT_BEGUN,
      id,
      sandbox,
      name: spec.name,
      attempt: spec.attempt,
      image: spec.image,
      imageId: spec.imageId,
      createdAt_ms: this.#clock.now_ms(),
      logPath: join(this.#logs, this.#uidOf(sandbox), `${spec.name}.${spec.attempt}.log`),
      resources: spec.size.resources,
    };
    this.#containers.set(id, { spec, observed, stop: new AbortController(), ended: Promise.resolve() });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#container(id);
    const { spec, stop, observed } = container;
    const program = this.#images[spec.imageId];
    if (program === undefined) throw new RuntimeFailure("RunContainerError", `there is no function ${spec.imageId} any more`);
    this.#now(container, { state: "running", startedAt_ms: this.#clock.now_ms() });
    const env = Object.fromEntries(spec.env.map(({ name, value }) => [name, value]));
    // A line of CRI's log format.
    const print = (line: string): void =>
      appendFileSync(observed.logPath, `${new Date(this.#clock.now_ms()).toISOString()} stdout F ${line}\n`);
    container.ended = program({ args: spec.args ?? [], env, stop: stop.signal, print }).then(
      (exitCode) => this.#exited(container, exitCode, ""),
      (error: Error) => this.#exited(container, 1, error.message),
    );
  }

  /** A function cannot be killed: who does not listen to `stop` is waited for. */
  async stopContainer(id: string): Promise<void> {
    const { stop, ended } = this.#container(id);
    stop.abort();
    await ended;
  }

  async removeContainer(id: string): Promise<void> {
    const { observed } = this.#container(id);
    this.#containers.delete(id);
    rmSync(observed.logPath, { force: true });
  }

  /** Nobody holds a function to anything; what it may take is said all the same. */
  async resizeContainer(id: string, { resources }: ContainerSize): Promise<void> {
    this.#now(this.#container(id), { resources });
  }

  async exec(): Promise<ExecResult> {
    throw new RuntimeFailure("ExecError", "a function has no commands beside its own");
  }

  async stream(): Promise<StreamDoor> {
    throw new RuntimeFailure("ExecError", "a function has no streams");
  }

  usage(): ReadonlyMap<string, ContainerUsage> {
    return new Map();
  }

  #exited(container: Container, exitCode: number, message: string): void {
    const reason = exitCode === 0 ? "Completed" : "Error";
    this.#now(container, { state: "exited", finishedAt_ms: this.#clock.now_ms(), exitCode, reason, message });
  }

  /** The pod's worker hears that something has changed, and looks. */
  #now(container: Container, changes: Partial<ContainerObserved>): void {
    container.observed = { ...container.observed, ...changes };
    for (const changed of this.#watchers.get(this.#uidOf(container.observed.sandbox)) ?? []) changed();
  }

  #container(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new RuntimeFailure("RuntimeUnavailable", `there is no container ${id}`);
    return container;
  }

  #uidOf(sandbox: string): string {
    return sandbox.slice(0, sandbox.lastIndexOf("."));
  }
}
