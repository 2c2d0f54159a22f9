import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { Ledger } from "../../cluster/chaos/ledger.ts";
import { until } from "../../cluster/chaos/until.ts";
import { seededRandom } from "../../runtime/mod.ts";
import { Launch } from "./launch.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** Room for a cluster and some, full within seconds. */
const DISK_BYTES = 48 * 1024 * 1024;
/** What is left when a start is tried: nothing, a page, and more than some of the files that it makes. */
const ROOMS_BYTES = [0, 4_096, 16_384, 65_536, 262_144];
const FILLER_STEP_BYTES = 64 * 1024;
/** A disk that hangs so often, for so long. */
const HANGS = 8;
const HANG_MS = 1_000;
/** Whatever the disk does, a client hears within less than client-go waits for a write. */
const ANSWERED_MS_MAX = 20_000;
const PATH = "/api/v1/namespaces/default/configmaps";

/** Only root may mount. */
const mayMount = process.platform === "linux" && process.getuid?.() === 0;

let directory: string | undefined;
let troupe: Troupe | undefined;
afterEach(async () => {
  await troupe?.discard();
  if (directory !== undefined) {
    execFileSync("umount", [join(directory, "disk")], { stdio: "ignore" });
    rmSync(directory, { recursive: true });
  }
  troupe = undefined;
  directory = undefined;
});

/** A small disk, mounted; skips the test where that is not allowed. */
function mountDisk(skip: (why: string) => void): string {
  const made = mkdtempSync(join(tmpdir(), "troupe-disk-"));
  const disk = join(made, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", disk], { stdio: "ignore" });
  } catch {
    rmSync(made, { recursive: true });
    skip("a tmpfs cannot be mounted here");
  }
  directory = made;
  return disk;
}

/** Takes all the room that is left. */
function fill(disk: string): string {
  const filler = join(disk, "filler");
  const content = Buffer.alloc(FILLER_STEP_BYTES);
  writeFileSync(filler, "");
  for (let room = statfsSync(disk); room.bavail * room.bsize > 0; room = statfsSync(disk)) {
    try {
      writeFileSync(filler, content.subarray(0, Math.min(content.length, room.bavail * room.bsize)), { flag: "a" });
    } catch {
      break;
    }
  }
  return filler;
}

/** Holds the API to its promises through trouble with the store: `begin` makes it, `end` takes it away. */
async function through(running: Troupe, begin: () => Promise<void>, end: () => Promise<void>): Promise<void> {
  const random = seededRandom(3);
  const ledger = new Ledger((bound) => random.below(bound));
  const client = new ApiClient(readKubeconfig(running.kubeconfig), 1);
  const done = new AbortController();
  const writing = ledger.write(running.kubeconfig, done.signal);
  try {
    await until("writes", () => ledger.acknowledged > 200);
    await begin();
    // Put off is 503 with Retry-After; anything else is a fault in the ledger's book.
    await until("a write that is put off", () => ledger.putOff > 0);
    for (const path of [`${PATH}?resourceVersion=0`, "/api/v1/namespaces/default?resourceVersion=0"])
      expect((await client.send({ method: "GET", path }, true)).status, path).toBe(200);
    const before = ledger.acknowledged;
    await end();
    await until("writes again", () => ledger.acknowledged > before + 200);
    done.abort();
    await writing;
    expect(await ledger.complaints(running.kubeconfig)).toEqual([]);
  } finally {
    done.abort();
    await writing;
    await client.close();
  }
  await running.stop();
}

describe.skipIf(!mayMount)(
  "a full disk (needs root, to mount a small one): writes are put off, reads go on, all is well when there is room",
  () => {
    test("and nothing else", async ({ skip }) => {
      const disk = mountDisk(skip);
      troupe = await Troupe.up(join(disk, "troupe/data"), ["--only", "api"]);
      let filler = "";
      await through(
        troupe,
        async () => {
          filler = fill(disk);
        },
        async () => rmSync(filler),
      );
    });

    test("and nats-server dies meanwhile, and has to start without room", async ({ skip }) => {
      const disk = mountDisk(skip);
      troupe = await Troupe.up(join(disk, "troupe/data"), ["--only", "api"]);
      const { launch } = troupe;
      let filler = "";
      await through(
        troupe,
        async () => {
          filler = fill(disk);
          const [old = 0] = launch.natsServerPids;
          process.kill(old, "SIGKILL");
          await until("another nats-server", () => launch.natsServerPids.some((pid) => pid !== old));
        },
        async () => rmSync(filler),
      );
    });
  },
);

describe.skipIf(!mayMount)("a start on a disk without room (needs root, to mount a small one)", () => {
  test("says so, or works; and when there is room everything is there", async ({ skip }) => {
    const disk = mountDisk(skip);
    const data = join(disk, "troupe/data");
    troupe = await Troupe.up(data, ["--only", "api"]);
    await troupe.kubectl.ok(["create", "configmap", "kept", "--from-literal=a=b"]);
    await troupe.stop();
    for (const room of ROOMS_BYTES) {
      const filler = fill(disk);
      truncateSync(filler, Math.max(0, statSync(filler).size - room));
      const { stderr, ready } = await startIn(data);
      if (!ready) expect(stderr, `${room} bytes of room`).toMatch(/^troupe: [^\n]*(ENOSPC|no space|room|nats-server)[^\n]*$/m);
      rmSync(filler);
      troupe = await Troupe.up(data, ["--only", "api"]);
      expect(await troupe.kubectl.ok(["get", "configmap", "kept", "-o", "name"])).toBe("configmap/kept");
      await troupe.stop();
    }
    const filler = fill(disk);
    const fresh = await startIn(join(disk, "other/data"));
    expect(fresh.ready).toBe(false);
    expect(fresh.stderr).toMatch(/^troupe: cannot write the data directory .* \(ENOSPC\)/m);
    rmSync(filler);
  });

  /** A start that may fail, stopped again when it does not. */
  async function startIn(data: string): Promise<{ readonly ready: boolean; readonly stderr: string }> {
    const launch = new Launch(data, ["--only", "api"]);
    try {
      const ready = await launch.readyLine().then(
        () => true,
        () => false,
      );
      if (ready) launch.child.kill("SIGTERM");
      await launch.ended;
      return { ready, stderr: launch.stderr };
    } finally {
      launch.killAll();
    }
  }
});

/** strace, attached to the server, holds every sync up for so long, as a disk that is at its end does. */
function slowDisk(pid: number, sync_ms: number): ChildProcess {
  const inject = `inject=fsync,fdatasync:delay_exit=${sync_ms * 1_000}`;
  return spawn("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject, "-p", String(pid)], {
    stdio: "ignore",
  });
}

/** Whether strace is there and may attach to processes here. */
function mayTrace(): boolean {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const traced = spawnSync("timeout", ["--signal=INT", "1", "strace", "-qq", "-o", "/dev/null", "-p", String(child.pid)], {
    stdio: "ignore",
  });
  child.kill("SIGKILL");
  // timeout's own code: strace was attached until then.
  return traced.status === 124;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  await exit;
}

/** They wait for as long as a slow disk takes, which is a minute. */
describe.runIf(process.env.TROUPE_LONG !== undefined && mayTrace())("a disk whose syncs take seconds (TROUPE_LONG=1, needs strace)", () => {
  test.each([
    ["longer than JetStream may take to acknowledge, less than a write waits: writes are slow, and happen once", 3_000, false],
    ["longer than a write waits: writes are put off, in bounded time", 20_000, true],
  ])("%s", async (_what, sync_ms, puttingOff) => {
    troupe = await Troupe.up(freshDataDirectory(), ["--only", "api"]);
    const running = troupe;
    const [server = 0] = running.launch.natsServerPids;
    const random = seededRandom(6);
    const ledger = new Ledger((bound) => random.below(bound));
    const client = new ApiClient(readKubeconfig(running.kubeconfig), 1);
    const done = new AbortController();
    const writing = ledger.write(running.kubeconfig, done.signal);
    let disk: ChildProcess | undefined;
    try {
      await until("writes", () => ledger.acknowledged > 200);
      disk = slowDisk(server, sync_ms);
      const [acknowledged, putOff] = [ledger.acknowledged, ledger.putOff];
      await until("what the disk does to writes", () => (puttingOff ? ledger.putOff > putOff : ledger.acknowledged > acknowledged + 20));
      const asked_ms = performance.now();
      const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "slow" } });
      const { status, retryAfter_s } = await client.send({ method: "POST", path: PATH, body }, true);
      expect(performance.now() - asked_ms).toBeLessThan(ANSWERED_MS_MAX);
      expect(puttingOff ? { status, retried: retryAfter_s > 0 } : { status }).toEqual(
        puttingOff ? { status: 503, retried: true } : { status: 201 },
      );
      const read_ms = performance.now();
      expect((await client.send({ method: "GET", path: `${PATH}?resourceVersion=0` }, true)).status).toBe(200);
      expect(performance.now() - read_ms).toBeLessThan(sync_ms / 2);
      await ended(disk);
      const before = ledger.acknowledged;
      await until("writes again", () => ledger.acknowledged > before + 200);
    } finally {
      disk?.kill("SIGKILL");
      done.abort();
      await writing;
      await client.close();
    }
    // Nothing was applied twice: the ledger knows uid and revision of every state.
    expect(await ledger.complaints(running.kubeconfig)).toEqual([]);
    if (!puttingOff) expect(ledger.putOff).toBe(0);
    await running.stop();
  });
});

describe("a nats-server that does not answer", () => {
  test("for longer than a write waits: writes are put off, reads of what is known go on, all is well when it answers again", async () => {
    const data = freshDataDirectory();
    troupe = await Troupe.up(data, ["--only", "api"]);
    const [server = 0] = troupe.launch.natsServerPids;
    await through(
      troupe,
      async () => void process.kill(server, "SIGSTOP"),
      async () => void process.kill(server, "SIGCONT"),
    );
  });

  test("but now and then, as on a disk that hangs: writes are slow, and none is lost", async () => {
    troupe = await Troupe.up(freshDataDirectory(), ["--only", "api"]);
    const running = troupe;
    const [server = 0] = running.launch.natsServerPids;
    const random = seededRandom(4);
    const ledger = new Ledger((bound) => random.below(bound));
    const done = new AbortController();
    const writing = ledger.write(running.kubeconfig, done.signal);
    for (let hang = 0; hang < HANGS; hang++) {
      const before = ledger.acknowledged;
      await until("writes", () => ledger.acknowledged > before);
      process.kill(server, "SIGSTOP");
      await delay(HANG_MS);
      process.kill(server, "SIGCONT");
    }
    done.abort();
    await writing;
    // A hang is shorter than what a write waits for.
    expect(ledger.putOff).toBe(0);
    expect(await ledger.complaints(running.kubeconfig)).toEqual([]);
    await running.stop();
  });
});
