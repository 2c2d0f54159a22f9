import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HighWaterFile, readHighWater } from "../../../actors/store/high-water.ts";

const MARKS = 200;

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-mark-"));
  path = join(directory, "store/high-water");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a mark is read as it was noted last, also by who opens the file again", () => {
  const first = new HighWaterFile(path, "a log");
  for (let i = 1; i <= MARKS; i++) {
    first.note(i, i * 3);
    expect(readHighWater(path)).toEqual({ log: "a log", sequence: i, revision: i * 3 });
  }
  first.close();
  const again = new HighWaterFile(path, "a log");
  expect(readHighWater(path)).toEqual({ log: "a log", sequence: MARKS, revision: MARKS * 3 });
  again.close();
  expect(statSync(path).mode & 0o077).toBe(0);
});

test("a file that is just being made is not there, or whole: hosts that start at once read it meanwhile", async () => {
  // Another thread makes marks while this one reads; a file that is there without a mark would be taken for damaged.
  const source = `
    import { workerData } from "node:worker_threads";
    import { HighWaterFile } from ${JSON.stringify(new URL("../../../actors/store/high-water.ts", import.meta.url).href)};
    for (let i = 0; i < workerData.marks; i++) new HighWaterFile(workerData.directory + "/mark-" + i, "a log").close();
  `;
  const maker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { directory, marks: MARKS } });
  let ended = false;
  const end = new Promise<void>((resolve, reject) => {
    maker.once("exit", () => {
      ended = true;
      resolve();
    });
    maker.once("error", reject);
  });
  const seen = new Set<unknown>();
  for (let i = 0; i < MARKS; ) {
    const mark = readHighWater(join(directory, `mark-${i}`));
    seen.add(mark === undefined ? "none" : mark === "damaged" ? "damaged" : mark.revision);
    if (mark !== undefined) i++;
    else if (ended && !existsSync(join(directory, `mark-${i}`))) break;
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await end;
  expect([...seen].filter((each) => each !== "none")).toEqual([0]);
  expect(readdirSync(directory).length, "drafts are left").toBe(MARKS);
});

test.each<[string, (file: string) => void, unknown]>([
  ["no file", (file) => rmSync(file), undefined],
  ["an empty file", (file) => truncateSync(file, 0), "damaged"],
  ["half a slot", (file) => truncateSync(file, 20), "damaged"],
  ["one slot", (file) => truncateSync(file, 512), { log: "a log", sequence: 3, revision: 9 }],
  ["other words", (file) => writeFileSync(file, "x".repeat(1024)), "damaged"],
])("%s", (_what, damage, found) => {
  const file = new HighWaterFile(path, "a log");
  for (const [sequence, revision] of [
    [1, 3],
    [2, 6],
    [3, 9],
  ] as const)
    file.note(sequence, revision);
  file.close();
  damage(path);
  expect(readHighWater(path)).toEqual(found);
  // Whoever writes it next makes it whole.
  const next = new HighWaterFile(path, "a log");
  next.note(7, 8);
  next.close();
  expect(readHighWater(path)).toEqual({ log: "a log", sequence: 7, revision: 8 });
});
