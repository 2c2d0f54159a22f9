import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../runtime/mod.ts";
import {
  type ContainerSpec,
  type ImageFound,
  type ImageWanted,
  RuntimeFailure,
  type SandboxObserved,
  type SandboxSpec,
} from "../container-runtime.ts";
import { installApplets } from "./applets.ts";
import { type Catalog, entryFor } from "./catalog.ts";
import { findIsolation, findTools, type Isolation, type Tools } from "./isolation.ts";
import { keptContainer } from "./kept-container-spec.ts";
import { KeptRuntime, type KeptSandbox, observedOf, uidOf } from "./kept-runtime.ts";
import { ETC_DIRECTORY, writeSandboxFiles } from "./sandbox-files.ts";

/**
 * Containers as processes of this machine. No rights are needed. A pod is a directory and an address of its own in 127.0.0.0/8; its processes are the
 * children of the keeper (keeper/), which goes on when Troupe ends. What an image is the catalog says. How far processes are set apart the machine
 * decides: see Isolation.
 */
export class ProcessRuntime extends KeptRuntime<KeptSandbox> {
  readonly name = "process";
  readonly handlers: readonly string[] = [""];
  readonly isolation: Isolation;
  readonly #tools: Tools;
  readonly #catalog: Catalog;
  readonly #applets: ReadonlyMap<string, string>;

  private constructor(options: ProcessOptions, tools: Tools, isolation: Isolation, applets: ReadonlyMap<string, string>) {
    super(options.directory, options.clock);
    this.#catalog = options.catalog;
    this.#tools = tools;
    this.isolation = isolation;
    this.#applets = applets;
  }

  static async begin(options: ProcessOptions): Promise<ProcessRuntime> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const tools = await findTools();
    const isolation = options.isolation ?? (await findIsolation(options.directory, tools));
    return new ProcessRuntime(options, tools, isolation, await installApplets(options.catalog, options.directory));
  }

  async runSandbox(spec: SandboxSpec): Promise<SandboxObserved> {
    this.checkHandler(spec);
    const { uid, attempt } = spec;
    const sandbox: KeptSandbox = { id: `${uid}_${attempt}`, ready: true, spec };
    try {
      await writeSandboxFiles(join(this.directory, uid, ETC_DIRECTORY), spec);
      await this.keep(sandbox);
    } catch (error) {
      throw new RuntimeFailure("CreatePodSandboxError", (error as Error).message);
    }
    return observedOf(sandbox);
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = await this.sandboxOf(uidOf(id));
    if (sandbox?.id === id && sandbox.ready) await this.keep({ ...sandbox, ready: false });
  }

  async removePod(uid: string): Promise<void> {
    await this.keeper.ask({ op: "removePod", uid });
    await rm(join(this.directory, uid), { recursive: true, force: true });
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
    const sandbox = await this.sandboxOf(uidOf(sandboxId));
    if (sandbox === undefined) throw new RuntimeFailure("CreateContainerError", `there is no sandbox ${sandboxId}`);
    const entry = entryFor(this.#catalog, spec.image);
    const container = await keptContainer({
      directory: join(this.directory, sandbox.spec.uid),
      sandbox: { id: sandboxId, ...sandbox.spec },
      spec,
      entry,
      applets: entry?.applets === undefined ? undefined : this.#applets.get(entry.applets),
      isolation: this.isolation,
      tools: this.#tools,
      now_ms: this.clock.now_ms(),
    }).catch((error: Error) => {
      throw error instanceof RuntimeFailure ? error : new RuntimeFailure("CreateContainerError", error.message);
    });
    await this.keeper.ask({ op: "create", container });
    return container.observed.id;
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
