import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { usageOf } from "../../cgroups/control-group.ts";
import type { ContainerObserved } from "../../container-runtime.ts";
import { execOver } from "./exec.ts";
import { KeeperFailure, KeptContainer } from "./kept-container.ts";
import { processes as allProcesses } from "./processes.ts";
import type { Asked, Command, EnterTerminal, FromKeeper, KeptUsage } from "./protocol.ts";
import { SOCKET_FILE } from "./protocol.ts";

/** How often it sees whether its directory is still there, and whether it is still needed. */
const LOOK_MS = 1_000;
/** With nothing to keep and nobody connected it ends after so many looks. */
const IDLE_LOOKS = 30;
const LINE_BYTES_MAX = 64 * 1_024 * 1_024;
/** SIGTERM to SIGKILL when all is to end. */
const END_GRACE_MS = 2_000;

/**
 * Keeps the processes of all pods of one data directory: it is their parent, reads what they print, knows how they exited, and writes all that down
 * under the directory. It outlives Troupe, which connects to it by a socket there, and is itself as simple as it can be: it decides nothing. It ends
 * with everything that it keeps when it is told to, or when its directory is gone; by itself when it has nothing to keep.
 */
export class Keeper {
  readonly #directory: string;
  readonly #containers = new Map<string, KeptContainer>();
  /** Those who are told what changes. A connection for streams carries nothing else, so it is not known which one is before it has asked. */
  readonly #connections = new Set<Socket>();
  readonly #server: Server;
  readonly #ended: () => void;
  /** How many files have been written that say what is to be run. */
  #written = 0;
  #idle = 0;

  /** `directory` has a directory for each pod. */
  constructor(directory: string, ended: () => void) {
    this.#directory = directory;
    this.#ended = ended;
    this.#server = createServer((socket) => this.#connected(socket));
    for (const uid of podDirectories(directory)) {
      for (const name of entriesOf(join(directory, uid, "containers"))) {
        const found = KeptContainer.found(join(directory, uid, "containers", name), () => this.#changed(uid));
        if (found !== undefined) this.#containers.set(found.observed.id, found);
      }
    }
  }

  /** Takes the place of a keeper that has died. Its directory is where it works: a socket's path may not be long. */
  async listen(): Promise<void> {
    rmSync(join(this.#directory, SOCKET_FILE), { force: true });
    process.chdir(this.#directory);
    // The socket is for nobody else; what containers make is as they want it.
    process.umask(0o077);
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(SOCKET_FILE, resolve));
    process.umask(0o022);
    setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    if (!existsSync(join(this.#directory, SOCKET_FILE))) return void this.end();
    const isNeeded = this.#connections.size > 0 || [...this.#containers.values()].some(({ observed }) => observed.state === "running");
    this.#idle = isNeeded ? 0 : this.#idle + 1;
    if (this.#idle >= IDLE_LOOKS) void this.end();
  }

  #connected(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#connections.delete(socket));
    const decoder = new StringDecoder();
    let rest = "";
    const read = (bytes: Buffer): void => {
      rest += decoder.write(bytes);
      if (rest.length > LINE_BYTES_MAX) return void socket.destroy();
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        const asked = JSON.parse(rest.slice(0, end)) as Asked;
        rest = rest.slice(end + 1);
        if (asked.op === "exec" || asked.op === "attach") socket.off("data", read);
        else this.#connections.add(socket);
        this.#answer(socket, asked);
      }
    };
    socket.on("data", read);
  }

  #answer(socket: Socket, asked: Asked): void {
    const { id } = asked;
    this.#perform(socket, asked).then(
      (answer) => send(socket, { id, answer: answer ?? null }),
      (error: unknown) => {
        const reason = error instanceof KeeperFailure ? error.reason : "RuntimeUnavailable";
        send(socket, { id, failure: { reason, message: (error as Error).message } });
      },
    );
  }

  async #perform(socket: Socket, asked: Asked): Promise<unknown> {
    switch (asked.op) {
      case "observe":
        return this.#ofPod(asked.uid)
          .map(({ observed }) => observed)
          .sort(newestFirst);
      case "pods":
        return [...new Set([...[...this.#containers.values()].map(({ spec }) => spec.uid), ...podDirectories(this.#directory)])];
      case "create": {
        const { uid, observed } = asked.container;
        if (this.#containers.has(observed.id)) return undefined;
        this.#containers.set(
          observed.id,
          KeptContainer.create(asked.container, () => this.#changed(uid)),
        );
        return undefined;
      }
      case "start":
        return this.#named(asked.container).start();
      case "stop":
        return this.#containers.get(asked.container)?.stop(asked.grace_ms);
      case "resized":
        return this.#named(asked.container).resized(asked.resources);
      case "remove": {
        const container = this.#containers.get(asked.container);
        await container?.stop(0);
        await container?.remove();
        this.#containers.delete(asked.container);
        return undefined;
      }
      case "removePod":
        await Promise.all(this.#ofPod(asked.uid).map((container) => container.stop(0)));
        for (const { observed } of this.#ofPod(asked.uid)) this.#containers.delete(observed.id);
        return undefined;
      case "exec": {
        const { pid, spec } = this.#running(asked.container);
        if (asked.command.length === 0) throw new KeeperFailure("ExecError", "there is no command to run");
        const command =
          asked.tty && spec.enterTerminal !== undefined
            ? entered(spec.enterTerminal, pid, [this.#writeDown(spec.directory, spec.enterTerminal, asked.command)])
            : entered(spec.enter, pid, asked.command);
        setImmediate(() => void execOver(socket, command, asked, spec.terminal));
        return undefined;
      }
      case "attach": {
        const container = this.#running(asked.container);
        setImmediate(() => container.attach(socket, asked));
        return undefined;
      }
      case "usage":
        return this.#usage();
      case "end":
        setImmediate(() => void this.end());
        return process.pid;
    }
  }

  /** The path of the file; who reads it removes it. */
  #writeDown(directory: string, { process: wanted }: EnterTerminal, args: readonly string[]): string {
    const path = join(directory, `exec-${this.#written++}.json`);
    writeFileSync(path, JSON.stringify({ ...wanted, args }), { mode: 0o600 });
    return path;
  }

  #named(id: string): KeptContainer {
    const container = this.#containers.get(id);
    if (container === undefined) throw new KeeperFailure("CreateContainerError", `there is no container ${id}`);
    return container;
  }

  #running(id: string): KeptContainer {
    const container = this.#named(id);
    if (container.pid === 0) throw new KeeperFailure("ExecError", "the container does not run");
    return container;
  }

  #ofPod(uid: string): readonly KeptContainer[] {
    return [...this.#containers.values()].filter(({ spec }) => spec.uid === uid);
  }

  #usage(): readonly KeptUsage[] {
    const all = allProcesses();
    const byPid = new Map(all.map((each) => [each.pid, each]));
    return [...this.#containers.values()].flatMap((container) => {
      if (container.pid === 0) return [];
      const { id, name } = container.observed;
      const { cgroup } = container.spec;
      const own = container.processes(all).map((pid) => byPid.get(pid));
      const processes = own.length;
      if (cgroup !== undefined) return [{ container: id, name, processes, ...usageOf(cgroup) }];
      const sum = (of: "cpu_ms" | "memory_bytes"): number => own.reduce((total, each) => total + (each?.[of] ?? 0), 0);
      return [{ container: id, name, processes, cpu_ms: sum("cpu_ms"), memory_bytes: sum("memory_bytes") }];
    });
  }

  #changed(uid: string): void {
    for (const socket of this.#connections) send(socket, { changed: uid });
  }

  async end(): Promise<void> {
    this.#server.close();
    await Promise.all([...this.#containers.values()].map((container) => container.stop(END_GRACE_MS)));
    rmSync(join(this.#directory, SOCKET_FILE), { force: true });
    this.#ended();
  }
}

function entered({ file, args, env, cwd }: Command, pid: number, command: readonly string[]): Command {
  const words = [...args.map((arg) => arg.replaceAll("%p", String(pid))), ...command];
  const [first = "", ...others] = file === "" ? words : [file, ...words];
  return { file: first, args: others, env, cwd };
}

function send(socket: Socket, message: FromKeeper): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

function newestFirst(a: ContainerObserved, b: ContainerObserved): number {
  return b.createdAt_ms - a.createdAt_ms || b.attempt - a.attempt;
}

function podDirectories(directory: string): readonly string[] {
  return entriesOf(directory).filter((name) => existsSync(join(directory, name, "pod.json")));
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
