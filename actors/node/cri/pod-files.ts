import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ResourceRequirements } from "../../kinds/generated/types.ts";
import type { SandboxSpec } from "../container-runtime.ts";
import { logFileOf } from "./container-config.ts";

/** A run of a container. */
interface Run {
  readonly name: string;
  readonly attempt: number;
}

const LOGS = "logs";
/** What its sandbox was made of. */
const SANDBOX_FILE = "pod.json";
/** What a container was resized to. */
const RESOURCES_FILE = "resources.json";

/** The files of pods of which the runtime knows the rest: each pod has a directory by its UID. */
export class PodFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  podDirectory(uid: string): string {
    return join(this.#directory, uid);
  }

  /** Of the pod's logs. */
  logDirectory(uid: string): string {
    return join(this.podDirectory(uid), LOGS);
  }

  containerDirectory(uid: string, { name, attempt }: Run): string {
    return join(this.podDirectory(uid), "containers", `${name}-${attempt}`);
  }

  logFile(uid: string, run: Run): string {
    return join(this.logDirectory(uid), logFileOf(run));
  }

  async makeLogDirectory(uid: string, run?: Run): Promise<void> {
    const path = run === undefined ? this.logDirectory(uid) : dirname(this.logFile(uid, run));
    await mkdir(path, { recursive: true, mode: 0o755 });
  }

  async keepSandbox(spec: SandboxSpec): Promise<void> {
    await write(join(this.podDirectory(spec.uid), SANDBOX_FILE), spec);
  }

  /** Undefined: it has none. */
  sandbox(uid: string): Promise<SandboxSpec | undefined> {
    return read(join(this.podDirectory(uid), SANDBOX_FILE));
  }

  async keepResources(uid: string, run: Run, resources: ResourceRequirements): Promise<void> {
    await write(join(this.containerDirectory(uid, run), RESOURCES_FILE), resources);
  }

  /** Undefined: it was not resized. */
  resources(uid: string, run: Run): Promise<ResourceRequirements | undefined> {
    return read(join(this.containerDirectory(uid, run), RESOURCES_FILE));
  }
}

async function write(path: string, value: object): Promise<void> {
  await writeFile(`${path}.draft`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${path}.draft`, path);
}

async function read<Value>(path: string): Promise<Value | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}
