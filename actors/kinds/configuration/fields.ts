/** What is wrong with a configuration: a path such as `profiles[0].pluginConfig[1].args.shape`, and what it should be. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";

  constructor(path: string, message: string) {
    super(path === "" ? message : `${path}: ${message}`);
  }
}

/** Reads a value at a path, or throws ConfigurationError. */
export type Reader<T> = (value: unknown, path: string) => T;

export const text: Reader<string> = (value, path) => {
  if (typeof value === "string") return value;
  throw new ConfigurationError(path, `must be a string, not ${JSON.stringify(value)}`);
};

export const flag: Reader<boolean> = (value, path) => {
  if (typeof value === "boolean") return value;
  throw new ConfigurationError(path, `must be true or false, not ${JSON.stringify(value)}`);
};

export function whole(least: number, most: number): Reader<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw new ConfigurationError(path, `must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`);
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Reader<T> {
  return (value, path) => {
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    throw new ConfigurationError(path, `must be one of ${choices.join(", ")}, not ${JSON.stringify(value)}`);
  };
}

export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ConfigurationError(path, `must be a list, not ${typeOf(value)}`);
    return value.map((each, index) => item(each, `${path}[${index}]`));
  };
}

export function mapOf<T>(item: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, path) =>
    Object.fromEntries(Object.entries(objectAt(value, path)).map(([key, each]) => [key, item(each, `${path}.${key}`)]));
}

/** What may be there and means nothing here. */
export const anything: Reader<unknown> = (value) => value;

/** An object of these fields and no others; those that are absent or null are absent in what it reads. */
export function object<Fields extends Readonly<Record<string, Reader<unknown>>>>(
  fields: Fields,
): Reader<{ readonly [Name in keyof Fields]?: ReturnType<Fields[Name]> }> {
  return (value, path) => {
    const read: Record<string, unknown> = {};
    for (const [name, each] of Object.entries(objectAt(value, path))) {
      const at = path === "" ? name : `${path}.${name}`;
      const reader = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (reader === undefined) throw new ConfigurationError(at, "unknown field");
      if (each !== undefined && each !== null) read[name] = reader(each, at);
    }
    return read as { readonly [Name in keyof Fields]?: ReturnType<Fields[Name]> };
  };
}

/** The value of a field that must be there. */
export function need<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new ConfigurationError(path, "must be set");
  return value;
}

function objectAt(value: unknown, path: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ConfigurationError(path, `must be an object, not ${typeOf(value)}`);
}

/** What is in the wrong place may hold secrets, so only its type is told. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
