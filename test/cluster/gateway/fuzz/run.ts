/**
 * `npm run fuzz -- [--minutes M] [--seed N]`: asks a gateway strange things for so long, seed after seed, or `--case CHOICES` once. Exit codes: 0 all held, 1
 * something broke, 2 wrong usage. Of a case that hangs it says which, and is killed.
 */
import { parseArgs } from "node:util";
import { usageOf, WrongUsage, wholeNumber } from "../../../../cluster/command-line/wrong-usage.ts";
import { fuzz, fuzzCase } from "./fuzz.ts";
import { Watchdog } from "./watchdog.ts";

const SEEDS_MAX = 2 ** 31;
const MINUTES_MAX = 10_000;
const MS_PER_MINUTE = 60_000;
const BYTES_PER_MB = 1e6;
const BROKEN_CHARS_SHOWN = 2_000;

async function main(args: readonly string[]): Promise<number> {
  const { values } = usageOf("docs/operating.md", () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" }, case: { type: "string" } },
    }),
  );
  if (values.case !== undefined) return ended(await fuzzCase(values.case === "" ? [] : values.case.split(",").map(Number)));
  const minutes = wholeNumber("--minutes", values.minutes, 1, MINUTES_MAX) ?? 10;
  const seed = wholeNumber("--seed", values.seed, 0, SEEDS_MAX) ?? 1;
  const watchdog = new Watchdog();
  const { failure, ...outcome } = await fuzz(seed, minutes * MS_PER_MINUTE, {
    told: ({ cases, requests, heaps }) => {
      process.stderr.write(`${cases} cases, ${requests} requests, heap ${Math.round((heaps.at(-1) ?? 0) / BYTES_PER_MB)} MB\n`);
    },
    begins: (numbers) => watchdog.begins(numbers),
    seen: (broken, numbers) => {
      process.stderr.write(`${broken.slice(0, BROKEN_CHARS_SHOWN)}\nits case: --case ${numbers.join(",")}; looking for a smaller one\n`);
    },
  });
  await watchdog.stop();
  process.stdout.write(`${outcome.seeds} seeds from ${seed} on, ${outcome.cases} cases, ${outcome.requests} requests\n`);
  return ended(failure);
}

function ended(failure: string | undefined): number {
  process.stdout.write(failure === undefined ? "all held\n" : failure);
  return failure === undefined ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`fuzz: ${error instanceof WrongUsage ? error.message : ((error as Error).stack ?? error)}\n`);
    process.exit(error instanceof WrongUsage ? 2 : 1);
  },
);
