import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { programNamed } from "../../process/catalog.ts";
import { directoryIn, emptyTable, type Flow, NO_RULES, TABLE_PREFIX, tableOf } from "./ruleset.ts";
import { transactionOf } from "./transaction.ts";

/** The programs by which the kernel is told, and the table that is this cluster's. Plain data: it is cloned into the forwarder's thread. */
export interface Nftables {
  readonly nft: string;
  /** Forgets flows of datagrams; undefined: it is not there, and UDP is not for the kernel. */
  readonly conntrack: string | undefined;
  readonly table: string;
  /** The data directory. */
  readonly directory: string;
}

export interface FoundNftables extends Nftables {
  /** What it cannot do, for people. */
  readonly wants: readonly string[];
}

/** Some of what nft and conntrack print. */
const PRINTED_CHARACTERS_MAX = 2_000;

/** Finds out what this machine has and lets this user do; nothing is changed. Throws an Error that says what it takes. */
export async function findNftables(directory: string): Promise<FoundNftables> {
  if (process.getuid?.() !== 0) throw new Error("it takes root");
  const nft = programNamed("nft");
  if (nft === undefined) throw new Error("it takes the program nft (Debian: apt install nftables)");
  const conntrack = programNamed("conntrack");
  const nftables = { nft, conntrack, table: tableOf(directory), directory };
  const { commands } = transactionOf(nftables.table, [{ before: NO_RULES, after: TRIAL }]);
  const trial = [...emptyTable(nftables.table, directory), ...commands];
  await applied(nftables, trial, ["--check"]).catch((error: Error) => {
    throw new Error(`this machine's kernel or its nft does not take the rules (${error.message})`);
  });
  return { ...nftables, wants: [...(conntrack === undefined ? [NO_CONNTRACK] : []), ...(await leftovers(nftables))] };
}

const NO_CONNTRACK = "UDP is forwarded in userspace: there is no program conntrack (Debian: apt install conntrack)";

/** All that rules of services are made of. */
const TRIAL = {
  ...NO_RULES,
  sets: new Map([["trial-clients", "{ type ipv4_addr; size 1; flags dynamic, timeout; timeout 1s; }"]]),
  chains: new Map([
    [
      "trial",
      [
        "update @trial-clients { ip saddr }",
        "ct mark set ct mark | 0x1000",
        "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 127.0.0.1 . 1, 1 : 127.0.0.1 . 2 }",
      ],
    ],
  ]),
  entrances: new Map([["127.0.0.1 . tcp . 1", "trial"]]),
};

/** Tables of clusters whose directories are gone lead to pods that are gone, and nobody else will say so. */
async function leftovers({ nft, table: own }: Nftables): Promise<readonly string[]> {
  const tables = await printed(nft, ["list", "tables", "ip"]);
  const others = [...tables.matchAll(/^table ip (\S+)$/gm)].flatMap(([, name = ""]) =>
    name.startsWith(TABLE_PREFIX) && name !== own ? [name] : [],
  );
  const wants: string[] = [];
  for (const table of others) {
    const directory = directoryIn(table, await printed(nft, ["--terse", "list", "table", "ip", table]).catch(() => ""));
    if (directory !== undefined && !existsSync(directory))
      wants.push(`a cluster that was in ${directory} still has rules: if it is gone, \`nft delete table ip ${table}\` removes them`);
  }
  return wants;
}

/** All of these commands take effect, or none. Rejects with the words of nft. */
export async function applied({ nft }: Nftables, commands: readonly string[], more: readonly string[] = []): Promise<void> {
  await printed(nft, [...more, "--file", "-"], `${commands.join("\n")}\n`);
}

/** The table goes, with all that is in it; where it is not there it is no trouble. */
export async function removeTable(nftables: Pick<Nftables, "nft" | "table">): Promise<void> {
  const { nft, table } = nftables;
  await printed(nft, ["--file", "-"], `add table ip ${table}\ndelete table ip ${table}\n`);
}

/** `reset` has no other way to know whether there ever was one. */
export async function releaseTable(directory: string): Promise<void> {
  const nft = programNamed("nft");
  if (nft === undefined || process.getuid?.() !== 0) return;
  await printed(nft, ["delete", "table", "ip", tableOf(directory)]).catch(() => {});
}

/** The kernel sends further datagrams of these flows where they were sent before, until it forgets them. */
export async function forgetFlows({ conntrack }: Nftables, flows: readonly Flow[]): Promise<void> {
  if (conntrack === undefined) return;
  for (const { entrance, target } of flows) {
    const to = ["--orig-dst", entrance.address, "--orig-port-dst", String(entrance.port)];
    const from = ["--reply-src", target.address, "--reply-port-src", String(target.port)];
    // It fails where there are none.
    await printed(conntrack, ["--delete", "--proto", "udp", ...to, ...from]).catch(() => {});
  }
}

function printed(program: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { LC_ALL: "C", PATH: process.env.PATH } });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      if (err.length < PRINTED_CHARACTERS_MAX) err += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(err.trim().split("\n").slice(0, 3).join(" ") || `${program} ended with ${code}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
