/**
 * Networks of pods, by plugins of the Container Network Interface: programs that are told what to do by environment variables and their input, and answer in JSON.
 * Source: containernetworking/cni SPEC.md 1.0.0.
 */
import { spawn } from "node:child_process";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { isExecutable } from "../process/catalog.ts";

/** A list of plugins, of which each is given what the one before came to. */
export interface NetworkConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly Plugin[];
}

type Plugin = Readonly<Record<string, unknown>> & { readonly type: string; readonly capabilities?: Readonly<Record<string, boolean>> };

/** What an attachment to a network came to. */
export interface CniResult {
  readonly ips?: readonly { readonly address: string }[];
}

export interface Attachment {
  readonly container: string;
  /** The file of its network namespace; empty, for what is to be removed: there is none any more. */
  readonly netns: string;
  /** What plugins that know Kubernetes' pods ask for. */
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** The address that is wanted; a plugin that gives addresses by its own lights does not heed it. */
  readonly address: string;
}

const INTERFACE = "eth0";
const VERSION_DEFAULT = "1.0.0";

/** Of a document in the form of a list, or of one plugin by itself. Throws an Error that says what is wrong. */
export function networkConfig(document: unknown): NetworkConfig {
  const { cniVersion = VERSION_DEFAULT, name, plugins, type } = (document ?? {}) as Partial<NetworkConfig & { readonly type: string }>;
  if (typeof name !== "string" || name === "") throw new Error("it has no `name`, that of the network");
  const all = Array.isArray(plugins) ? (plugins as readonly Plugin[]) : type === undefined ? [] : [document as Plugin];
  if (all.length === 0) throw new Error("it has no `plugins`, a list of which each has a `type`");
  const untyped = all.findIndex((plugin) => typeof plugin.type !== "string" || plugin.type.includes("/"));
  if (untyped >= 0) throw new Error(`plugins[${untyped}].type: must be the name of a plugin`);
  return { cniVersion, name, plugins: all };
}

/** The plugins of a network. */
export function pluginsOf({ plugins }: NetworkConfig): readonly string[] {
  return plugins.flatMap(({ type, ipam }) => [type, (ipam as { readonly type?: string } | undefined)?.type ?? type]);
}

export class Cni {
  readonly #config: (address: string) => Promise<NetworkConfig>;
  readonly #places: readonly string[];

  /** `config` is asked whenever a pod comes or goes, with the address that is wanted for it, and throws what is to be said of the pod then; `places` are directories of plugins. */
  constructor(config: (address: string) => Promise<NetworkConfig>, places: readonly string[]) {
    this.#config = config;
    this.#places = places;
  }

  /** Those of the plugins that are nowhere. */
  missing(plugins: readonly string[]): readonly string[] {
    return [...new Set(plugins)].filter((type) => this.#find(type) === undefined);
  }

  /** Throws an Error in the words of the plugin that could not. */
  async add(attachment: Attachment): Promise<CniResult> {
    const config = await this.#config(attachment.address);
    if (this.#find("loopback") !== undefined) {
      const loopback = { cniVersion: config.cniVersion, name: "lo", type: "loopback" };
      await this.#run("ADD", loopback, { ...attachment, address: "" }, "lo");
    }
    let result: CniResult | undefined;
    for (const plugin of config.plugins) result = await this.#run("ADD", told(config, plugin, result), attachment, INTERFACE);
    return result ?? {};
  }

  /** Gives up what `add` took, as far as it is there. Throws an Error. */
  async remove(attachment: Attachment, result: CniResult): Promise<void> {
    const config = await this.#config(attachment.address);
    for (const plugin of [...config.plugins].reverse()) await this.#run("DEL", told(config, plugin, result), attachment, INTERFACE);
  }

  async #run(command: "ADD" | "DEL", config: object, { container, netns, pod, address }: Attachment, device: string): Promise<CniResult> {
    const { type } = config as Plugin;
    const program = this.#find(type);
    if (program === undefined) throw new Error(`there is no CNI plugin ${type} in ${this.#places.join(", ")}`);
    const args = [
      "IgnoreUnknown=1",
      `K8S_POD_NAMESPACE=${pod.namespace}`,
      `K8S_POD_NAME=${pod.name}`,
      `K8S_POD_UID=${pod.uid}`,
      `K8S_POD_INFRA_CONTAINER_ID=${container}`,
      ...(address === "" ? [] : [`IP=${address}`]),
    ];
    const env = {
      PATH: process.env.PATH ?? "",
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: netns,
      CNI_IFNAME: device,
      CNI_PATH: this.#places.join(":"),
      CNI_ARGS: args.join(";"),
    };
    const { code, output } = await answered(program, env, JSON.stringify(config));
    if (code !== 0) throw new Error(`plugin type=${JSON.stringify(type)} failed (${command.toLowerCase()}): ${wordsIn(output)}`);
    return output.trim() === "" ? {} : (JSON.parse(output) as CniResult);
  }

  #find(type: string): string | undefined {
    return this.#places.map((place) => join(place, type)).find(isExecutable);
  }
}

function told({ cniVersion, name }: NetworkConfig, plugin: Plugin, prevResult: CniResult | undefined): object {
  const { capabilities: _, ...config } = plugin;
  return { ...config, cniVersion, name, ...(prevResult === undefined ? {} : { prevResult }) };
}

/** The address by which the pod is known. */
export function addressIn({ ips = [] }: CniResult): string | undefined {
  const addresses = ips.map(({ address }) => address.replace(/\/.*$/, ""));
  return addresses.find((address) => isIPv4(address)) ?? addresses[0];
}

function answered(
  program: string,
  env: Record<string, string>,
  input: string,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { env, stdio: ["pipe", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stdin.on("error", () => {});
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
    child.stdin.end(input);
  });
}

function wordsIn(output: string): string {
  try {
    const { msg = "", details = "" } = JSON.parse(output) as { readonly msg?: string; readonly details?: string };
    return details === "" ? msg : `${msg}: ${details}`;
  } catch {
    return output.trim();
  }
}
