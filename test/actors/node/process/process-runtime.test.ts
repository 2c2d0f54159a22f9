import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod, chown, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ContainerObserved, type ContainerSpec, RuntimeFailure } from "../../../../actors/node/container-runtime.ts";
import { catalogOf } from "../../../../actors/node/process/catalog.ts";
import { findIsolation, findTools, type Isolation } from "../../../../actors/node/process/isolation.ts";
import { endKeeper } from "../../../../actors/node/process/keeper-client.ts";
import { ProcessRuntime } from "../../../../actors/node/process/process-runtime.ts";
import { systemClock } from "../../../../runtime/mod.ts";
import { processesThatMention } from "../../../scenarios/processes.ts";
import { PLAIN, PLAIN_POD } from "./container-spec.ts";

const best = await findIsolation(mkdtempSync(join(tmpdir(), "troupe-isolation-")), await findTools());
/** Those that this machine has; what it has not cannot be tried on it. */
const ISOLATIONS: readonly Isolation[] =
  best === "none" ? ["none"] : best === "user-namespace" ? [best, "none"] : ["mount-namespace", "user-namespace", "none"];
/** In no PATH. */
const PROGRAM = join(mkdtempSync(join(tmpdir(), "troupe-program-")), "own-program");
const CATALOG = catalogOf({
  images: {
    greeter: { entrypoint: ["/bin/sh", "-c"], command: ["echo hello $WHO"], env: { WHO: "catalog" } },
    own: { needs: PROGRAM, command: ["own-program"], stopSignal: "SIGUSR1" },
  },
});
afterAll(() => rmSync(dirname(PROGRAM), { recursive: true, force: true }));
/** Whether a process is there that has not ended: one whose parent has not heard yet has. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** On a busy machine, too. */
const SOON = { timeout: 20_000 };
const UID = "2f6b0f0e-0000-4000-8000-000000000001";

describe.each(ISOLATIONS)("processes, isolation %s", (isolation) => {
  let root: string;
  let directory: string;
  let runtime: ProcessRuntime;
  let sandbox: string;
  const begin = (): Promise<ProcessRuntime> => ProcessRuntime.begin({ directory, catalog: CATALOG, clock: systemClock(), isolation });

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "troupe-processes-"));
    directory = join(root, "pods");
    runtime = await begin();
    const dns = { nameservers: ["127.96.0.10"], searches: ["d.svc.cluster.local"], options: ["ndots:5"] } as const;
    const hostAliases = [{ address: "10.1.2.3", names: ["alias"] }];
    sandbox = (await runtime.runSandbox({ ...PLAIN_POD, uid: UID, address: "127.64.0.9", dns, hostAliases })).id;
  }, 60_000);
  afterEach(async () => {
    for (const { id } of (await runtime.observe(UID)).containers) await runtime.removeContainer(id);
  });
  afterAll(async () => {
    await runtime.close();
    await endKeeper(directory);
    rmSync(root, { recursive: true, force: true });
  });

  const spec = (command: readonly string[] | undefined, rest: Partial<ContainerSpec> = {}): ContainerSpec => ({
    ...PLAIN,
    command,
    ...rest,
  });
  const run = async (command: readonly string[] | undefined, rest: Partial<ContainerSpec> = {}): Promise<string> => {
    const id = await runtime.createContainer(sandbox, spec(command, rest));
    await runtime.startContainer(id);
    return id;
  };
  const sh = (script: string, rest: Partial<ContainerSpec> = {}): Promise<string> => run(["sh", "-c", script], rest);
  const find = async (id: string): Promise<ContainerObserved> => {
    const found = (await runtime.observe(UID)).containers.find((container) => container.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };
  /** When it has exited. */
  const exited = async (id: string): Promise<ContainerObserved> => {
    const { promise, resolve } = Promise.withResolvers<ContainerObserved>();
    const look = (): void =>
      void find(id).then(
        (found) => found.state === "exited" && resolve(found),
        () => {},
      );
    const watch = runtime.watch(UID, look);
    look();
    return promise.finally(() => watch.cancel());
  };
  const textOf = ({ logPath }: ContainerObserved): string =>
    readFileSync(logPath, "utf8")
      .split("\n")
      .map((line) => line.split(" ").slice(3).join(" "))
      .join("\n");

  test("text of any length and script reaches the keeper, and comes back, as it is", async () => {
    const image = "\u20ac".repeat(300_000);
    expect((await find(await runtime.createContainer(sandbox, spec(["true"], { image })))).image === image).toBe(true);
  });

  test("a command runs with its environment and nothing of Troupe's, and what it prints and comes to is known", async () => {
    const id = await sh('echo "$A $POD_IP"; env | grep -c TROUPE_STARTED_MS; echo bye >&2; exit 7', {
      env: [{ name: "A", value: 'it\'s "a"\n$b' }],
    });
    const found = await exited(id);
    expect(found).toMatchObject({ state: "exited", exitCode: 7, reason: "Error", attempt: 0 });
    expect(found.finishedAt_ms).toBeGreaterThanOrEqual(found.startedAt_ms);
    // What came by two streams has no order.
    expect(textOf(found).trim().split("\n").sort()).toEqual(["$b 127.64.0.9", "0", "bye", 'it\'s "a"']);
    expect(readFileSync(found.logPath, "utf8")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F it's "a"$/m);
  });

  test("an image of the catalog has its own command, which a container's arguments replace", async () => {
    expect(textOf(await exited(await run(undefined, { image: "greeter:1" })))).toBe("hello catalog\n");
    const args = { image: "greeter", args: ["echo bye $WHO"], attempt: 1, env: [{ name: "WHO", value: "me" }] };
    expect(textOf(await exited(await run(undefined, args)))).toBe("bye me\n");
  });

  test("the program that an image needs is found where Troupe has found it, and is asked to end by the image's signal", async () => {
    writeFileSync(PROGRAM, '#!/bin/sh\ntrap "echo asked; exit 0" USR1\necho ready\nwhile :; do sleep 0.05; done\n', { mode: 0o755 });
    const id = await run(undefined, { image: "own" });
    await expect.poll(async () => textOf(await find(id)), SOON).toBe("ready\n");
    await runtime.stopContainer(id, SOON.timeout);
    const found = await find(id);
    expect([found.exitCode, textOf(found)]).toEqual([0, "ready\nasked\n"]);
  });

  test("what it prints to can be opened like a file", async () => {
    const found = await exited(await sh("echo printed >/dev/stdout; echo wrong >/dev/stderr"));
    expect([found.exitCode, textOf(found).trim().split("\n").sort()]).toEqual([0, ["printed", "wrong"]]);
  });

  test("its files are where it looks for them, or where its variables say", async () => {
    const volume = join(root, "a volume");
    rmSync(volume, { recursive: true, force: true });
    const mounts = [
      { hostPath: volume, containerPath: "/srv/made up/volume", subPath: "", readOnly: false, volume: "v" },
      { hostPath: volume, containerPath: "/var/run/secrets/kubernetes.io/serviceaccount", subPath: "", readOnly: true, volume: "v" },
    ];
    const script =
      'echo in >"$TROUPE_PATH_SRV_MADE_UP_VOLUME/file"; cat "$TROUPE_PATH_VAR_RUN_SECRETS_KUBERNETES_IO_SERVICEACCOUNT/file"; echo said >"$TROUPE_TERMINATION_LOG"; touch "$TROUPE_SCRATCH/x" && echo scratch; grep alias "$TROUPE_PATH_ETC_HOSTS"; cat "$TROUPE_PATH_ETC_RESOLV_CONF"';
    const found = await exited(await sh(script, { mounts }));
    expect(textOf(found)).toBe("in\nscratch\n10.1.2.3\talias\nsearch d.svc.cluster.local\nnameserver 127.96.0.10\noptions ndots:5\n");
    expect(found.message).toBe("said\n");
    expect(readFileSync(join(volume, "file"), "utf8")).toBe("in\n");
    expect(existsSync("/srv/made up")).toBe(false);
    if (isolation === "none") return;
    const paths = await sh(
      'cat "/srv/made up/volume/file"; touch /var/run/secrets/kubernetes.io/serviceaccount/no 2>/dev/null || echo read-only; hostname',
      { mounts, attempt: 1 },
    );
    const log = textOf(await exited(paths));
    expect(log).toContain("in\n");
    expect(log).toContain("read-only\np\n");
  });

  test("a message falls back to the log where that is wanted", async () => {
    const terminationMessage = { path: "/dev/termination-log", fallsBackToLog: true };
    expect((await exited(await sh("echo why; exit 1", { terminationMessage }))).message).toBe("why\n");
  });

  test("a command that is not there cannot be run, and that is said", async () => {
    const id = await runtime.createContainer(sandbox, spec(["no-such-command"]));
    const refused = await runtime.startContainer(id).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RuntimeFailure);
    expect((refused as RuntimeFailure).message).toBe('exec: "no-such-command": executable file not found in $PATH');
    expect(await find(id)).toMatchObject({ state: "exited", exitCode: 128, reason: "ContainerCannotRun" });
  });

  test("who listens ends by itself, who does not is killed, and with it all that it has started", async () => {
    const polite = await sh("trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done");
    await expect.poll(async () => textOf(await find(polite)), SOON).toBe("up\n");
    await runtime.stopContainer(polite, 20_000);
    expect((await find(polite)).exitCode).toBe(3);
    // Without a mount namespace nobody knows whose a process is that has left the session.
    const away = isolation === "none" ? "sleep" : "setsid sleep";
    const deaf = await sh(`trap '' TERM; ${away} 987.6 & echo $!; while :; do sleep 0.1; done`, { attempt: 1 });
    await expect.poll(async () => textOf(await find(deaf)), SOON).toMatch(/^\d+\n/);
    const child = Number(textOf(await find(deaf)).trim());
    await runtime.stopContainer(deaf, 200);
    expect((await find(deaf)).exitCode).toBe(137);
    expect(isRunning(child)).toBe(false);
  });

  test("another command runs beside it, sees what it sees, and is cut off in time", async () => {
    const id = await sh("echo mine >$TROUPE_SCRATCH/it; while :; do sleep 0.1; done", { env: [{ name: "A", value: "b" }] });
    const limits = { timeout_ms: 10_000, output_bytes: 100 };
    await expect
      .poll(() => runtime.exec(id, ["sh", "-c", "cat $TROUPE_SCRATCH/it; echo $A >&2; exit 4"], limits))
      .toEqual({
        exitCode: 4,
        output: expect.stringMatching(/^(mine\nb|b\nmine)\n$/),
        timedOut: false,
      });
    expect(await runtime.exec(id, ["sleep", "60"], { ...limits, timeout_ms: 100 })).toMatchObject({ timedOut: true });
    expect((await runtime.exec(id, ["sh", "-c", "yes | head -c 100000"], limits)).output).toHaveLength(100);
    expect((await runtime.exec(id, ["no-such-command"], limits)).exitCode).not.toBe(0);
  });

  test("it goes on when nobody is connected, and who connects next finds what has become of it", async () => {
    const stays = await sh("while :; do sleep 0.1; done");
    const goes = await runtime.createContainer(sandbox, spec(["sh", "-c", "sleep 0.3; exit 5"], { name: "goes", attempt: 3 }));
    await runtime.startContainer(goes);
    await runtime.close();
    runtime = await begin();
    expect(await exited(goes)).toMatchObject({ exitCode: 5, attempt: 3 });
    expect((await find(stays)).state).toBe("running");
    expect((await runtime.observe(UID)).sandboxes).toEqual([{ id: sandbox, attempt: 0, ready: true, address: "127.64.0.9" }]);
    expect(await runtime.pods()).toEqual([UID]);
  });

  test("when the keeper dies it has ended, nobody knows how, and nothing of it runs on", async () => {
    const id = await sh("sleep 987.6 & echo $!; sleep 987.6");
    await expect.poll(async () => textOf(await find(id)), SOON).toMatch(/^\d+\n/);
    const child = Number(textOf(await find(id)).trim());
    for (const { pid } of processesThatMention(directory).filter(({ command }) => command.endsWith(directory)))
      process.kill(pid, "SIGKILL");
    await expect.poll(() => find(id).catch(() => undefined), SOON).toMatchObject({ state: "exited", exitCode: 255 });
    await expect.poll(() => isRunning(child), SOON).toBe(false);
    expect(textOf(await exited(await sh("echo again; umask", { attempt: 1 })))).toBe("again\n0022\n");
  });

  test.skipIf(isolation === "none")("it is whom it is told to be", async () => {
    const user = { uid: 4_321, gid: 1_234, groups: [], mustNotBeRoot: true, mayGainPrivileges: false };
    const found = await exited(
      await sh("id -u; id -g; grep NoNewPrivs /proc/self/status | cut -f2; echo ok >$TROUPE_SCRATCH/x && cat $TROUPE_SCRATCH/x", { user }),
    );
    expect(textOf(found)).toBe("4321\n1234\n1\nok\n");
    // Who is a user of others' alone is not called so by the machine.
    if (isolation === "mount-namespace") expect(found.user).toEqual({ uid: 4_321, gid: 1_234, groups: [1_234] });
    else expect(found.user).toBeUndefined();
  });

  test("it is run in no other way than the usual one", async () => {
    const asked = { ...PLAIN_POD, uid: "other", address: "127.64.0.10", handler: "gvisor" };
    await expect(runtime.runSandbox(asked)).rejects.toMatchObject({
      reason: "CreatePodSandboxError",
      message: 'no runtime for "gvisor" is configured',
    });
  });

  test.runIf(isolation === "none")("it is nobody else where users cannot be set apart, rather than root", async () => {
    const own = process.getuid?.() ?? 0;
    const asked = { gid: undefined, groups: [], mayGainPrivileges: true };
    const refused = { reason: "CreateContainerConfigError" };
    await expect(sh("true", { user: { ...asked, uid: own + 1, mustNotBeRoot: false } })).rejects.toMatchObject(refused);
    if (own === 0) await expect(sh("true", { user: { ...asked, uid: undefined, mustNotBeRoot: true } })).rejects.toMatchObject(refused);
  });

  test.skipIf(isolation !== "mount-namespace")(
    "it has its groups, also where its files need a root of their own, and writes where they may",
    async () => {
      const volume = join(root, "of-a-group");
      await mkdir(volume);
      await chown(volume, 0, 5_678);
      await chmod(volume, 0o2770);
      const mounts = ["/not-there/at-all", "/within"].map((containerPath) => ({
        hostPath: volume,
        subPath: containerPath === "/within" ? "a/b" : "",
        containerPath,
        readOnly: false,
        volume: "v",
      }));
      const user = { uid: 4_321, gid: 1_234, groups: [5_678], mustNotBeRoot: true, mayGainPrivileges: false };
      const script = "id -G; grep NoNewPrivs /proc/self/status | cut -f2; echo x >/within/f && cat /not-there/at-all/a/b/f";
      expect(textOf(await exited(await sh(script, { user, mounts })))).toBe("1234 5678\n1\nx\n");
    },
  );

  test.skipIf(isolation === "none")("whoever enters it as soon as it has begun finds its files", async () => {
    const volume = join(root, "at-once");
    await mkdir(volume);
    const mounts = [{ hostPath: volume, subPath: "", containerPath: "/nowhere/else", readOnly: false, volume: "v" }];
    for (let attempt = 0; attempt < 3; attempt++) {
      const id = await sh("sleep 987.6", { mounts, attempt });
      const { exitCode, output } = await runtime.exec(id, ["ls", "/nowhere/else"], { timeout_ms: 10_000, output_bytes: 100 });
      expect([exitCode, output]).toEqual([0, ""]);
      await runtime.stopContainer(id, 0);
    }
  });

  test.skipIf(isolation === "none")("a part of a volume is its own, and a link in it leads nobody out", async () => {
    const volume = join(root, "in-parts");
    await mkdir(join(volume, "real"), { recursive: true });
    writeFileSync(join(volume, "real/file"), "inside\n");
    symlinkSync("real", join(volume, "link"));
    symlinkSync("/etc", join(volume, "out"));
    const part = (subPath: string): ContainerSpec["mounts"] => [
      { hostPath: volume, subPath, containerPath: "/part", readOnly: false, volume: "v" },
    ];
    const read = (subPath: string, attempt: number): Promise<string> =>
      sh("cat /part/file /part 2>/dev/null", { mounts: part(subPath), attempt });
    expect(textOf(await exited(await read("link", 0)))).toBe("inside\n");
    expect(textOf(await exited(await read("real/file", 1)))).toBe("inside\n");
    await expect(read("out", 2)).rejects.toThrow('failed to prepare subPath for volumeMount "v" of container "c"');
    await expect(read("out/made", 3)).rejects.toThrow("failed to prepare subPath");
    // It is another thing by the time that it is mounted.
    const id = await runtime.createContainer(sandbox, spec(["true"], { mounts: part("real"), attempt: 4 }));
    renameSync(join(volume, "real"), join(volume, "moved"));
    symlinkSync("/etc", join(volume, "real"));
    await expect(runtime.startContainer(id)).rejects.toThrow("leads out of its volume");
  });

  test.skipIf(isolation === "none")("and so is what runs beside it, from the first moment on", async () => {
    const user = { uid: 4_321, gid: 1_234, groups: [], mustNotBeRoot: true, mayGainPrivileges: true };
    const id = await sh("setsid sleep 987.6 & sleep 987.6", { user });
    expect((await runtime.exec(id, ["id", "-u"], { timeout_ms: 10_000, output_bytes: 100 })).output).toBe("4321\n");
    await runtime.stopContainer(id, 0);
    expect(processesThatMention("TROUPE_SCRATCH").filter(({ command }) => command === "sleep 987.6")).toEqual([]);
  });

  test("one that prints without end harms nobody: it is slowed down, and the others go on", async () => {
    const loud = await sh("exec yes");
    const quiet = await sh("echo quiet", { name: "quiet" });
    expect(textOf(await exited(quiet))).toBe("quiet\n");
    await runtime.stopContainer(loud, 0);
    expect((await find(loud)).exitCode).not.toBe(0);
  });

  test("when its files are gone, its processes are", async () => {
    const other = join(root, "other");
    const short = await ProcessRuntime.begin({ directory: other, catalog: CATALOG, clock: systemClock(), isolation });
    const place = (await short.runSandbox({ ...PLAIN_POD, uid: "u", address: "127.64.0.9" })).id;
    const id = await short.createContainer(place, spec(["sh", "-c", "echo $$; exec sleep 987.6"]));
    await short.startContainer(id);
    const log = (await short.observe("u")).containers[0]?.logPath ?? "";
    await expect.poll(() => (existsSync(log) ? readFileSync(log, "utf8") : ""), SOON).not.toBe("");
    const pid = Number(readFileSync(log, "utf8").trim().split(" ").at(-1));
    await short.close();
    expect(isRunning(pid)).toBe(true);
    rmSync(other, { recursive: true, force: true });
    await expect.poll(() => isRunning(pid), SOON).toBe(false);
  });
});

test("an image that nobody knows is told how to be known", async () => {
  const directory = mkdtempSync(join(tmpdir(), "troupe-images-"));
  const runtime = await ProcessRuntime.begin({ directory, catalog: CATALOG, clock: systemClock(), isolation: "none" });
  writeFileSync(join(directory, "keeper.log"), "");
  const wanted = { image: "nobody/knows:1", policy: "IfNotPresent", hasCommand: false };
  await expect(runtime.ensureImage(wanted)).rejects.toMatchObject({
    reason: "ErrImagePull",
    message: expect.stringContaining("--catalog"),
  });
  await expect(runtime.ensureImage({ ...wanted, policy: "Never" })).rejects.toMatchObject({ reason: "ErrImageNeverPull" });
  expect(await runtime.ensureImage({ ...wanted, hasCommand: true })).toEqual({ id: "machine", present: true });
  expect(await runtime.ensureImage({ ...wanted, image: "greeter" })).toEqual({ id: "catalog/greeter", present: true });
  await runtime.close();
  rmSync(directory, { recursive: true, force: true });
});
