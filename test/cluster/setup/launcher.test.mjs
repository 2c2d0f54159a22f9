import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

/** A program in the real one's place: it says what it was given, then does as it is told. */
const PROGRAM = `
const [command, argument]: string[] = process.argv.slice(2).filter((word) => word !== "up");
if (command === "exit") process.exit(Number(argument));
if (command === "env") {
  const { NATS_SERVER, NATS_SERVER_VERSION, NODE_COMPILE_CACHE } = process.env;
  console.log(JSON.stringify({ NATS_SERVER, NATS_SERVER_VERSION, NODE_COMPILE_CACHE, node: process.versions.node, args: process.argv.slice(2) }));
} else {
  const stay = setInterval(() => {}, 1000);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => { console.log(signal); clearInterval(stay); process.channel?.unref(); });
  process.once("disconnect", () => { console.log("gone"); clearInterval(stay); });
  console.log("pid " + process.pid);
}
`;

/** A repository with the real launcher, the program above, and this repository's dependencies. */
let root;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "troupe-launcher-"));
  mkdirSync(join(root, "cluster"));
  for (const path of ["package.json", "package-lock.json", "cluster/troupe.mjs", "cluster/setup"]) {
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  }
  writeFileSync(join(root, "cluster/main.ts"), PROGRAM);
  writeFileSync(join(root, "nats-server"), "#!/bin/sh\necho nats-server: v2.11.3\n", { mode: 0o755 });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function launch(args, env = {}) {
  const child = spawn(process.execPath, [join(root, "cluster/troupe.mjs"), ...args], {
    env: { ...process.env, XDG_CACHE_HOME: join(root, "cache"), NATS_SERVER: join(root, "nats-server"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", stderr: "" };
  let look = () => {};
  child.stdout.on("data", (chunk) => {
    printed.stdout += chunk;
    look();
  });
  child.stderr.on("data", (chunk) => {
    printed.stderr += chunk;
  });
  return {
    child,
    /** Resolves when both the launcher and whoever has its output are gone. */
    ended: new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, ...printed }))),
    pid: () =>
      new Promise((resolve) => {
        look = () => {
          const pid = /^pid (\d+)$/m.exec(printed.stdout)?.[1];
          if (pid) resolve(Number(pid));
        };
        look();
      }),
  };
}

describe("the launcher", () => {
  test("leaves alone what others use behind a link, where that is not what is wanted", async () => {
    const other = mkdtempSync(join(tmpdir(), "troupe-linked-"));
    onTestFinished(() => rmSync(other, { recursive: true, force: true }));
    mkdirSync(join(other, "installed"));
    writeFileSync(join(other, "installed", "kept"), "");
    cpSync(root, join(other, "clone"), { recursive: true, filter: (path) => !path.endsWith("node_modules") });
    symlinkSync(join(other, "installed"), join(other, "clone", "node_modules"));
    const { status, stderr } = spawnSync(process.execPath, [join(other, "clone/cluster/troupe.mjs"), "up", "exit", "0"], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining("node_modules is a link")]);
    expect(readFileSync(join(other, "installed", "kept"), "utf8")).toBe("");
  });

  test("gives the program its arguments, the newer Node, nats-server and a compile cache", async () => {
    const { code, stdout, stderr } = await launch(["up", "env", "--flag", "a b"]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const seen = JSON.parse(stdout);
    expect(seen).toMatchObject({
      NATS_SERVER: join(root, "nats-server"),
      NATS_SERVER_VERSION: "2.11.3",
      args: ["up", "env", "--flag", "a b"],
    });
    expect(Number(seen.node.split(".")[0])).toBeGreaterThanOrEqual(24);
    expect(seen.NODE_COMPILE_CACHE).toContain("node_modules/.cache");
  });

  test.each([0, 1, 2, 77])("passes exit code %d on", async (code) => {
    expect((await launch(["exit", String(code)]).ended).code).toBe(code);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"])("passes %s on and waits for the program", async (signal) => {
    const { child, ended, pid } = launch(["stay"]);
    await pid();
    child.kill(signal);
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toBe(signal);
  });

  test("that is killed takes the program along", async () => {
    const { child, ended, pid } = launch(["stay"]);
    await pid();
    child.kill("SIGKILL");
    expect((await ended).stdout.trim().split("\n").at(-1)).toBe("gone");
  });

  test("says how a program ended that was killed", async () => {
    const { ended, pid } = launch(["stay"]);
    process.kill(await pid(), "SIGKILL");
    expect((await ended).code).toBe(128 + 9);
  });

  test("goes on with an older nats-server when told to, and says which", async () => {
    writeFileSync(join(root, "old-nats-server"), "#!/bin/sh\necho nats-server: v2.9.10\n", { mode: 0o755 });
    const { stdout } = await launch(["up", "env"], { NATS_SERVER: join(root, "old-nats-server") }).ended;
    expect(JSON.parse(stdout).NATS_SERVER_VERSION).toBe("2.9.10");
  });

  test("says in one line that NATS_SERVER is no nats-server", async () => {
    const { code, stdout, stderr } = await launch(["up", "env"], { NATS_SERVER: "/nowhere/nats-server" }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "troupe: NATS_SERVER names /nowhere/nats-server, which is not a nats-server that runs; name one that does, or unset it\n",
    );
  });

  test("looks for a nats-server only where one may be started", async () => {
    expect((await launch(["exit", "0"], { NATS_SERVER: "/nowhere/nats-server" }).ended).code).toBe(0);
  });

  test("asks npm for a newer Node where that of the machine is too old and no dependency is one, once", async () => {
    const old = mkdtempSync(join(tmpdir(), "troupe-old-node-"));
    onTestFinished(() => rmSync(old, { recursive: true, force: true }));
    const modules = join(old, "node_modules/troupe");
    for (const path of ["cluster/troupe.mjs", "cluster/setup"]) cpSync(join(ROOT, path), join(modules, path), { recursive: true });
    mkdirSync(join(modules, "dist/cluster"), { recursive: true });
    writeFileSync(join(modules, "dist/cluster/main.js"), "console.log(process.execPath)");
    writeFileSync(join(modules, "package.json"), '{"type":"module"}');
    mkdirSync(join(old, "node_modules/node/bin"), { recursive: true });
    writeFileSync(join(old, "node_modules/node/package.json"), '{"version":"22.1.0"}');
    const name = `node-${process.platform}-${process.arch}`;
    const npm = `
      const { mkdirSync, writeFileSync, symlinkSync } = require("node:fs");
      if (process.argv.at(-1) !== "${name}@24") process.exit(1);
      mkdirSync("node_modules/${name}/bin", { recursive: true });
      writeFileSync("node_modules/${name}/package.json", '{"version":"24.1.0"}');
      symlinkSync(${JSON.stringify(process.execPath)}, "node_modules/${name}/bin/node");`;
    writeFileSync(join(old, "npm-cli.js"), npm);
    const aged = "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})";
    const start = (env) => {
      const args = ["--import", aged, join(modules, "cluster/troupe.mjs"), "version"];
      return spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, XDG_CACHE_HOME: join(old, "cache"), ...env } });
    };
    const first = start({ npm_execpath: join(old, "npm-cli.js") });
    expect(first).toMatchObject({ status: 0, stderr: "troupe: fetching Node 24 (once)\n" });
    expect(start({ npm_execpath: "/nowhere/npm.js" })).toMatchObject({ status: 0, stdout: `${process.execPath}\n`, stderr: "" });
  });

  test("without an npm that works says so and what npm said", async () => {
    const bare = join(root, "bare");
    mkdirSync(join(bare, "bin"), { recursive: true });
    for (const path of ["package.json", "package-lock.json"]) cpSync(join(ROOT, path), join(bare, path));
    cpSync(join(ROOT, "cluster/troupe.mjs"), join(bare, "cluster/troupe.mjs"));
    cpSync(join(ROOT, "cluster/setup"), join(bare, "cluster/setup"), { recursive: true });
    writeFileSync(join(bare, "cluster/main.ts"), "");
    writeFileSync(join(bare, "bin/npm"), "#!/bin/sh\necho the registry is closed >&2\nexit 1\n", { mode: 0o755 });
    const child = spawn(process.execPath, [join(bare, "cluster/troupe.mjs"), "up"], {
      env: { PATH: `${join(bare, "bin")}:/usr/bin:/bin`, HOME: bare },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      "troupe: installing dependencies (once)",
      "the registry is closed",
      expect.stringMatching(/^troupe: npm ci failed, so the dependencies are not installed/),
    ]);
  });
});

test("the lock file names no registry and every platform's packages", () => {
  const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  expect(text).not.toContain('"resolved"');
  const { packages } = JSON.parse(text);
  const missing = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))),
  );
  expect(missing).toEqual([]);
});
