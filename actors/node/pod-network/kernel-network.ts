import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { programNamed } from "../process/catalog.ts";
import { bridgeOf } from "../sandbox/own-network.ts";
import type { Route } from "./place.ts";

/** By which routes of Troupe's are known among all others of the machine; nobody has it in iproute2's rt_protos. */
const PROTOCOL = "84";
const MULTICAST = "224.0.0.0/4";

/** What has been taken of the machine's network for a directory of pods, so that it can be given back. */
interface Taken {
  readonly local: readonly string[];
  readonly ranges: readonly string[];
}

export interface AddressesWanted {
  /** Ranges that are the machine's own, so that what listens on them here is reached from pods by way of their gateway. */
  readonly local: readonly string[];
  readonly nodes: readonly string[];
  /** Of the cluster's pods. */
  readonly ranges: readonly string[];
}

/** What the kernel does of the network of pods, by `ip` and iptables. Takes root. `pods` is the directory of the pods' files: two of a machine do not meet. */
export class KernelNetwork {
  readonly #pods: string;
  readonly #ip: string;

  /** Throws an Error that says what it takes. */
  constructor(pods: string) {
    const ip = programNamed("ip");
    if (ip === undefined) throw new Error("it takes the program ip (Debian: apt install iproute2)");
    this.#pods = pods;
    this.#ip = ip;
  }

  static get masquerades(): boolean {
    return programNamed("iptables") !== undefined && programNamed("iptables-restore") !== undefined;
  }

  /** Makes addresses the machine's own. */
  async take({ local, nodes, ranges }: AddressesWanted): Promise<void> {
    await mkdir(join(this.#pods, "..", "cni"), { recursive: true, mode: 0o700 });
    await writeFile(takenFile(this.#pods), JSON.stringify({ local, ranges } satisfies Taken), { mode: 0o600 });
    for (const range of local) await this.#run(["route", "replace", "local", range, "dev", "lo"]);
    for (const node of nodes) await this.#run(["address", "replace", `${node}/32`, "dev", "lo"]);
  }

  /** Those that are there of the ranges, also from a life before this one. */
  async routes(ranges: readonly string[]): Promise<readonly Route[]> {
    const all = await Promise.all(ranges.map((range) => this.#run(["-json", "route", "show", "root", range, "proto", PROTOCOL])));
    return all
      .flatMap((text) => (text.trim() === "" ? [] : (JSON.parse(text) as readonly { readonly dst: string; readonly gateway?: string }[])))
      .flatMap(({ dst, gateway }) => (gateway === undefined ? [] : [{ to: dst, via: gateway }]));
  }

  /** Throws an Error in the words of the kernel, for which a gateway has to be at the other end of one of the machine's own links. */
  async route({ to, via }: Route): Promise<void> {
    await this.#run(["route", "replace", to, "via", via, "proto", PROTOCOL]);
  }

  async unroute({ to }: Route): Promise<void> {
    await this.#run(["route", "delete", to, "proto", PROTOCOL]).catch(() => {});
  }

  /**
   * Pods are known by their own addresses within the cluster, and by the machine's outside of it; and whatever else there is on the machine, what is sent to pods and by them is passed on. Nothing
   * where there is no iptables.
   */
  async masquerade(from: string, ranges: readonly string[]): Promise<void> {
    if (!KernelNetwork.masquerades) return;
    const chain = chainOf(this.#pods);
    const nat = [`! -s ${from} -j RETURN`, ...[...ranges, MULTICAST].map((to) => `-d ${to} -j RETURN`), "-j MASQUERADE"];
    const filter = ranges.flatMap((range) => [`-s ${range} -j ACCEPT`, `-d ${range} -j ACCEPT`]);
    const table = (name: string, rules: readonly string[]): string =>
      [`*${name}`, `:${chain} - [0:0]`, ...rules.map((rule) => `-A ${chain} ${rule}`), "COMMIT", ""].join("\n");
    await fed("iptables-restore", ["--wait", "--noflush"], table("nat", nat) + table("filter", filter));
    for (const [name, hook] of HOOKS) {
      const jump = ["--wait", "--table", name, "CHECK", hook, "--jump", chain];
      const now = (what: string): Promise<unknown> =>
        promisify(execFile)(
          "iptables",
          jump.map((word) => (word === "CHECK" ? what : word)),
        );
      await now("--check").catch(() => now("--append"));
    }
  }

  async #run(words: readonly string[]): Promise<string> {
    try {
      return (await promisify(execFile)(this.#ip, words)).stdout;
    } catch (error) {
      const { stderr = "", message } = error as Error & { readonly stderr?: string };
      throw new Error(`ip ${words.join(" ")}: ${stderr.trim() || message}`);
    }
  }
}

const HOOKS = [
  ["nat", "POSTROUTING"],
  ["filter", "FORWARD"],
] as const;

/** A chain's name has 28 characters at most. */
function chainOf(pods: string): string {
  return `TROUPE-${createHash("sha256").update(pods).digest("hex").slice(0, 8)}`;
}

function takenFile(pods: string): string {
  return join(pods, "..", "cni", "taken.json");
}

/** Gives up what is taken for pods in a directory; what is not there is no trouble. */
export async function releaseNetwork(pods: string): Promise<void> {
  const ip = programNamed("ip");
  const text = await readFile(takenFile(pods), "utf8").catch(() => undefined);
  const run = (program: string, ...words: readonly string[]): Promise<unknown> => promisify(execFile)(program, words).catch(() => {});
  if (ip !== undefined) await run(ip, "link", "delete", bridgeOf(pods));
  if (text === undefined) return;
  const { local, ranges } = JSON.parse(text) as Taken;
  if (ip !== undefined) {
    for (const range of local) await run(ip, "route", "delete", "local", range, "dev", "lo");
    for (const range of ranges) await run(ip, "route", "flush", "root", range, "proto", PROTOCOL);
  }
  if (KernelNetwork.masquerades) {
    const chain = chainOf(pods);
    for (const [name, hook] of HOOKS) {
      await run("iptables", "--wait", "--table", name, "--delete", hook, "--jump", chain);
      await run("iptables", "--wait", "--table", name, "--flush", chain);
      await run("iptables", "--wait", "--table", name, "--delete-chain", chain);
    }
  }
  await rm(takenFile(pods), { force: true });
}

function fed(program: string, words: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.stdin.on("error", () => {});
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${program}: ${said.trim()}`))));
    child.stdin.end(input);
  });
}
