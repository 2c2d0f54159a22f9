import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { Kubectl } from "./kubectl.ts";
import { processesThatMention } from "./processes.ts";
import { runProgram } from "./run-program.ts";

const ROOT = join(import.meta.dirname, "../..");
/** What one waits for on a slow line. */
const PACKAGE_BYTES_MAX = 3_000_000;
/** A module that another one names, in what is left without types. */
const NAMED = /(?:from |import\(|import |URL\()"(\.{1,2}\/[^"]+)"/g;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** An empty folder, but for what `npm install troupe-x.y.z.tgz` puts there; no registry is asked, since a clone has all of it. */
const folder = mkdtempSync(join(tmpdir(), "troupe-package-"));
const installed = join(folder, "node_modules/troupe");
let packed: Packed;

beforeAll(() => {
  const answer = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: ROOT, encoding: "utf8" });
  packed = Object.values(JSON.parse(answer.slice(answer.search(/^[[{]/m))) as Record<string, Packed>)[0] as Packed;
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  execFileSync("tar", ["xzf", join(folder, packed.filename), "-C", join(folder, "node_modules")]);
  execFileSync("mv", [join(folder, "node_modules/package"), installed]);
  symlinkSync("../troupe/cluster/troupe.mjs", join(folder, "node_modules/.bin/troupe"));
  for (const name of dependencies()) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
});
afterAll(() => {
  for (const { pid } of processesThatMention(folder)) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** What npm installs with the package: nothing that only development needs. */
function dependencies(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, { dev?: boolean }> };
  return Object.entries(packages).flatMap(([path, { dev }]) => {
    const name = path.slice("node_modules/".length);
    return path === "" || dev === true || name.includes("/node_modules/") || !existsSync(join(ROOT, path)) ? [] : [name];
  });
}

test("a package holds the program, its book and its examples, and no test", () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["LICENSE", "README.md", "CHANGELOG.md", "cluster/troupe.mjs", "dist/cluster/main.js", "docs/README.md"]),
  );
  expect(paths.filter((path) => /^(test|node_modules)\/|\.test\.|^dist\/(?!cluster\/console\/web\/).*(?<!\.d)\.ts$/.test(path))).toEqual(
    [],
  );
  expect(packed.size).toBeLessThan(PACKAGE_BYTES_MAX);
  expect(existsSync(join(ROOT, "dist")), "the clone is as it was").toBe(false);
});

test("every module of a package finds those that it names", () => {
  const dist = join(installed, "dist");
  const modules = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  const lost = modules.flatMap((name) => {
    const named = [...readFileSync(join(dist, name), "utf8").matchAll(NAMED)].map(([, path = ""]) => path);
    return named.filter((path) => !existsSync(resolve(dist, dirname(name), path))).map((path) => `${name} -> ${path}`);
  });
  expect(modules.length).toBeGreaterThan(900);
  expect(lost).toEqual([]);
});

test.concurrent("npx troupe up runs a cluster from a package, in an empty folder", async () => {
  const child: ChildProcess = spawn("npx", ["troupe", "up", "--api-port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      printed += chunk;
    });
  }
  const ended = new Promise((resolve) => child.on("close", resolve));
  await until("the ready line", () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${printed}`);
    return /^ready in/m.test(printed);
  });
  const kubectl = new Kubectl(join(folder, ".troupe/kubeconfig"), join(folder, "home"));
  await kubectl.ok(["create", "deployment", "web", "--image=nginx", "--replicas=3"]);
  await kubectl.ok(["rollout", "status", "deployment/web"]);
  expect((await fetchPage(/console=(\S+)/.exec(printed)?.[1] ?? "", folder)).includes("/console/web/main.ts")).toBe(true);
  const status = JSON.parse(readFileSync(join(folder, ".troupe/status.json"), "utf8")) as { pid: number };
  process.kill(status.pid, "SIGTERM");
  await ended;
  expect(printed.trim().split("\n")).toHaveLength(1);
  // The others who print here have ended by then, or its output would go on.
  expect(processesThatMention(join(folder, ".troupe"))).toEqual([]);
});

test.concurrent("a package says how it is run", async () => {
  const run = (program: string, args: readonly string[]) => runProgram(program, args, { ...process.env, npm_execpath: undefined });
  const { code, stderr } = await run(process.execPath, [join(installed, "cluster/troupe.mjs"), "actors", "--data", folder]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `troupe: no Troupe runs on the data directory ${folder}; start one (troupe up) or name another with --data DIR\n`,
  });
});

test.concurrent("a program that depends on the package imports the client, with its types", () => {
  writeFileSync(join(folder, "uses.mjs"), 'import { Troupe } from "troupe/client"; console.log(typeof Troupe);');
  expect(execFileSync(process.execPath, ["uses.mjs"], { cwd: folder, encoding: "utf8" })).toBe("function\n");
  const typed =
    'import { Troupe, type TroupeOptions } from "troupe/client"; export const a: typeof Troupe = Troupe; export const b: TroupeOptions = 1;';
  writeFileSync(join(folder, "uses.mts"), typed);
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ESNext, strict: true, noEmit: true, types: [] };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([join(folder, "uses.mts")], options));
  const messages = found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
  expect(messages).toEqual([expect.stringMatching(/^Type 'number' is not assignable to type 'TroupeOptions/)]);
});

/** The page of the console, by the authority in the kubeconfig. */
async function fetchPage(url: string, home: string): Promise<string> {
  const authority = /certificate-authority-data: (\S+)/.exec(readFileSync(join(home, ".troupe/kubeconfig"), "utf8"))?.[1] ?? "";
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({ connect: { ca: Buffer.from(authority, "base64").toString() } });
  try {
    return await (await request(url, { dispatcher })).body.text();
  } finally {
    await dispatcher.close();
  }
}
