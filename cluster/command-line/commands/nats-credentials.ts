import { NATS_CREDENTIALS_FLAGS, parseNatsCredentialsFlags } from "../../nats/credentials-flags.ts";
import { type Command, DONE } from "../command.ts";

export const natsCredentials: Command = {
  summary: "credentials for the cluster's NATS",
  about:
    "Gives the user of a kubeconfig credentials for the cluster's NATS servers, which allow what the user's roles allow (docs/security.md).",
  flags: NATS_CREDENTIALS_FLAGS,
  examples: [{ line: "nats-credentials -o me.creds --ttl 8h", does: "for nats --creds me.creds" }],
  run: async (args) => {
    const flags = parseNatsCredentialsFlags(args);
    const { runNatsCredentials } = await import("../../nats/credentials-command.ts");
    console.log(await runNatsCredentials(flags));
    return DONE;
  },
};
