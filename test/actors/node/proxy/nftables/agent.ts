import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { OwnNetwork } from "../../../../scenarios/own-network.ts";
import type { Deeds } from "./agent-program.ts";

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** The test's hand in a network namespace: see agent-program.ts. */
export class Agent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;

  constructor(network: OwnNetwork, env: NodeJS.ProcessEnv) {
    const [program = "", ...words] = [...network.words, process.execPath, join(import.meta.dirname, "agent-program.ts")];
    this.#child = spawn(program, words, { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, ...env } });
    this.#child.on("message", ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    this.#child.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the agent has ended"));
      this.#waiting.clear();
    });
    this.#child.on("error", () => {});
  }

  /** Resolves when it listens. */
  async ready(): Promise<this> {
    await this.#answer(0);
    return this;
  }

  do<Name extends keyof Deeds>(name: Name, ...args: Parameters<Deeds[Name]>): Promise<ReturnType<Deeds[Name]>> {
    const id = ++this.#next;
    const answer = this.#answer(id);
    this.#child.send({ id, name, args });
    return answer as Promise<ReturnType<Deeds[Name]>>;
  }

  /** As by `kill -9`. */
  end(): void {
    this.#child.kill("SIGKILL");
  }

  #answer(id: number): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }
}
