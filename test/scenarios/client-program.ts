import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { type Ended, runProgram } from "./run-program.ts";

/** Decides nothing but when to give up. */
const LINE_PATIENCE_MS = 100_000;

export interface RunOptions {
  /** Null: nothing, and it does not end. */
  readonly stdin?: string | null;
  readonly env?: NodeJS.ProcessEnv;
}

/** A program that keeps printing (`get -w`). */
export interface Following {
  /** Resolves with the first line, printed by now or later, that matches. */
  line(match: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** A real client of the API, for one cluster, with a home of its own so that nothing it remembers comes from another. */
export class ClientProgram {
  readonly #binary: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(binary: string, kubeconfig: string, home: string) {
    this.#binary = binary;
    this.#env = { ...process.env, KUBECONFIG: kubeconfig, HOME: home, KUBECACHEDIR: join(home, ".kube/cache") };
  }

  get name(): string {
    return basename(this.#binary);
  }

  /** Runs it to its end, whatever its exit code. */
  run(args: readonly string[], { stdin = "", env = {} }: RunOptions = {}): Promise<Ended> {
    return runProgram(this.#binary, args, { ...this.#env, ...env }, stdin);
  }

  /** Runs it, it must succeed, and gives what it printed on standard output, trimmed. */
  async ok(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`${this.name} ${args.join(" ")} ended with ${code}:\n${stderr}${stdout}`);
    return stdout.trim();
  }

  /** Runs it, it must fail, and gives what it printed on standard error, trimmed. */
  async refused(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code === 0) throw new Error(`${this.name} ${args.join(" ")} was not refused:\n${stdout}`);
    return stderr.trim();
  }

  /** What it printed when it succeeded, parsed; `-o json` is added. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, "-o", "json"])) as T;
  }

  /** Starts one that goes on printing. */
  follow(args: readonly string[], { env = {} }: Pick<RunOptions, "env"> = {}): Following {
    const child = spawn(this.#binary, args, { env: { ...this.#env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const command = `${this.name} ${args.join(" ")}`;
    let printed = "";
    let stderr = "";
    const waiting = new Set<() => void>();
    const grow = (): void => {
      for (const look of waiting) look();
    };
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      grow();
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    return {
      line: (match) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            const found = printed.split("\n").find((line) => match.test(line));
            if (found === undefined) return;
            waiting.delete(look);
            resolve(found);
          };
          waiting.add(look);
          setTimeout(() => {
            reject(new Error(`${command} printed no line like ${match} in ${LINE_PATIENCE_MS / 1000} s:\n${printed}${stderr}`));
          }, LINE_PATIENCE_MS).unref();
          look();
          void ended.then(() => reject(new Error(`${command} ended without a line like ${match}:\n${printed}${stderr}`)));
        }),
      stop: async () => {
        child.kill("SIGTERM");
        await ended;
      },
    };
  }
}
