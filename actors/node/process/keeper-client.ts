import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { RuntimeFailure, type RuntimeFailureReason } from "../container-runtime.ts";
import { type Asked, type FromKeeper, SOCKET_FILE, type ToKeeper } from "./keeper/protocol.ts";

const KEEPER = join(import.meta.dirname, "keeper", "main.ts");
const LOG_FILE = "keeper.log";
/** A keeper that starts listens by then, on a busy machine too. */
const START_PATIENCE_MS = 20_000;
const START_POLL_MS = 20;
const LINE_BREAK = "\n";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to the keeper of a directory's processes, which is started where there is none. One connection carries all questions. */
export class KeeperClient {
  readonly #directory: string;
  readonly #changed: (uid: string) => void;
  #connection: Promise<Socket> | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #isClosed = false;
  /** A socket's path may not be long, so it is named by way of this. */
  #opened: FileHandle | undefined;

  /** `changed` is told of pods whose containers have changed; of `""` when it may have been any. */
  constructor(directory: string, changed: (uid: string) => void) {
    this.#directory = directory;
    this.#changed = changed;
  }

  /** Throws RuntimeFailure. */
  async ask<Answer>(asked: ToKeeper): Promise<Answer> {
    const socket = await this.#connected();
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    socket.write(`${JSON.stringify({ ...asked, id })}${LINE_BREAK}`);
    return (await answer) as Answer;
  }

  /** A connection of its own, whose frames follow when the question was answered. Throws RuntimeFailure. */
  async open(asked: ToKeeper): Promise<Socket> {
    await this.#connected();
    const socket = await this.#dial();
    const line = await new Promise<FromKeeper>((resolve, reject) => {
      let text = Buffer.alloc(0);
      const read = (bytes: Buffer): void => {
        text = Buffer.concat([text, bytes]);
        const end = text.indexOf(LINE_BREAK);
        if (end < 0) return;
        socket.off("data", read);
        socket.pause();
        if (end + 1 < text.length) socket.unshift(text.subarray(end + 1));
        resolve(JSON.parse(text.subarray(0, end).toString()) as FromKeeper);
      };
      socket.on("data", read);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("it hung up")));
      socket.write(`${JSON.stringify({ ...asked, id: 0 })}${LINE_BREAK}`);
    }).catch((error: Error) => {
      throw unavailable(error.message);
    });
    if ("failure" in line) {
      socket.destroy();
      throw failureOf(line.failure);
    }
    return socket;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const socket = await this.#connection?.catch(() => undefined);
    socket?.destroy();
    await this.#opened?.close();
    this.#opened = undefined;
  }

  #connected(): Promise<Socket> {
    this.#connection ??= this.#begin().catch((error: Error) => {
      this.#connection = undefined;
      throw error instanceof RuntimeFailure ? error : unavailable(error.message);
    });
    return this.#connection;
  }

  async #begin(): Promise<Socket> {
    const socket = await this.#dial().catch(() => this.#startKeeper());
    let rest = "";
    socket.on("data", (bytes: Buffer) => {
      rest += bytes.toString();
      for (let end = rest.indexOf(LINE_BREAK); end >= 0; end = rest.indexOf(LINE_BREAK)) {
        this.#hear(JSON.parse(rest.slice(0, end)) as FromKeeper);
        rest = rest.slice(end + 1);
      }
    });
    socket.once("close", () => this.#lost());
    // What happened while nobody was connected was told to nobody.
    setImmediate(() => this.#changed(""));
    return socket;
  }

  #hear(message: FromKeeper): void {
    if ("changed" in message) {
      this.#changed(message.changed);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("failure" in message) waiting?.reject(failureOf(message.failure));
    else waiting?.resolve(message.answer);
  }

  #lost(): void {
    this.#connection = undefined;
    for (const { reject } of this.#waiting.values()) reject(unavailable("it hung up"));
    this.#waiting.clear();
    if (!this.#isClosed) this.#changed("");
  }

  async #startKeeper(): Promise<Socket> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const log = openSync(join(this.#directory, LOG_FILE), "a", 0o600);
    const keeper = spawn(process.execPath, [KEEPER, this.#directory], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: ownEnv(),
    });
    keeper.on("error", () => {});
    keeper.unref();
    for (const until_ms = performance.now() + START_PATIENCE_MS; performance.now() < until_ms; await delay(START_POLL_MS)) {
      const socket = await this.#dial().catch(() => undefined);
      if (socket !== undefined) return socket;
    }
    throw unavailable(`it does not start; ${join(this.#directory, LOG_FILE)} may say why`);
  }

  async #dial(): Promise<Socket> {
    if (this.#isClosed) throw unavailable("this host stops");
    this.#opened ??= await open(this.#directory, "r");
    return dial(this.#opened);
  }
}

async function dial(directory: FileHandle): Promise<Socket> {
  const socket = connect(`/proc/self/fd/${directory.fd}/${SOCKET_FILE}`);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Ends the keeper of a directory and all processes that it keeps; resolves when they have ended, at once where there is none. */
export async function endKeeper(directory: string): Promise<void> {
  const opened = await open(directory, "r").catch(() => undefined);
  if (opened === undefined) return;
  try {
    const socket = await dial(opened);
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const asked: Asked = { op: "end", id: 0 };
    socket.write(`${JSON.stringify(asked)}${LINE_BREAK}`);
    socket.resume();
    await ended;
  } catch {
    // There is no keeper.
  } finally {
    await opened.close();
  }
}

/** Nothing that Troupe was started with is the business of processes. */
function ownEnv(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

function failureOf({ reason, message }: { readonly reason: string; readonly message: string }): RuntimeFailure {
  return new RuntimeFailure(reason as RuntimeFailureReason, message);
}

function unavailable(why: string): RuntimeFailure {
  return new RuntimeFailure("RuntimeUnavailable", `the keeper of processes cannot be reached: ${why}`);
}
