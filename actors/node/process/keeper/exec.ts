import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { roomIn } from "../../streaming/backpressure.ts";
import { CHANNEL, type Ended, type Frame, Frames, frame } from "../../streaming/frames.ts";
import type { StreamsWanted } from "../../streaming/stream-door.ts";
import type { Command } from "./protocol.ts";
import { inTerminal, linesOf, sizeOf, Terminal, type TerminalSize, type TerminalTools } from "./terminal.ts";

const SIGNAL_BASE = 128;
/** Exit codes of a shell. */
const CANNOT_RUN = 126;
/** Clients send the size of their terminal first. What is run is to find it set; a client that has none is not waited for any longer. */
const FIRST_SIZE_MS = 200;

/**
 * Runs a command for the connection and carries its streams over it. Its exit code is the last frame, on the channel `status`; when the other side
 * goes before, what runs is killed.
 */
export async function execOver(socket: Socket, command: Command, wanted: StreamsWanted, tools: TerminalTools): Promise<void> {
  const running = new Exec(socket, command, wanted, tools);
  await running.carry();
}

class Exec {
  readonly #socket: Socket;
  readonly #command: Command;
  readonly #wanted: StreamsWanted;
  readonly #tools: TerminalTools;
  readonly #sized = Promise.withResolvers<TerminalSize | undefined>();
  #child: ChildProcess | undefined;
  #terminal: Terminal | undefined;
  /** Where what is typed goes, when there is something to take it; undefined: there will be nothing. */
  readonly #begun = Promise.withResolvers<ChildProcess | undefined>();

  constructor(socket: Socket, command: Command, wanted: StreamsWanted, tools: TerminalTools) {
    this.#socket = socket;
    this.#command = command;
    this.#wanted = wanted;
    this.#tools = tools;
    socket.once("close", () => this.#kill());
  }

  async carry(): Promise<void> {
    const heard = this.#hearAll().catch(() => this.#socket.destroy());
    try {
      await this.#start();
    } catch (error) {
      this.#finish({ exitCode: CANNOT_RUN, message: (error as Error).message });
    }
    await heard;
  }

  async #start(): Promise<void> {
    const { stdin, tty } = this.#wanted;
    const size = tty ? await Promise.race([this.#sized.promise, delay(FIRST_SIZE_MS, undefined)]) : undefined;
    const command = tty ? inTerminal(this.#tools, this.#command, size, false) : this.#command;
    if (command === undefined) throw new Error("a terminal takes the programs script, stty and tty, which this machine does not have");
    if (this.#socket.destroyed) return;
    const { file, args, env, cwd } = command;
    // The input of a terminal does not end where nobody types.
    const input = stdin || tty ? "pipe" : "ignore";
    const child = spawn(file, args, { cwd, env: { ...env }, detached: true, stdio: [input, "pipe", "pipe", tty ? "pipe" : "ignore"] });
    this.#child = child;
    child.once("error", (error) => this.#finish({ exitCode: CANNOT_RUN, message: error.message }));
    child.once("close", (code, signal) => this.#finish({ exitCode: code ?? SIGNAL_BASE + constants.signals[signal ?? "SIGKILL"] }));
    child.stdin?.on("error", () => {});
    this.#show(child.stdout, CHANNEL.stdout);
    this.#show(child.stderr, CHANNEL.stderr);
    if (tty) {
      const lines = linesOf(child.stdio[3] as Readable);
      const { value: line } = await lines.next();
      if (line !== undefined) this.#terminal = new Terminal(this.#tools, line);
      await lines.return(undefined);
    }
    this.#begun.resolve(child);
  }

  #show(from: Readable | null, channel: number): void {
    const socket = this.#socket;
    from?.on("data", (bytes: Buffer) => {
      if (socket.destroyed || socket.write(frame(channel, bytes))) return;
      from.pause();
      void roomIn(socket).then(() => from.resume());
    });
  }

  async #hearAll(): Promise<void> {
    const frames = new Frames();
    for await (const bytes of this.#socket) for (const heard of frames.take(bytes as Buffer)) await this.#hear(heard);
  }

  async #hear({ channel, payload }: Frame): Promise<void> {
    if (channel === CHANNEL.resize) {
      const size = sizeOf(payload);
      this.#sized.resolve(size);
      if (size !== undefined) await this.#terminal?.resize(size);
      return;
    }
    // What is typed first is not to be taken for the size.
    if (channel !== CHANNEL.stdin && channel !== CHANNEL.close) return;
    this.#sized.resolve(undefined);
    const stdin = (await this.#begun.promise)?.stdin ?? undefined;
    if (stdin === undefined || stdin.destroyed) return;
    if (channel === CHANNEL.close) stdin.end();
    else if (!stdin.write(payload)) await roomIn(stdin);
  }

  #finish(ended: Ended): void {
    this.#begun.resolve(this.#child);
    if (!this.#socket.destroyed) this.#socket.end(frame(CHANNEL.status, Buffer.from(JSON.stringify(ended))));
  }

  #kill(): void {
    this.#sized.resolve(undefined);
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    for (const group of [child.pid, this.#terminal?.pid]) {
      try {
        if (group !== undefined) process.kill(-group, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
  }
}
