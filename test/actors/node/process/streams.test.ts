import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContainerObserved, ContainerSpec } from "../../../../actors/node/container-runtime.ts";
import { catalogOf } from "../../../../actors/node/process/catalog.ts";
import { findIsolation, findTools, type Isolation } from "../../../../actors/node/process/isolation.ts";
import { endKeeper } from "../../../../actors/node/process/keeper-client.ts";
import { ProcessRuntime } from "../../../../actors/node/process/process-runtime.ts";
import { type Ended, Frames, frame } from "../../../../actors/node/streaming/frames.ts";
import { dial, openDoor, type StreamAsked } from "../../../../actors/node/streaming/stream-door.ts";
import { until } from "../../../../cluster/chaos/until.ts";
import { systemClock } from "../../../../runtime/mod.ts";
import { PLAIN, PLAIN_POD } from "./container-spec.ts";

const best = await findIsolation(mkdtempSync(join(tmpdir(), "troupe-isolation-")), await findTools());
const ISOLATIONS: readonly Isolation[] =
  best === "none" ? ["none"] : best === "user-namespace" ? [best, "none"] : ["mount-namespace", "user-namespace", "none"];
const UID = "2f6b0f0e-0000-4000-8000-000000000002";
const ALL = { stdin: true, stdout: true, stderr: true, tty: false };

/** One who has opened a door. */
class Reader {
  readonly socket: Socket;
  /** What came on each channel. */
  readonly text = new Map<number, string>();
  readonly ended: Promise<Ended | undefined>;

  constructor(socket: Socket) {
    this.socket = socket;
    const frames = new Frames();
    socket.on("data", (bytes: Buffer) => {
      for (const { channel, payload } of frames.take(bytes)) this.text.set(channel, (this.text.get(channel) ?? "") + payload);
    });
    socket.resume();
    this.ended = new Promise((resolve) =>
      socket.once("close", () => resolve(this.text.has(3) ? (JSON.parse(this.text.get(3) ?? "") as Ended) : undefined)),
    );
  }

  get out(): string {
    return (this.text.get(1) ?? "").replaceAll("\r", "");
  }

  say(channel: number, text: string): void {
    this.socket.write(frame(channel, Buffer.from(text)));
  }

  printed(text: string): Promise<unknown> {
    return until(JSON.stringify(text), () => this.out.includes(text));
  }
}

describe.each(ISOLATIONS)("streams of processes, isolation %s", (isolation) => {
  const root = mkdtempSync(join(tmpdir(), "troupe-streams-"));
  const directory = join(root, "pods");
  let runtime: ProcessRuntime;
  let sandbox: string;
  let beside: string;

  beforeAll(async () => {
    runtime = await ProcessRuntime.begin({ directory, catalog: catalogOf({ images: {} }), clock: systemClock(), isolation });
    sandbox = (await runtime.runSandbox({ ...PLAIN_POD, uid: UID, address: "127.64.0.10" })).id;
    beside = await run("beside", ["sleep", "1000"]);
  }, 60_000);
  afterAll(async () => {
    await runtime.removePod(UID);
    await runtime.close();
    await endKeeper(directory);
    rmSync(root, { recursive: true, force: true });
  });

  async function run(name: string, command: readonly string[], rest: Partial<ContainerSpec> = {}): Promise<string> {
    const env = [{ name: "A", value: "it's" }];
    const id = await runtime.createContainer(sandbox, { ...PLAIN, name, command, workingDir: "/tmp", env, ...rest });
    await runtime.startContainer(id);
    return id;
  }
  const opened = async (id: string, asked: StreamAsked): Promise<Reader> => {
    const { socket, answer } = await openDoor(await runtime.stream(id, asked));
    expect(answer.failure).toBeUndefined();
    return new Reader(socket);
  };
  const exec = (script: string, wanted: Partial<typeof ALL> = {}): Promise<Reader> =>
    opened(beside, { op: "exec", command: ["sh", "-c", script], ...ALL, ...wanted });

  test("exec: the streams are apart, the input ends, the exit code is told", async () => {
    const reader = await exec('echo "$A $PWD"; cat; echo err >&2; exit 5');
    reader.say(0, "typed\n");
    reader.say(255, "\0");
    expect(await reader.ended).toEqual({ exitCode: 5 });
    expect([reader.out, reader.text.get(2)]).toEqual(["it's /tmp\ntyped\n", "err\n"]);
  });

  test("exec: without a command there is nothing to run", async () => {
    const { answer } = await openDoor(await runtime.stream(beside, { op: "exec", command: [], ...ALL }));
    expect(answer.failure?.message).toBe("there is no command to run");
  });

  test("a connection is told of no container before it has said what it is for", async () => {
    const { path, opening } = await runtime.stream(beside, { op: "attach", ...ALL });
    const socket = await dial(path);
    let heard = "";
    socket.on("data", (bytes: Buffer) => {
      heard += bytes;
    });
    await run("other", ["true"]);
    socket.write(`${opening}\n`);
    await until("an answer", () => heard.includes("\n"));
    expect(heard).toBe('{"id":0,"answer":null}\n');
    socket.destroy();
  });

  test("exec: many bytes come through whole, both ways", async () => {
    const reader = await exec("cat");
    const piece = "0123456789abcdef".repeat(2_048);
    for (let index = 0; index < 100; index++) reader.say(0, piece);
    reader.say(255, "\0");
    expect(await reader.ended).toEqual({ exitCode: 0 });
    expect(reader.out === piece.repeat(100)).toBe(true);
  });

  test("exec: a terminal, of the size that was said first, and told of the next", async () => {
    const reader = await exec(
      // stty sets rows and columns one after the other.
      `tty; stty size; echo $TERM; trap 'stty size; [ "$(stty size)" = "33 99" ] && exit 4' WINCH; echo waits; while :; do read line; done`,
      { tty: true },
    );
    reader.say(4, '{"Width":111,"Height":40}');
    await reader.printed("waits\n");
    expect(reader.out).toMatch(/^\/dev\/pts\/\d+\n40 111\nxterm\nwaits\n/);
    reader.say(4, '{"Width":99,"Height":33}');
    expect(await reader.ended).toEqual({ exitCode: 4 });
    expect(reader.out).toContain("33 99\n");
  });

  test("exec: ^C is for whoever runs on the terminal", async () => {
    const reader = await exec("trap 'echo caught; exit 7' INT; echo waits; while :; do sleep 0.05; done", { tty: true });
    await reader.printed("waits");
    reader.say(0, "\x03");
    expect(await reader.ended).toEqual({ exitCode: 7 });
    expect(reader.out).toContain("caught");
  });

  test.each([false, true])("exec: who goes takes along what it has started (terminal: %s)", async (tty) => {
    const reader = await exec("echo $$; exec sleep 1000", { tty });
    await reader.printed("\n");
    const pid = Number(reader.out.trim());
    reader.socket.destroy();
    await until("its end", () => {
      try {
        return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      } catch {
        return true;
      }
    });
  });

  test("attach: what is printed from then on, and what is typed; its input ends with the first who is there, if it is to", async () => {
    const id = await run("once", ["sh", "-c", "while read line; do echo got $line; done; echo over; exit 3"], {
      stdin: true,
      stdinOnce: true,
    });
    const reader = await opened(id, { op: "attach", ...ALL });
    const other = await opened(id, { op: "attach", ...ALL, stdin: false });
    reader.say(0, "one\n");
    await Promise.all([reader.printed("got one\n"), other.printed("got one\n")]);
    reader.say(255, "\0");
    expect([await reader.ended, await other.ended]).toEqual([{ exitCode: 3 }, { exitCode: 3 }]);
    expect([reader.out, other.out]).toEqual(["got one\nover\n", "got one\nover\n"]);
    expect((await openDoor(await runtime.stream(id, { op: "attach", ...ALL }))).answer.failure?.message).toBe("the container does not run");
  });

  test("attach: a terminal of the container's own, which goes on when one leaves it", async () => {
    const script = "tty; while read line; do stty size; [ $line = end ] && exit 6; done";
    const id = await run("terminal", ["sh", "-c", script], { stdin: true, stdinOnce: true, tty: true });
    const first = await opened(id, { op: "attach", ...ALL, tty: true });
    first.say(4, '{"Width":77,"Height":22}');
    await until("the size", () => {
      first.say(0, "x\n");
      return first.out.includes("22 77\n");
    });
    first.socket.destroy();
    const second = await opened(id, { op: "attach", ...ALL, tty: true });
    second.say(0, "end\n");
    expect(await second.ended).toEqual({ exitCode: 6 });
    const ended = (await runtime.observe(UID)).containers.find((container) => container.id === id);
    expect(ended).toMatchObject({ state: "exited", exitCode: 6 });
    expect(readFileSync(ended?.logPath ?? "", "utf8")).toMatch(/ stdout F \/dev\/pts\/\d+/);
  });

  test("a terminal's command that cannot be run says so; one that does not listen is killed", async () => {
    await expect(run("absent", ["no-such-command"], { tty: true })).rejects.toThrow("no-such-command");
    const id = await run("deaf", ["sh", "-c", "trap '' TERM HUP; echo deaf; while :; do sleep 0.1; done"], { tty: true });
    const seen = async (): Promise<ContainerObserved | undefined> =>
      (await runtime.observe(UID)).containers.find((container) => container.id === id);
    const logPath = (await seen())?.logPath ?? "";
    await until("its word", () => existsSync(logPath) && readFileSync(logPath, "utf8").includes("deaf"));
    await runtime.stopContainer(id, 100);
    expect(await seen()).toMatchObject({
      state: "exited",
      exitCode: 137,
    });
  });
});
