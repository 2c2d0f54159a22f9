import { BenchFailure } from "../failure.ts";

/**
 * A value of a workload file together with where it stands, so that whatever is wrong with it can be told by file, path, and what is accepted
 * there. Every reader either gives what was asked for or throws BenchFailure.
 */
export class Part {
  readonly #value: unknown;
  readonly #file: string;
  readonly #path: string;

  constructor(value: unknown, file: string, path = "") {
    this.#value = value;
    this.#file = file;
    this.#path = path;
  }

  get value(): unknown {
    return this.#value;
  }

  get isThere(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  wrong(accepted: string): BenchFailure {
    const found = this.isThere ? `is ${shortened(JSON.stringify(this.#value))}` : "is missing";
    return new BenchFailure(`${this.#file}: ${this.#path === "" ? "the document" : this.#path} ${found}; accepted: ${accepted}`, 2);
  }

  /** The members of a mapping that has no others than these. */
  members<Name extends string>(names: readonly Name[]): Readonly<Record<Name, Part>> {
    if (!isMapping(this.#value)) throw this.wrong(`a mapping with ${names.join(", ")}`);
    for (const name of Object.keys(this.#value)) {
      if (!(names as readonly string[]).includes(name)) throw this.#member(name).unknown(names);
    }
    return Object.fromEntries(names.map((name) => [name, this.#member(name)])) as unknown as Readonly<Record<Name, Part>>;
  }

  unknown(names: readonly string[]): BenchFailure {
    return new BenchFailure(`${this.#file}: ${this.#path} is not known here; accepted: ${names.join(", ")}`, 2);
  }

  entries(accepted: string): readonly (readonly [string, Part])[] {
    if (!isMapping(this.#value)) throw this.wrong(accepted);
    return Object.keys(this.#value).map((name) => [name, this.#member(name)] as const);
  }

  items(accepted: string): readonly Part[] {
    if (!Array.isArray(this.#value) || this.#value.length === 0) throw this.wrong(accepted);
    return this.#value.map((item: unknown, index) => new Part(item, this.#file, `${this.#path}[${index}]`));
  }

  text(pattern: RegExp, accepted: string): string {
    if (typeof this.#value !== "string" || !pattern.test(this.#value)) throw this.wrong(accepted);
    return this.#value;
  }

  oneOf(choices: readonly string[]): string {
    if (typeof this.#value !== "string" || !choices.includes(this.#value)) throw this.wrong(choices.join(", "));
    return this.#value;
  }

  count(least: number, most: number): number {
    const value = this.#value;
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
      throw this.wrong(`a whole number from ${least} to ${most}`);
    return value;
  }

  /** `25%` as 0.25. */
  share(): number {
    const percent = typeof this.#value === "string" ? /^(\d{1,3}(?:\.\d+)?)%$/.exec(this.#value)?.[1] : undefined;
    if (percent === undefined || Number(percent) > PERCENT_MAX) throw this.wrong("a percentage from 0% to 100%");
    return Number(percent) / PERCENT_MAX;
  }

  duration_ms(): number {
    const found = typeof this.#value === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(this.#value) : null;
    const value = found === null ? Number.NaN : Number(found[1]) * (MS_PER[found[2] ?? ""] ?? Number.NaN);
    if (!(value > 0 && value <= DURATION_MAX_MS)) throw this.wrong("a duration such as 500ms, 30s, 10m or 1h, at most 24h");
    return value;
  }

  #member(name: string): Part {
    const value = (this.#value as Readonly<Record<string, unknown>>)[name];
    return new Part(value, this.#file, this.#path === "" ? name : `${this.#path}.${name}`);
  }
}

const PERCENT_MAX = 100;
const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION_MAX_MS = 86_400_000;
const SHOWN_MAX = 60;

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
