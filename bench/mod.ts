/** Measurements, each a suite that is run by name: `npm run bench -- SUITE [flags] [--json]`. */
import { density } from "./density.ts";
import { BenchFailure } from "./failure.ts";

const SUITES: Readonly<Record<string, { readonly about: string; readonly run: (args: readonly string[]) => Promise<number> }>> = {
  density: { about: "create pods on any Kubernetes API server and follow them to Running", run: density },
};

/** Runs the suite that the first argument names with the rest. Gives the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runBench([name, ...args]: readonly string[]): Promise<number> {
  const suite = name !== undefined && Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (suite === undefined) {
    const list = Object.entries(SUITES).map(([each, { about }]) => `  ${each.padEnd(12)}${about}\n`);
    const wanted = name === "--help" || name === "help";
    const text = `npm run bench -- SUITE [flags] [--json]\n\n${list.join("")}`;
    (wanted ? process.stdout : process.stderr).write(
      wanted ? text : `bench: ${name === undefined ? "no suite was named" : `there is no suite ${name}`}; ${text}`,
    );
    return wanted ? 0 : 2;
  }
  try {
    return await suite.run(args);
  } catch (error) {
    if (!(error instanceof BenchFailure)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return error.exitCode;
  }
}
