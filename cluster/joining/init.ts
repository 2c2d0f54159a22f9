import type { MachineConfig } from "../kubelet/machine-config.ts";
import { readKubeconfig } from "../outbound/kubeconfig.ts";
import { publicKeyOf } from "./discovery.ts";
import { joiningObjects, type Placed } from "./objects.ts";
import { ApiRefusal, type Session, withSession } from "./session.ts";
import { authorityHash, type JoinToken, SECRETS_PATH, secretOf, TOKEN_GROUPS, tokenText } from "./token.ts";

/** Makes it possible to join the cluster of an administrator's kubeconfig, and gives the line by which others do. Throws BootFailure. */
export async function openForJoining(kubeconfig: string, token: JoinToken, ttl_ms: number, config: MachineConfig): Promise<string> {
  const access = readKubeconfig(kubeconfig);
  const authority = access.authority ?? "";
  return withSession(access, async (session) => {
    for (const placed of joiningObjects(access.origin, authority, config)) await make(session, placed);
    const expires_ms = ttl_ms === 0 ? undefined : Date.now() + ttl_ms;
    const use = { expires_ms, description: "The token that troupe init printed.", groups: TOKEN_GROUPS };
    await make(session, { path: SECRETS_PATH, object: secretOf(token, use) });
    return joinLine(access.origin, token, authority);
  });
}

/** What is typed on the machine that is to join. */
export function joinLine(server: string, token: JoinToken, authority: string): string {
  const hash = authorityHash(publicKeyOf(authority));
  return `troupe join ${new URL(server).host} --token ${tokenText(token)} --discovery-token-ca-cert-hash ${hash}`;
}

/** An object as it is to be, whether there was another of its name or not. */
async function make(session: Session, { path, object }: Placed): Promise<void> {
  try {
    await session.call("POST", path, object);
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 409) throw error;
    const { name } = (object as { metadata: { name: string } }).metadata;
    await session.call("PUT", `${path}/${encodeURIComponent(name)}`, object);
  }
}
