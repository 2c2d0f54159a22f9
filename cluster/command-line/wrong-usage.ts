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

/** The number that a flag was given, undefined when it was not. Throws WrongUsage. */
export function wholeNumber(flag: string, value: string | undefined, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new WrongUsage(`${flag} ${value} is not a whole number from ${least} to ${most}`);
}
