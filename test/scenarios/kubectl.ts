import { until } from "../../cluster/chaos/until.ts";
import { ClientProgram, type RunOptions } from "./client-program.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import type { Ended } from "./run-program.ts";

const TERMINAL_S_MAX = 150;

/** The real kubectl: 1.35 where no other is asked for. */
export class Kubectl extends ClientProgram {
  readonly #binary: string;
  readonly #terminal: ClientProgram;

  constructor(kubeconfig: string, home: string, binary: string = kubectlBinary()) {
    super(binary, kubeconfig, home);
    this.#binary = binary;
    this.#terminal = new ClientProgram("script", kubeconfig, home);
  }

  /**
   * Runs it in a terminal of 111 by 40, as a shell reads `words`; what is printed is what the terminal shows, with the ends of its lines as elsewhere. Where nothing is
   * typed nobody says that it has ended: `script` says that with what may be a NUL by the time it is read, and the terminal shows it. `meanwhile` runs in the terminal, too.
   * What does not end is ended, with code 124, so that whoever reads of it sees how far it came.
   */
  async inTerminal(words: string, { stdin = null, env = {}, meanwhile = ":" }: InTerminal = {}): Promise<Ended> {
    const command = `stty rows 40 cols 111; (${meanwhile}) & timeout --foreground ${TERMINAL_S_MAX} ${this.#binary} ${words}`;
    const ended = await this.#terminal.run(["-qec", command, "/dev/null"], { stdin, env });
    return { ...ended, stdout: ended.stdout.replaceAll("\r", "") };
  }

  /** Waits as everybody does for what comes of pods; whoever reads that it did not come reads also what pods and events there were. */
  async until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
    try {
      return await until(what, probe);
    } catch (error) {
      const told = await Promise.all([this.run(["get", "pods", "-A", "-o", "wide"]), this.run(["events", "-A"])]);
      throw new Error([(error as Error).message, ...told.map(({ stdout, stderr }) => stdout + stderr)].join("\n"));
    }
  }
}

export interface InTerminal extends RunOptions {
  readonly meanwhile?: string;
}
