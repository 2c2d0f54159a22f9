import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { CHANNEL, type Command, Frames, frame } from "./protocol.ts";

const SIGNAL_BASE = 128;
/** Exit codes of a shell. */
const CANNOT_RUN = 126;

/**
 * Runs a command for the connection and carries its streams over it. Its exit code is the last frame, on the channel `status`; when the other side
 * goes before, what runs is killed.
 */
export function execOver(socket: Socket, { file, args, env, cwd }: Command, stdin: boolean): void {
  const child = spawn(file, args, { cwd, env: { ...env }, detached: true, stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"] });
  const finish = (status: object): void => {
    socket.end(frame(CHANNEL.status, Buffer.from(JSON.stringify(status))));
  };
  child.once("error", (error) => finish({ exitCode: CANNOT_RUN, message: error.message }));
  child.once("close", (code, signal) => finish({ exitCode: code ?? SIGNAL_BASE + constants.signals[signal ?? "SIGKILL"] }));
  socket.once("close", () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  });
  carry(child.stdout, CHANNEL.stdout, socket);
  carry(child.stderr, CHANNEL.stderr, socket);
  const frames = new Frames();
  socket.on("data", (bytes: Buffer) => {
    for (const { channel, payload } of frames.take(bytes)) {
      if (channel === CHANNEL.stdin && child.stdin?.write(payload) === false) {
        socket.pause();
        child.stdin.once("drain", () => socket.resume());
      } else if (channel === CHANNEL.close) child.stdin?.end();
    }
  });
  child.stdin?.on("error", () => {});
}

function carry(from: Readable | null, channel: number, to: Socket): void {
  from?.on("data", (bytes: Buffer) => {
    if (to.destroyed) return;
    if (!to.write(frame(channel, bytes))) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
}
