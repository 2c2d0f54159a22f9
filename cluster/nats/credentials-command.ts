import { createUser } from "nkeys.js";
import { accessOf, asUser } from "../joining/command-session.ts";
import { writePrivateFile } from "../pki/key-pair-file.ts";
import { seedOf } from "./accounts.ts";
import { credentialsText } from "./claims.ts";
import type { NatsCredentials } from "./credentials.ts";
import type { NatsCredentialsFlags } from "./credentials-flags.ts";

/** Credentials for NATS of whoever the kubeconfig is: the text of a credentials file, or where it was written. The key is made here. Throws BootFailure. */
export async function runNatsCredentials({ kubeconfig, file, ttl_ms }: NatsCredentialsFlags): Promise<string> {
  const user = createUser();
  const asked = { publicKey: user.getPublicKey(), expirationSeconds: Math.floor(ttl_ms / 1_000) };
  const answer = await asUser(accessOf(kubeconfig), (session) => session.call<NatsCredentials>("POST", "/troupe/nats-credentials", asked));
  const text = `${credentialsText(answer.jwt, seedOf(user))}
# ${answer.user} at ${answer.servers.join(",")} until ${answer.expirationTimestamp}; answers come to --inbox-prefix ${answer.inboxPrefix}
`;
  if (file === undefined) return text.trimEnd();
  writePrivateFile(file, text);
  return `${file}: ${answer.user} at ${answer.servers.join(",")} until ${answer.expirationTimestamp}; answers come to --inbox-prefix ${answer.inboxPrefix}`;
}
