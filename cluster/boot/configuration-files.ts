import { readFile } from "node:fs/promises";
import type { EncryptionConfiguration } from "../../actors/mod.ts";
import type { Catalog } from "../../actors/node/process/catalog.ts";
import type { NetworkConfig } from "../../actors/node/sandbox/cni.ts";
import type { SchedulerConfiguration } from "../../actors/scheduler/configuration/configuration.ts";
import type { AuditPolicy } from "../audit/policy.ts";
import { BootFailure } from "./failure.ts";

// Most starts have none of these files, and do not pay for the reading of them: what knows their form is loaded when it is needed.

/** Reads a KubeSchedulerConfiguration from a file, YAML or JSON. Throws BootFailure, which names the file and the field. */
export async function readSchedulerConfiguration(file: string): Promise<SchedulerConfiguration> {
  const { readConfiguration } = await import("../../actors/scheduler/configuration/configuration.ts");
  return readFileOf("--scheduler-config", file, readConfiguration);
}

/** The same of an EncryptionConfiguration. */
export async function readEncryption(file: string): Promise<EncryptionConfiguration> {
  const { readEncryptionConfiguration } = await import("../../actors/store/encryption/configuration.ts");
  return readFileOf("--encryption-provider-config", file, readEncryptionConfiguration);
}

/** The same of an audit policy. */
export async function readPolicy(file: string): Promise<AuditPolicy> {
  const { readAuditPolicy } = await import("../audit/policy.ts");
  return readFileOf("--audit-policy-file", file, readAuditPolicy);
}

/** The same of a catalog of images. */
export async function readCatalog(file: string): Promise<Catalog> {
  const { catalogOf } = await import("../../actors/node/process/catalog.ts");
  return readFileOf("--catalog", file, catalogOf);
}

/** The same of a network of pods, as CNI has it. */
export async function readNetwork(file: string): Promise<NetworkConfig> {
  const { networkConfig } = await import("../../actors/node/sandbox/cni.ts");
  return readFileOf("--cni-config", file, networkConfig);
}

/** What `read` makes of a file, YAML or JSON. Throws BootFailure, which names the flag, the file and the field. */
export async function readFileOf<Configuration>(
  flag: string,
  file: string,
  read: (value: unknown) => Configuration,
): Promise<Configuration> {
  const { parse } = await import("yaml");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(`cannot read ${flag} ${file} (${error.code ?? error.message})`);
  });
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: false });
  } catch (error) {
    throw new BootFailure(`${flag} ${file} is not YAML: ${(error as Error).message}`);
  }
  try {
    return read(value);
  } catch (error) {
    throw new BootFailure(`${flag} ${file}: ${(error as Error).message}`);
  }
}
