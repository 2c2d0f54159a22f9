import type { ConsoleSession } from "../../access/authentication/console-sessions.ts";
import { accessOf, asUser } from "../../joining/command-session.ts";
import type { ApiAccess } from "../../outbound/kubeconfig.ts";
import type { ConsoleFlags } from "./flags.ts";
import { openInBrowser } from "./open-in-browser.ts";

/** The console's address for whoever the kubeconfig is, signed in; a browser is opened where there is a desktop. Throws BootFailure. */
export async function runConsole({ kubeconfig, ttl_ms, opens }: Omit<ConsoleFlags, "format">): Promise<string> {
  const access = accessOf(kubeconfig);
  const token = await tokenOf(access, Math.floor(ttl_ms / 1_000));
  // In the fragment, which browsers send to no server; the page takes it out of the address at once.
  const url = `${access.origin}/console/#token=${encodeURIComponent(token)}`;
  if (opens) await openInBrowser(url);
  return url;
}

/** Of a kubeconfig with a certificate, a session of its user; else its own token. */
async function tokenOf(access: ApiAccess, expirationSeconds: number): Promise<string> {
  if (access.clientCertificate === undefined && access.token !== undefined) return access.token;
  const { token } = await asUser(access, (session) =>
    session.call<ConsoleSession>("POST", "/troupe/console-session", { expirationSeconds }),
  );
  return token;
}
