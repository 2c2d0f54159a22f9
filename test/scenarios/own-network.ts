import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";

/** A network namespace of a test's own, with loopback and nothing else: what is done to the network in it is seen nowhere else. Takes root. */
export class OwnNetwork {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async make(): Promise<OwnNetwork> {
    const script = "ip link set lo up && echo up && exec sleep infinity";
    const holder = spawn("/usr/bin/unshare", ["--net", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [first] = await once(holder.stdout, "data");
    if (String(first).trim() !== "up") throw new Error(`no network namespace: ${first}`);
    return new OwnNetwork(holder);
  }

  /** Why this machine gives a test none; undefined: it does. */
  static async refusal(): Promise<string | undefined> {
    try {
      (await OwnNetwork.make()).end();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** What goes before a command so that it runs in here. */
  get words(): readonly string[] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`, "--"];
  }

  /** Of what holds it. */
  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** What a program in here prints. Throws when it fails. */
  run(program: string, ...args: readonly string[]): string {
    const [first = "", ...words] = [...this.words, program, ...args];
    return execFileSync(first, words, { encoding: "utf8" });
  }

  /** Makes `path` a program that runs another one in here. */
  wrap(path: string, program: string): string {
    writeFileSync(path, `#!/bin/sh\nexec ${this.words.join(" ")} '${program}' "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  end(): void {
    this.#holder.kill("SIGKILL");
  }
}
