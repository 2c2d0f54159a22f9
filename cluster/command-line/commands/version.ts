import { type Command, DONE } from "../command.ts";
import { parseFlags } from "../flag.ts";
import { formatOf, OUTPUT, printed } from "../output.ts";

const FLAGS = { output: OUTPUT } as const;

/** Of the API that is served. */
const KUBERNETES = "1.34";

export const version: Command = {
  summary: "the version",
  flags: FLAGS,
  run: async (args) => {
    const format = formatOf(OUTPUT, parseFlags("version", FLAGS, args).output);
    const { versionOfTroupe } = await import("../../boot/version.ts");
    const troupe = versionOfTroupe();
    process.stdout.write(
      await printed(format, { troupe, kubernetes: KUBERNETES, node: process.versions.node }, () => [
        `troupe ${troupe} (Kubernetes API ${KUBERNETES})`,
      ]),
    );
    return DONE;
  },
};
