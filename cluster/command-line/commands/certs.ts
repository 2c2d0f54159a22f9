import { CERTS_FLAGS, parseCertsFlags } from "../../joining/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";

const run =
  (verb: string) =>
  async (args: readonly string[]): Promise<number> => {
    const flags = parseCertsFlags([verb, ...args]);
    const { runCerts } = await import("../../joining/certs-command.ts");
    const { answer, lines } = await runCerts(flags);
    process.stdout.write(await printed(flags.format, answer, () => lines));
    return DONE;
  };

export const certs: Command = {
  summary: "certificates of a data directory",
  about: "There is seldom need: a cluster that runs renews its own.",
  flags: {},
  verbs: {
    check: { summary: "when they end", flags: CERTS_FLAGS, run: run("check") },
    renew: { summary: "make them anew", flags: CERTS_FLAGS, run: run("renew") },
  },
};
