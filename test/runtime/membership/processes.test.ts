import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ASK_FAILURES } from "../../../runtime/mod.ts";
import { TestNatsServer } from "../nats-server.ts";
import type { FromProcess, Report, Setting, ToProcess, TurnLine } from "./process-protocol.ts";

const LEASE_MS = 2_000;
const ADDRESSES = 200;
/** As the kernel's issue wants it: far longer than a lease. */
const STOPPED_MS = 20_000;
/** Turns that may begin between two looks at the clock: a process that is stopped there has them before it sees how late it is. */
const TURNS_UNLOOKED = 8;

const folder = mkdtempSync(join(tmpdir(), "troupe-members-"));
const server = new TestNatsServer(1_048_576, { jetStream: true });
const children: HostProcess[] = [];

/** A host in a process of its own. */
class HostProcess {
  readonly name: string;
  readonly journal: string;
  readonly #child: ChildProcess;

  constructor(name: string) {
    this.name = name;
    this.journal = join(folder, `${name}.jsonl`);
    const setting: Setting = { url: server.url, name, journal: this.journal, lease_ms: LEASE_MS, addresses: ADDRESSES };
    this.#child = fork(new URL("./host-process.ts", import.meta.url), [JSON.stringify(setting)], { execArgv: [] });
    children.push(this);
  }

  static async join(name: string): Promise<HostProcess> {
    const process = new HostProcess(name);
    await process.#hear("joined");
    process.tell({ type: "traffic", on: true });
    return process;
  }

  tell(message: ToProcess): void {
    this.#child.send(message);
  }

  async report(): Promise<Report> {
    const answer = this.#hear("report");
    this.tell({ type: "report" });
    return answer;
  }

  async leave(): Promise<void> {
    const left = this.#hear("left");
    this.tell({ type: "leave" });
    await left;
    await this.#ended();
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended();
  }

  turns(): TurnLine[] {
    const lines = readFileSync(this.journal, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as TurnLine);
  }

  async #ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }

  #hear<Type extends FromProcess["type"]>(type: Type): Promise<Extract<FromProcess, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromProcess): void => {
        if (message.type === type) settle(() => resolve(message as Extract<FromProcess, { type: Type }>));
      };
      const onExit = (): void => settle(() => reject(new Error(`${this.name} ended before it said ${type}`)));
      const settle = (then: () => void): void => {
        this.#child.off("message", onMessage).off("exit", onExit);
        then();
      };
      this.#child.on("message", onMessage).on("exit", onExit);
    });
  }
}

beforeAll(() => server.start());
afterAll(async () => {
  for (const child of children) await child.kill();
  await server.end();
  rmSync(folder, { recursive: true, force: true });
});

/** All addresses have been asked for, and each is active on exactly one of these hosts. */
async function allInOnePlace(hosts: readonly HostProcess[]): Promise<void> {
  await vi.waitFor(async () => {
    const reports = await Promise.all(hosts.map((host) => host.report()));
    for (const report of reports) expect([...report.members].sort()).toEqual(hosts.map(({ name }) => name).sort());
    const active = reports.flatMap((report) => report.active);
    expect(new Set(active).size).toBe(active.length);
    expect(active.length).toBe(ADDRESSES);
  }, 20_000);
}

const turnsWithin = (turns: readonly TurnLine[], ms: number): boolean =>
  turns.some(({ at }) => Number(process.hrtime.bigint()) - at < ms * 1e6);

test("hosts of three processes join, leave, are killed and stopped under traffic, and every actor is in one place", async () => {
  const [a, b, c] = await Promise.all([HostProcess.join("a"), HostProcess.join("b"), HostProcess.join("c")]);
  await allInOnePlace([a, b, c]);

  const d = await HostProcess.join("d");
  await allInOnePlace([a, b, c, d]);
  await d.leave();
  await allInOnePlace([a, b, c]);
  const soFar = await Promise.all([a, b, c].map((host) => host.report()));
  for (const { asked } of soFar) {
    const failed = asked.ended - asked.answered;
    expect(failed / asked.ended, `who joins and leaves in good order disturbs hardly anybody: ${JSON.stringify(asked)}`).toBeLessThan(0.01);
  }

  await c.kill();
  await allInOnePlace([a, b]);

  const { incarnation, active } = await b.report();
  b.signal("SIGSTOP");
  const stopped = delay(STOPPED_MS);
  await allInOnePlace([a]);
  expect(turnsWithin(a.turns(), 1_000)).toBe(true);
  await stopped;
  b.signal("SIGCONT");
  await allInOnePlace([a, b]);
  const again = await b.report();
  expect(again.incarnation).toBeGreaterThan(incarnation);
  expect(again.fenced).toBeGreaterThanOrEqual(active.length);

  for (const host of [a, b]) host.tell({ type: "traffic", on: false });
  const ends = await vi.waitFor(async () => {
    const reports = await Promise.all([a, b].map((host) => host.report()));
    for (const { asked } of reports) expect(asked.ended).toBe(asked.begun);
    return reports;
  }, 10_000);
  for (const { asked } of ends) {
    expect(Object.keys(ASK_FAILURES)).toEqual(expect.arrayContaining(Object.keys(asked.codes)));
    expect(asked.answered).toBeGreaterThan(ADDRESSES);
  }

  const turns = [a, b, c, d].flatMap((host) => host.turns()).sort((one, other) => one.at - other.at);
  const seen = new Map<string, TurnLine>();
  const newest = new Map<string, TurnLine>();
  let late = 0;
  for (const turn of turns) {
    const activation = `${turn.address} ${turn.epoch}`;
    const before = seen.get(activation);
    expect({ ...turn, host: before?.host ?? turn.host, count: (before?.count ?? 0) + 1 }, "an epoch is one activation's").toEqual(turn);
    seen.set(activation, turn);
    const last = newest.get(turn.address);
    if (last !== undefined && last.epoch > turn.epoch) {
      late += 1;
      expect(turn.host, "only who was stopped in the middle can be late").toBe("b");
    } else newest.set(turn.address, turn);
  }
  expect(late).toBeLessThanOrEqual(TURNS_UNLOOKED);
  expect(newest.size).toBe(ADDRESSES);
}, 90_000);
