import { readFile } from "node:fs/promises";
import type { SchedulerConfiguration } from "../../actors/scheduler/configuration/configuration.ts";
import { BootFailure } from "./failure.ts";

/** Reads a KubeSchedulerConfiguration from a file, YAML or JSON. Throws BootFailure, which names the file and the field. */
export async function readSchedulerConfiguration(file: string): Promise<SchedulerConfiguration> {
  // Most starts have no such file, and do not pay for the reading of it.
  const [{ parse }, { readConfiguration }] = await Promise.all([
    import("yaml"),
    import("../../actors/scheduler/configuration/configuration.ts"),
  ]);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(`cannot read --scheduler-config ${file} (${error.code ?? error.message})`);
  });
  try {
    return readConfiguration(parse(text));
  } catch (error) {
    throw new BootFailure(`--scheduler-config ${file}: ${(error as Error).message}`);
  }
}
