import { ClientProgram } from "./client-program.ts";
import { kubectlBinary } from "./layer-binaries.ts";

/** The real kubectl: 1.35 where no other is asked for. */
export class Kubectl extends ClientProgram {
  constructor(kubeconfig: string, home: string, binary: string = kubectlBinary()) {
    super(binary, kubeconfig, home);
  }
}
