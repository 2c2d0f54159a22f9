/**
 * Quantities: exact decimal numbers with a suffix, such as `500m`, `1.5Gi`, `2e3`. The smallest part is a nano (10^-9); smaller values
 * are rounded away from zero. Source: k8s.io/apimachinery/pkg/api/resource, and the concept page "Quantity".
 */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  /** The value in units of 10^-9. */
  readonly nano: bigint;
  /** How it was written, which is how it will be printed. */
  readonly format: QuantityFormat;
}

/** The text is not a quantity; the message is what Kubernetes' decoder says. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const NANO_PER_UNIT = 1_000_000_000n;
const NANO_DIGITS = 9;
const BINARY_MAX = (2n ** 63n - 1n) * NANO_PER_UNIT;

const FORMAT_WORDS = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMERIC_WORDS = "unable to parse numeric part of quantity";
const SUFFIX_WORDS = "unable to parse quantity's suffix";

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;

/** Powers of ten by suffix. */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
/** Powers of 1024 by suffix. */
const BINARY: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const DECIMAL_SUFFIX: ReadonlyMap<number, string> = new Map(Object.entries(DECIMAL).map(([suffix, power]) => [power, suffix]));
const BINARY_SUFFIX: readonly string[] = ["", ...Object.keys(BINARY)];

interface Suffix {
  readonly base: 10 | 1024;
  readonly power: number;
  readonly format: QuantityFormat;
}

function readSuffix(suffix: string): Suffix | undefined {
  const decimal = Object.hasOwn(DECIMAL, suffix) ? DECIMAL[suffix] : undefined;
  if (decimal !== undefined) return { base: 10, power: decimal, format: "DecimalSI" };
  const binary = Object.hasOwn(BINARY, suffix) ? BINARY[suffix] : undefined;
  if (binary !== undefined) return { base: 1024, power: binary, format: "BinarySI" };
  if (!/^[eE][-+]?\d+$/.test(suffix)) return undefined;
  const power = Number(suffix.slice(1));
  return Number.isSafeInteger(power) && Math.abs(power) < 2 ** 31 ? { base: 10, power, format: "DecimalExponent" } : undefined;
}

/** Exponents beyond this are refused, so that no text makes the server count forever. */
const POWER_MAX = 512;

/** Quantities that are remembered: the same few are asked for again and again. */
const REMEMBERED_MAX = 1_024;
const remembered = new Map<string, Quantity>();

/** Throws QuantityError. The answer is shared. */
export function parseQuantity(text: string): Quantity {
  let quantity = remembered.get(text);
  if (quantity === undefined) {
    quantity = readQuantity(text);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(text, quantity);
  }
  return quantity;
}

function readQuantity(text: string): Quantity {
  const match = SHAPE.exec(text);
  if (match === null || text === "") throw new QuantityError(FORMAT_WORDS);
  const [, sign = "", whole = "", fraction = "", suffixText = ""] = match;
  if (whole === "" && fraction === "" && !text.includes("0")) throw new QuantityError(text.includes(".") ? NUMERIC_WORDS : FORMAT_WORDS);
  const suffix = readSuffix(suffixText);
  if (suffix === undefined) throw new QuantityError(SUFFIX_WORDS);
  if (Math.abs(suffix.power) > POWER_MAX || whole.length + fraction.length > POWER_MAX) throw new QuantityError(NUMERIC_WORDS);
  let mantissa = BigInt(`${whole}${fraction}` || "0");
  if (suffix.base === 1024) mantissa <<= BigInt(10 * suffix.power);
  const power = (suffix.base === 10 ? suffix.power : 0) - fraction.length + NANO_DIGITS;
  let nano = power >= 0 ? mantissa * 10n ** BigInt(power) : divideUp(mantissa, 10n ** BigInt(-power));
  let format = suffix.format;
  if (format === "BinarySI" && nano > BINARY_MAX) nano = BINARY_MAX;
  if (format === "BinarySI" && nano > 0n && nano < NANO_PER_UNIT) format = "DecimalSI";
  return { nano: sign === "-" ? -nano : nano, format };
}

/** Of a non-negative number. */
function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/** The canonical text: the largest suffix that leaves a whole number. */
export function formatQuantity(quantity: Quantity): string {
  const { nano } = quantity;
  if (nano === 0n) return "0";
  const magnitude = nano < 0n ? -nano : nano;
  const sign = nano < 0n ? "-" : "";
  const whole = magnitude % NANO_PER_UNIT === 0n;
  if (quantity.format === "BinarySI" && whole && magnitude >= 1024n * NANO_PER_UNIT) {
    let value = magnitude / NANO_PER_UNIT;
    let power = 0;
    while (value % 1024n === 0n && power < BINARY_SUFFIX.length - 1) {
      value /= 1024n;
      power++;
    }
    return `${sign}${value}${BINARY_SUFFIX[power]}`;
  }
  let value = magnitude;
  let power = -NANO_DIGITS;
  const exponent = quantity.format === "DecimalExponent";
  while (value % 1000n === 0n && (exponent || power < 18)) {
    value /= 1000n;
    power += 3;
  }
  const suffix = exponent ? (power === 0 ? "" : `e${power}`) : DECIMAL_SUFFIX.get(power);
  return `${sign}${value}${suffix}`;
}

/** How many texts are remembered; a cluster's pods share a handful. */
const CANONICAL_ENTRIES_MAX = 4096;
const canonical = new Map<string, string>();

/** The canonical form of a quantity as it came over the wire, where numbers are allowed too. Throws QuantityError. */
export function canonicalQuantity(wire: string | number): string {
  const text = typeof wire === "number" ? String(wire) : wire;
  const known = canonical.get(text);
  if (known !== undefined) return known;
  const formatted = formatQuantity(parseQuantity(text.trim()));
  if (canonical.size >= CANONICAL_ENTRIES_MAX) canonical.clear();
  canonical.set(text, formatted);
  return formatted;
}

/** Negative, zero or positive, as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, in the format of `a`, or of `b` when `a` is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

function scaleUp(nano: bigint, unit_nano: bigint): number {
  const value = nano < 0n ? -divideUp(-nano, unit_nano) : divideUp(nano, unit_nano);
  return Number(value);
}

/** The value in whole units, rounded away from zero: bytes of `1.5Ki` are 1536. */
export function quantityValue(quantity: Quantity): number {
  return scaleUp(quantity.nano, NANO_PER_UNIT);
}

/** The value in thousandths, rounded away from zero: `1.5` is 1500. */
export function quantityMilliValue(quantity: Quantity): number {
  return scaleUp(quantity.nano, NANO_PER_UNIT / 1000n);
}

const UNIT_NANO = 1_000_000_000n;

/** Whether a quantity is of whole units, and none of a part. */
export function isWhole(text: string): boolean {
  return parseQuantity(text).nano % UNIT_NANO === 0n;
}

/** The units of a quantity, rounded up. Source: Quantity.Value. */
export function wholeUnits(text: string): number {
  const { nano } = parseQuantity(text);
  return Number(nano > 0n ? (nano + UNIT_NANO - 1n) / UNIT_NANO : nano / UNIT_NANO);
}
