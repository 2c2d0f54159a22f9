import type { Command } from "../command.ts";

export const bench: Command = {
  summary: "measure this or any other cluster",
  about: "Each suite has flags of its own: bench SUITE --help.",
  operands: "SUITE [flags]",
  choices: async () => (await import("../../../bench/mod.ts")).suites(),
  flags: {
    output: { short: "o", value: "json", choices: ["json"], help: "as --json" },
    json: { help: 'one line per figure: {"suite","case","metric","value","unit","conditions"}' },
  },
  examples: [{ line: "bench density --kubeconfig ~/.kube/config", does: "pods a second of any cluster" }],
  helpIsTheirs: true,
  run: async (args) => (await import("../../../bench/mod.ts")).runBench(args),
};
