import { type Command, type CommandTable, DONE } from "../command.ts";
import type { Place } from "../completion/place.ts";

/** Prints what a shell needs to complete commands, flags, their values and names of files. */
export function completion(table: CommandTable): Command {
  const printing =
    (write: () => Promise<(places: readonly Place[]) => string>): NonNullable<Command["run"]> =>
    async () => {
      const [{ placesOf }, script] = await Promise.all([import("../completion/place.ts"), write()]);
      process.stdout.write(script(await placesOf(table)));
      return DONE;
    };
  return {
    summary: "have the shell complete commands and flags",
    flags: {},
    verbs: {
      bash: {
        summary: "for bash: source <(troupe completion bash)",
        flags: {},
        run: printing(async () => (await import("../completion/bash.ts")).bashCompletion),
      },
      zsh: {
        summary: "for zsh, after compinit: source <(troupe completion zsh)",
        flags: {},
        run: printing(async () => (await import("../completion/zsh.ts")).zshCompletion),
      },
      fish: {
        summary: "for fish: troupe completion fish | source",
        flags: {},
        run: printing(async () => (await import("../completion/fish.ts")).fishCompletion),
      },
    },
  };
}
