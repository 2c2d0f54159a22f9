import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RuntimeFailure, type RuntimeFailureReason } from "../container-runtime.ts";
import { dial, openDoor, type StreamDoor } from "../streaming/stream-door.ts";
import { type Asked, type FromKeeper, SOCKET_FILE, type ToKeeper } from "./keeper/protocol.ts";

const KEEPER = fileURLToPath(new URL("./keeper/main.ts", import.meta.url));
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
    const { socket, answer } = await openDoor(this.door(asked)).catch((error: Error) => {
      throw unavailable(error.message);
    });
    if (answer.failure !== undefined) {
      socket.destroy();
      throw failureOf(answer.failure);
    }
    return socket;
  }

  /** For somebody else to open. */
  door(asked: ToKeeper): StreamDoor {
    return { path: join(this.#directory, SOCKET_FILE), opening: JSON.stringify({ ...asked, id: 0 }) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const socket = await this.#connection?.catch(() => undefined);
    socket?.destroy();
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
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      rest += text;
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
    return dial(join(this.#directory, SOCKET_FILE));
  }
}

/** Ends the keeper of a directory and all processes that it keeps; resolves when they have ended, at once where there is none. */
export async function endKeeper(directory: string): Promise<void> {
  try {
    const socket = await dial(join(directory, SOCKET_FILE));
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const asked: Asked = { op: "end", id: 0 };
    socket.write(`${JSON.stringify(asked)}${LINE_BREAK}`);
    socket.resume();
    await ended;
  } catch {
    // There is no keeper.
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
