import { execFile } from "node:child_process";
import { constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

/** What a container writes to: a file descriptor for it, to be closed once it has it, and where that comes out. */
interface Output {
  readonly end: number;
  readonly source: Readable;
}

/**
 * Pipes for a container's stdout and stderr, and for what it says before it begins. Those that Node makes by itself are sockets, which a program cannot open as /dev/stdout, as many do that log to
 * a file. Whatever user the container runs as may write; the names are gone when this resolves.
 */
export async function outputsIn(directory: string): Promise<readonly [Output, Output, Output]> {
  const [stdout, stderr, said] = [join(directory, "stdout"), join(directory, "stderr"), join(directory, "said")] as const;
  await promisify(execFile)("mkfifo", ["-m", "0622", stdout, stderr, said]);
  return [outputAt(stdout), outputAt(stderr), outputAt(said)];
}

function outputAt(path: string): Output {
  // Who reads comes first: a pipe without a reader cannot be opened for writing.
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const end = openSync(path, constants.O_WRONLY);
  rmSync(path);
  return { end, source: new Socket({ fd: reading, readable: true, writable: false }) };
}
