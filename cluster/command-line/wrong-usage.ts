/** A command line that does not make sense; exit code 2. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}

/** What `parse` returns; what it finds wrong with a command line becomes a WrongUsage that names where to read on. */
export function usageOf<T>(help: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // The rest of what parseArgs says is advice about other ways to write it.
    throw new WrongUsage(`${(error as Error).message.split(/\.?\s*\n|\. /)[0]}; see ${help}`);
  }
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as Go writes them, such as 30s or 1h30m. Throws WrongUsage. */
export function duration_ms(flag: string, value: string): number {
  if (value === "0") return 0;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== value)
    throw new WrongUsage(`${flag} ${value} is not a duration such as 30s or 1h30m`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS], 0);
}

/** The number that a flag was given, undefined when it was not. Throws WrongUsage. */
export function wholeNumber(flag: string, value: string | undefined, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new WrongUsage(`${flag} ${value} is not a whole number from ${least} to ${most}`);
}
