import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { CannotDecrypt, createTransformer, type Transformer } from "../../../../actors/store/encryption/transformer.ts";
import { DurableStore } from "../durable-store.ts";
import { create } from "../harness.ts";
import { NatsServer } from "../nats-server.ts";

const PLANTED = "correct horse battery staple";
const OBJECTS = 5;

let server: NatsServer | undefined;
let store: DurableStore | undefined;

afterEach(async () => {
  await close();
  await server?.remove();
  server = undefined;
});

/** Encrypts with the first of these keys, and reads the others. */
function keys(...names: readonly string[]): Transformer {
  const providers = names.map((name) => ({
    type: "aesgcm" as const,
    keys: [{ name, secret: Buffer.alloc(32, name).toString("base64") }],
  }));
  return createTransformer({ rules: [{ resources: ["configmaps"], providers }] });
}

async function open(transformer: Transformer): Promise<DurableStore> {
  server ??= await NatsServer.start();
  store = await DurableStore.open(server, { transformer, everyRevisions: 1e9, mark: server.file("mark") });
  return store;
}

async function close(): Promise<void> {
  await store?.close();
  store = undefined;
}

async function write(into: DurableStore): Promise<void> {
  for (let i = 0; i < OBJECTS; i++) {
    const key = `configmaps/a/c${i}`;
    await into.client.propose({ request: key, mutations: [create(key, `${PLANTED} ${i}`)] });
  }
}

/** Until what lies in the store was written with this alone. */
async function writtenAnew(into: DurableStore, transformer: Transformer): Promise<void> {
  const found = async (): Promise<unknown> =>
    (await into.snapshots.list()).map(({ summary }) => "writtenWith" in summary && summary.writtenWith);
  await expect.poll(found, { timeout: 30_000 }).toEqual([transformer.writesWith, transformer.writesWith]);
}

function onDisk(bytes: string): boolean {
  const root = server?.file("data") ?? "";
  const files = (readdirSync(root, { recursive: true }) as string[])
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile());
  expect(files.length).toBeGreaterThan(0);
  return files.some((path) => readFileSync(path).includes(bytes));
}

test("a store that was plain is encrypted by the start that is told to", async () => {
  const before = await open(createTransformer(undefined));
  await write(before);
  const contents = before.contents();
  expect(onDisk(PLANTED)).toBe(true);
  await close();
  const transformer = keys("first");
  const after = await open(transformer);
  expect(after.contents()).toEqual(contents);
  await writtenAnew(after, transformer);
  expect(onDisk(PLANTED)).toBe(false);
  await close();
  expect((await open(transformer)).contents()).toEqual(contents);
});

test("a key that another has taken the place of is not needed any more once the store was written anew", async () => {
  const before = await open(keys("old"));
  await write(before);
  const contents = before.contents();
  expect(onDisk(PLANTED)).toBe(false);
  await close();
  await expect(open(keys("new"))).rejects.toThrow(CannotDecrypt);
  await expect(open(createTransformer(undefined))).rejects.toThrow(/encrypted with key "old" of aesgcm/);

  const both = keys("new", "old");
  const during = await open(both);
  expect(during.contents()).toEqual(contents);
  await writtenAnew(during, both);
  await close();
  expect(onDisk("aesgcm:v1:old")).toBe(false);
  expect((await open(keys("new"))).contents()).toEqual(contents);
});
