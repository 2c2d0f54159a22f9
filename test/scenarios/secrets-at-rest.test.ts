import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { discard, freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const PLANTED = "unforgettable-hunter-2";
const ENCODED = Buffer.from(PLANTED).toString("base64");
const KEY = Buffer.alloc(32, "key").toString("base64");

const directory = freshDataDirectory();
const configuration = join(directory, "../encryption.yaml");
let troupe: Troupe;
/** All that the program printed, of all its lives. */
let printed = "";

beforeAll(async () => {
  writeFileSync(
    configuration,
    `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: { keys: [{ name: first, secret: "${KEY}" }] }
  - identity: {}
`,
    { mode: 0o600 },
  );
  troupe = await start(["--encryption-provider-config", configuration]);
});
afterAll(async () => {
  await troupe.discard();
  discard(directory);
});

async function start(flags: readonly string[]): Promise<Troupe> {
  return Troupe.up(directory, ["--nodes", "1", ...flags], { env: { TROUPE_LOG: "debug", TROUPE_SNAPSHOT_REVISIONS: "20" } });
}

function files(): readonly string[] {
  const all = readdirSync(directory, { recursive: true }) as string[];
  return all.map((name) => join(directory, name)).filter((path) => statSync(path).isFile());
}

/** Places that hold a planted secret, plain or in base64. */
function leaks(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(texts).filter((place) => [PLANTED, ENCODED, KEY].some((words) => texts[place]?.includes(words)));
}

test("a secret is read by who may read it, and lies nowhere else: not on the disk, not in logs, metrics or errors", async () => {
  const { kubectl } = troupe;
  await kubectl.ok(["create", "secret", "generic", "planted", `--from-literal=password=${PLANTED}`]);
  await kubectl.ok(["create", "secret", "generic", "fixed", `--from-literal=password=${PLANTED}`]);
  await kubectl.ok(["patch", "secret", "fixed", "-p", '{"immutable":true}']);
  // Enough of something else that snapshots are taken and the log is cut.
  for (let i = 0; i < 30; i++) await kubectl.ok(["create", "configmap", `filler-${i}`, "--from-literal=a=b"]);
  expect(await kubectl.ok(["get", "secret", "planted", "-o", "jsonpath={.data.password}"])).toContain(ENCODED);
  const refused = {
    immutable: await kubectl.refused(["patch", "secret", "fixed", "-p", `{"data":{"password":"AAAA","other":"${ENCODED}"}}`]),
    "not base64": await kubectl.refused(["patch", "secret", "planted", "-p", `{"data":{"password":"${PLANTED}"}}`]),
    "wrong type": await kubectl.refused(["patch", "secret", "planted", "--type=merge", "-p", `{"data":["${PLANTED}"]}`]),
  };
  const metrics = await kubectl.ok(["get", "--raw", "/metrics"]);
  const described = await kubectl.ok(["describe", "secret", "planted"]);
  expect(leaks({ ...refused, metrics, described })).toEqual([]);
  await troupe.stop();
  printed += troupe.launch.stderr;
  const onDisk = Object.fromEntries(files().map((path) => [path, readFileSync(path, "latin1")]));
  expect(Object.keys(onDisk).length).toBeGreaterThan(5);
  expect(leaks(onDisk)).toEqual([]);
  const open = files().filter((path) => (statSync(path).mode & 0o077) !== 0 && path.includes("/pki/"));
  expect(open).toEqual([]);
  expect(statSync(directory).mode & 0o077).toBe(0);
});

test("a backup holds it encrypted; without the key nobody starts on it, and with it everything is back", async () => {
  const file = join(directory, "../backup");
  expect((await runTroupe(["backup", file, "--data", directory])).code).toBe(0);
  expect(leaks({ backup: readFileSync(file, "latin1") })).toEqual([]);
  const { code, stderr } = await runTroupe(["up", "--data", directory, "--api-port", "0"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/secrets\/default\/\w+ is encrypted with key "first" of secretbox.*--encryption-provider-config/);
  troupe = await start(["--encryption-provider-config", configuration]);
  expect(await troupe.kubectl.ok(["get", "secret", "planted", "-o", "jsonpath={.data.password}"])).toContain(ENCODED);
  printed += troupe.launch.stderr;
  expect(leaks({ printed })).toEqual([]);
});

test("a wrong file is refused, with the place and without the secret", async () => {
  const wrong = join(directory, "../wrong.yaml");
  writeFileSync(wrong, readFileSync(configuration, "utf8").replace(KEY, PLANTED));
  const { code, stderr } = await runTroupe([
    "up",
    "--data",
    `${directory}-other`,
    "--api-port",
    "0",
    "--encryption-provider-config",
    wrong,
  ]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(
      `--encryption-provider-config ${wrong}: resources[0].providers[0].secretbox.keys[0].secret: must be 32 bytes in base64, and is`,
    ),
  });
  expect(leaks({ stderr })).toEqual([]);
});
