import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { quoted } from "../quoted.ts";
import type { Command } from "./protocol.ts";

/**
 * A terminal for a command, by script(1) of util-linux: it runs what it is given on a terminal of its own, in a session of its own, passes on what is
 * typed and printed, and exits as that exits. The terminal's size is set from outside by stty(1), and the kernel tells whoever runs there. So
 * it takes no native module, and nothing that is not where unshare and nsenter are.
 */
export interface TerminalTools {
  readonly script: string;
  readonly stty: string;
  readonly tty: string;
}

/** As clients send it, in JSON. Source: client-go's TerminalSize. */
export interface TerminalSize {
  readonly Width: number;
  readonly Height: number;
}

const SIZE_MAX = 65_535;
/** What programs take the terminal for, where nobody says otherwise. Source: containerd's CRI. */
export const TERM = "xterm";

/** The size that a payload of the channel `resize` says; undefined: none that a terminal can have. */
export function sizeOf(payload: Buffer): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(payload.toString()) as Partial<TerminalSize>;
    return isSize(Width) && isSize(Height) ? { Width, Height } : undefined;
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= SIZE_MAX;
}

/**
 * The command, in a terminal. Its first line on file descriptor 3 is for `Terminal`; what comes there afterwards is the command's own, if it
 * `goesOn` to use that. Undefined where the machine has not what it takes.
 */
export function inTerminal(tools: TerminalTools, command: Command, size: TerminalSize | undefined, goesOn: boolean): Command | undefined {
  const { script, stty, tty } = tools;
  if (script === "" || stty === "" || tty === "") return undefined;
  const { file, args, env, cwd } = command;
  const sized = size === undefined ? "" : ` rows ${size.Height} cols ${size.Width}`;
  const lines = [
    `${stty} sane${sized}`,
    // Which process it is to become, and where its terminal is.
    `echo "$$ $(${tty})" >&3`,
    env.SHELL === undefined ? "unset SHELL" : `export SHELL=${quoted(env.SHELL)}`,
    `exec ${[file, ...args].map(quoted).join(" ")}${goesOn ? "" : " 3>&-"}`,
  ];
  // The shell that script takes is the one in its environment.
  return { file: script, args: ["-q", "-e", "-f", "-c", lines.join("\n"), "/dev/null"], env: { TERM, ...env, SHELL: "/bin/sh" }, cwd };
}

/** A terminal that is there, known by the line in which it was told. */
export class Terminal {
  /** Of the command in it, which leads its session. */
  readonly pid: number;
  readonly #path: string;
  readonly #stty: string;

  constructor({ stty }: TerminalTools, line: string) {
    const [pid, path = ""] = line.split(" ");
    this.pid = Number(pid);
    this.#path = path;
    this.#stty = stty;
  }

  /** Resolves when it has been done: what is typed afterwards finds it so. */
  async resize(size: TerminalSize): Promise<void> {
    // One that gives its command a terminal of its own within this one does not always pass on the size.
    for (const path of [this.#path, ...childrenOf(this.pid).map((pid) => `/proc/${pid}/fd/0`)]) await this.#set(path, size);
  }

  #set(path: string, { Width, Height }: TerminalSize): Promise<void> {
    const words = ["-F", path, "rows", String(Height), "cols", String(Width)];
    return new Promise((resolve) => {
      // That there is no such terminal any more is no trouble.
      spawn(this.#stty, words, { stdio: "ignore" })
        .once("close", () => resolve())
        .once("error", () => resolve());
    });
  }
}

function childrenOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== "");
  } catch {
    return [];
  }
}

/** What comes, by lines; the last may be without its end. */
export async function* linesOf(source: Readable): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of source) {
    rest += String(chunk);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
  if (rest !== "") yield rest;
  return undefined;
}
