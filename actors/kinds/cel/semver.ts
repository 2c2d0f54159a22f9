/** Semantic versions (semver.org 2.0). Source: k8s.io/apiserver/pkg/cel/library/semverlib.go. */
import type { Environment } from "@marcbachmann/cel-js";

const NUMBER = "(?:0|[1-9]\\d*)";
const PRERELEASE = "(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?";
const STRICT = new RegExp(`^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})${PRERELEASE}(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`);
const LEADING_ZERO = /^0\d+$/;

export class CelSemver {
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
  constructor(text: string) {
    const match = STRICT.exec(text);
    const prerelease = match?.[4]?.split(".") ?? [];
    if (match === null || prerelease.some((part) => LEADING_ZERO.test(part))) throw new Error(`invalid semver ${JSON.stringify(text)}`);
    this.numbers = match.slice(1, 4).map(BigInt);
    this.prerelease = prerelease;
  }
}

/** `v1.02` as `1.2.0`: without its `v`, without leading zeros, with all three numbers. */
function normalized(text: string): string {
  const [, main = "", rest = ""] = /^v?([^-+]*)(.*)$/.exec(text) ?? [];
  const parts = main.split(".").map((part) => part.replace(/^0+(?=\d)/, ""));
  while (parts.length < 3) parts.push("0");
  return parts.join(".") + rest;
}

function compareParts(a: string, b: string): number {
  const [isNumber, other] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && other) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (isNumber !== other) return isNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: CelSemver, b: CelSemver): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return Math.sign(b.prerelease.length - a.prerelease.length);
  for (const [index, part] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    const order = other === undefined ? 1 : compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.prerelease.length < b.prerelease.length ? -1 : 0;
}

function isSemver(text: string): boolean {
  try {
    return new CelSemver(text) instanceof CelSemver;
  } catch {
    return false;
  }
}

export function addSemver(env: Environment): void {
  const type = "kubernetes.Semver";
  env.registerType(type, CelSemver);
  env.registerFunction(`semver(string): ${type}`, (text: string) => new CelSemver(text));
  env.registerFunction(
    `semver(string, bool): ${type}`,
    (text: string, normalize: boolean) => new CelSemver(normalize ? normalized(text) : text),
  );
  env.registerFunction("isSemver(string): bool", isSemver);
  env.registerFunction("isSemver(string, bool): bool", (text: string, normalize: boolean) => isSemver(normalize ? normalized(text) : text));
  env.registerOperator(`${type} == ${type}`, (a: CelSemver, b: CelSemver) => compare(a, b) === 0);
  const on = (signature: string, run: (a: CelSemver, b: CelSemver) => unknown): void => {
    env.registerFunction(`${type}.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on(`isGreaterThan(${type}): bool`, (a, b) => compare(a, b) > 0);
  on(`isLessThan(${type}): bool`, (a, b) => compare(a, b) < 0);
  on(`compareTo(${type}): int`, (a, b) => BigInt(compare(a, b)));
  for (const [index, name] of ["major", "minor", "patch"].entries()) on(`${name}(): int`, ({ numbers }) => numbers[index]);
}
