import { ClientProgram, type RunOptions } from "./client-program.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import type { Ended } from "./run-program.ts";

/** The real kubectl: 1.35 where no other is asked for. */
export class Kubectl extends ClientProgram {
  readonly #binary: string;
  readonly #terminal: ClientProgram;

  constructor(kubeconfig: string, home: string, binary: string = kubectlBinary()) {
    super(binary, kubeconfig, home);
    this.#binary = binary;
    this.#terminal = new ClientProgram("script", kubeconfig, home);
  }

  /** Runs it in a terminal of 111 by 40, as a shell reads `words`; what is printed is what the terminal shows. */
  inTerminal(words: string, options?: RunOptions): Promise<Ended> {
    return this.#terminal.run(["-qec", `stty rows 40 cols 111; ${this.#binary} ${words}`, "/dev/null"], options);
  }
}
