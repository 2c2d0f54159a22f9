import { statSync } from "node:fs";
import { createServer } from "node:net";
import { Keeper } from "./keeper.ts";

/** `node main.ts DIRECTORY`: keeps the processes of the pods in there. A second one on the same directory ends at once. */
const directory = process.argv[2] ?? "";
const { dev, ino } = statSync(directory);
// A name that the kernel gives to one process at a time, and takes back whatever becomes of it.
const alone = createServer().once("error", () => process.exit(0));
alone.listen(`\0troupe-keeper-${process.getuid?.()}-${dev}-${ino}`, () => {
  // Whoever has started it may go, and so may the terminal.
  for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => {});
  const keeper = new Keeper(directory, () => process.exit(0));
  process.on("SIGTERM", () => keeper.end());
  keeper.listen().catch((error: unknown) => {
    console.error(String(error));
    process.exit(1);
  });
});
