import { type ApiAccess, KubeconfigFailure, readKubeconfig as read } from "../../cluster/outbound/kubeconfig.ts";
import { BenchFailure } from "../failure.ts";

export type { ApiAccess };

/** Reads the access that a kubeconfig gives by its current context. Throws BenchFailure. */
export function readKubeconfig(path: string): ApiAccess {
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof KubeconfigFailure)) throw error;
    throw new BenchFailure(`${error.message}; put it right, or name another with --kubeconfig FILE`);
  }
}
