import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { blocksToRun, READERS, ROOT } from "../docs/book.ts";
import { killIfThere, LAUNCHER } from "./launch.ts";
import { helmBinary, kubectlBinary } from "./layer-binaries.ts";
import { processesThatMention } from "./processes.ts";
import { runProgram } from "./run-program.ts";

/** Readers of the book: each types what its chapters say, block by block, into one shell (test/docs/reader.sh). */
const SHELL = join(ROOT, "test/docs/reader.sh");

/** On two cores with a load of 27 the longer one took 262 s. */
const READING_MS = 600_000;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) {
    for (const { pid } of processesThatMention(folder)) killIfThere(pid);
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What a clone looks like from within; the data directory in it is the reader's own. */
function cloneForOne(): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-book-"));
  folders.push(folder);
  for (const name of readdirSync(ROOT)) if (!name.startsWith(".")) symlinkSync(join(ROOT, name), join(folder, name));
  mkdirSync(join(folder, "bin"));
  symlinkSync(kubectlBinary(), join(folder, "bin/kubectl"));
  symlinkSync(helmBinary(), join(folder, "bin/helm"));
  symlinkSync(process.execPath, join(folder, "bin/node"));
  return folder;
}

describe.concurrent("a reader", () => {
  test.each(Object.entries(READERS))(
    "%s comes through all chapters",
    async (_of, chapters) => {
      const folder = cloneForOne();
      const blocks = chapters.flatMap(blocksToRun);
      const script = blocks.map(({ chapter, line, text }) => `printf '\\n--- %s\\n' "$SECONDS s: ${chapter}:${line}"\n${text}\n`).join("");
      const env = {
        ...process.env,
        NODE: process.execPath,
        LAUNCHER,
        PATH: `${join(folder, "bin")}:${process.env.PATH}`,
        HOME: folder,
        KUBECONFIG: join(folder, ".troupe/kubeconfig"),
        // No browser is opened.
        DISPLAY: undefined,
        WAYLAND_DISPLAY: undefined,
      };
      const { code, stdout, stderr } = await runProgram("bash", ["-c", `cd ${folder}\n. ${SHELL}\n${script}`], env);
      expect(code, `${stdout}\n${stderr}`).toBe(0);
    },
    READING_MS,
  );
});
