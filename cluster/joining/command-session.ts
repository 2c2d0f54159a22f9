import { BootFailure } from "../boot/failure.ts";
import { typed } from "../command-line/typed.ts";
import { type ApiAccess, KubeconfigFailure, readKubeconfig } from "../outbound/kubeconfig.ts";
import { ApiRefusal, ApiSilence, type Session, withSession } from "./session.ts";

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const ANOTHER = "name another data directory with --data DIR, or a kubeconfig with --kubeconfig FILE";
const START = `is Troupe running? start it (${typed("up")}), or ${ANOTHER}`;

/** The access that a command has by its kubeconfig. Throws BootFailure with what to do. */
export function accessOf(kubeconfig: string): ApiAccess {
  try {
    return readKubeconfig(kubeconfig);
  } catch (error) {
    if (!(error instanceof KubeconfigFailure)) throw error;
    throw new BootFailure(`${error.message}; ${START}`);
  }
}

/** Runs something with a session of the user of a kubeconfig, for whoever typed a command. Throws BootFailure with what to do. */
export async function asUser<T>(access: ApiAccess, run: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await withSession(access, run);
  } catch (error) {
    const advice = adviceOn(error);
    throw advice === undefined ? error : new BootFailure(`${(error as Error).message}; ${advice}`);
  }
}

function adviceOn(error: unknown): string | undefined {
  if (error instanceof ApiSilence) return START;
  if (!(error instanceof ApiRefusal)) return undefined;
  if (error.status === FORBIDDEN) return "have a role bound to the user that allows it, or be somebody else by --kubeconfig FILE";
  return error.status === UNAUTHORIZED ? `the cluster does not know this user (any more); ${ANOTHER}` : undefined;
}
