import { parseArgs } from "node:util";
import { createUser } from "nkeys.js";
import { duration_ms, usageOf } from "../command-line/wrong-usage.ts";
import { withSession } from "../joining/session.ts";
import { readKubeconfig } from "../outbound/kubeconfig.ts";
import { writePrivateFile } from "../pki/key-pair-file.ts";
import { seedOf } from "./accounts.ts";
import { credentialsText } from "./claims.ts";
import type { NatsCredentials } from "./credentials.ts";

export interface NatsCredentialsFlags {
  readonly kubeconfig: string;
  /** Where they are written; undefined: standard output. */
  readonly file: string | undefined;
  readonly ttl_ms: number;
}

/** Throws WrongUsage. */
export function parseNatsCredentialsFlags(args: readonly string[]): NatsCredentialsFlags {
  const { values } = usageOf("npm run troupe -- help", () =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        data: { type: "string", default: ".troupe" },
        kubeconfig: { type: "string" },
        output: { type: "string", short: "o" },
        ttl: { type: "string", default: "1h" },
      },
    }),
  );
  return {
    kubeconfig: values.kubeconfig ?? `${values.data || ".troupe"}/kubeconfig`,
    file: values.output,
    ttl_ms: duration_ms("--ttl", values.ttl),
  };
}

/** Credentials for NATS of whoever the kubeconfig is: the text of a credentials file, or where it was written. The key is made here. Throws BootFailure. */
export async function runNatsCredentials({ kubeconfig, file, ttl_ms }: NatsCredentialsFlags): Promise<string> {
  const user = createUser();
  const asked = { publicKey: user.getPublicKey(), expirationSeconds: Math.floor(ttl_ms / 1_000) };
  const answer = await withSession(readKubeconfig(kubeconfig), (session) =>
    session.call<NatsCredentials>("POST", "/troupe/nats-credentials", asked),
  );
  const text = `${credentialsText(answer.jwt, seedOf(user))}
# ${answer.user} at ${answer.servers.join(",")} until ${answer.expirationTimestamp}; answers come to --inbox-prefix ${answer.inboxPrefix}
`;
  if (file === undefined) return text.trimEnd();
  writePrivateFile(file, text);
  return `${file}: ${answer.user} at ${answer.servers.join(",")} until ${answer.expirationTimestamp}; answers come to --inbox-prefix ${answer.inboxPrefix}`;
}
