/**
 * The functions of Kubernetes' CEL that the language itself does not have: its list, string and network libraries, URLs and quantities.
 * Source: k8s.io/apiserver/pkg/cel/library, and cel-go's ext.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";
import { compareQuantities, parseQuantity, type Quantity, quantityValue } from "../machinery/quantity.ts";
import { hasFormat } from "./formats.ts";
import { goPattern } from "./patterns.ts";

type List = readonly unknown[];
type Sortable = string | number | bigint;

const NANO_PER_UNIT = 1_000_000_000n;

class CelQuantity {
  readonly quantity: Quantity;
  constructor(text: string) {
    this.quantity = parseQuantity(text);
  }
  compare({ quantity }: CelQuantity): number {
    return Math.sign(compareQuantities(this.quantity, quantity));
  }
}

class CelUrl {
  readonly url: URL;
  readonly absolute: boolean;
  constructor(text: string) {
    this.absolute = URL.canParse(text);
    this.url = new URL(text, "http://localhost");
  }
}

class CelAddress {
  readonly text: string;
  constructor(text: string) {
    if (!isIPv4(text) && !isIPv6(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error`);
    this.text = text;
  }
}

class CelPrefix {
  readonly address: string;
  readonly bits: number;
  constructor(text: string) {
    if (!hasFormat("cidr", text)) throw new Error(`network address parse error: ${JSON.stringify(text)}`);
    const [address = "", bits = "0"] = text.split("/");
    this.address = address;
    this.bits = Number(bits);
  }
}

function bitsOf(address: string): bigint {
  if (isIPv4(address)) return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
  const [head = "", tail] = address.split("::");
  const words = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [before, after] = [words(head), tail === undefined ? [] : words(tail)];
  const middle = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...middle, ...after].reduce((bits, word) => (bits << 16n) | BigInt(Number.parseInt(word, 16)), 0n);
}

function contains(prefix: CelPrefix, address: string, bits = Number.POSITIVE_INFINITY): boolean {
  if (isIPv4(prefix.address) !== isIPv4(address) || bits < prefix.bits) return false;
  const rest = BigInt((isIPv4(address) ? 32 : 128) - prefix.bits);
  return bitsOf(prefix.address) >> rest === bitsOf(address) >> rest;
}

function firstOf(list: List, what: string): unknown {
  if (list.length === 0) throw new Error(`${what} called on empty list`);
  return list[0];
}

function least(list: List, sign: number): unknown {
  return list.reduce(
    (best, one) => ((one as Sortable) < (best as Sortable) === sign < 0 ? one : best),
    firstOf(list, sign < 0 ? "min" : "max"),
  );
}

function isSorted(list: List): boolean {
  return list.every((one, index) => index === 0 || (list[index - 1] as Sortable) <= (one as Sortable));
}

function sum(list: List): unknown {
  if (list.length === 0) return 0n;
  return typeof list[0] === "bigint"
    ? list.reduce<bigint>((all, one) => all + (one as bigint), 0n)
    : list.reduce<number>((all, one) => all + Number(one), 0);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : Array.isArray(value) ? `[${value.map(textOf).join(", ")}]` : String(value);
}

/** `%s`, `%d`, `%f`, `%.2f`, `%x`, `%b`, `%o`, `%e`. Source: cel-go's ext/formatting.go. */
function format(pattern: string, values: List): string {
  let next = 0;
  return pattern.replace(/%(?:\.(\d+))?([sdfexXbo%])/g, (_whole, digits: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    const value = values[next++];
    switch (verb) {
      case "d":
        return String(value);
      case "f":
        return Number(value).toFixed(Number(digits ?? 6));
      case "e":
        return Number(value).toExponential(Number(digits ?? 6));
      case "x":
      case "X": {
        const hex = typeof value === "string" ? Buffer.from(value).toString("hex") : BigInt(value as bigint).toString(16);
        return verb === "X" ? hex.toUpperCase() : hex;
      }
      case "b":
        return typeof value === "boolean" ? String(Number(value)) : BigInt(value as bigint).toString(2);
      case "o":
        return BigInt(value as bigint).toString(8);
      default:
        return textOf(value);
    }
  });
}

function expression(pattern: string): RegExp {
  const found = goPattern(pattern);
  if (found === undefined) throw new Error(`Illegal regex: ${pattern}`);
  return found;
}

function findAll(text: string, pattern: string, limit: bigint): string[] {
  const { source, flags } = expression(pattern);
  const all = [...text.matchAll(new RegExp(source, `${flags}g`))].map(([match]) => match);
  return limit < 0n ? all : all.slice(0, Number(limit));
}

function replace(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n) return text.replaceAll(from, to);
  let done = 0n;
  return text.replaceAll(from, () => (done++ < limit ? to : from));
}

function flatten(list: List, depth: number): unknown[] {
  return (list as unknown[]).flat(depth) as unknown[];
}

function addListFunctions(env: Environment): void {
  const on = (signature: string, run: (list: List, ...rest: never[]) => unknown): void => {
    env.registerFunction(`list.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("isSorted(): bool", isSorted);
  on("sum(): dyn", sum);
  on("min(): dyn", (list) => least(list, -1));
  on("max(): dyn", (list) => least(list, 1));
  on("indexOf(dyn): int", (list, value) => BigInt(list.indexOf(value)));
  on("lastIndexOf(dyn): int", (list, value) => BigInt(list.lastIndexOf(value)));
  on("slice(int, int): list", (list, from: bigint, to: bigint) => list.slice(Number(from), Number(to)));
  on("sort(): list", (list) => [...(list as Sortable[])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  on("distinct(): list", (list) => [...new Set(list)]);
  on("reverse(): list", (list) => list.toReversed());
  on("flatten(): list", (list) => flatten(list, 1));
  on("flatten(int): list", (list, depth: bigint) => flatten(list, Number(depth)));
}

function addTextFunctions(env: Environment): void {
  const on = (signature: string, run: (text: string, ...rest: never[]) => unknown): void => {
    env.registerFunction(`string.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("charAt(int): string", (text, at: bigint) => [...text][Number(at)] ?? "");
  on("replace(string, string): string", (text, from: string, to: string) => replace(text, from, to, -1n));
  on("replace(string, string, int): string", (text, from: string, to: string, limit: bigint) => replace(text, from, to, limit));
  on("reverse(): string", (text) => [...text].reverse().join(""));
  on("format(list): string", (text, values: List) => format(text, values));
  on("find(string): string", (text, pattern: string) => expression(pattern).exec(text)?.[0] ?? "");
  on("findAll(string): list", (text, pattern: string) => findAll(text, pattern, -1n));
  on("findAll(string, int): list", (text, pattern: string, limit: bigint) => findAll(text, pattern, limit));
}

function addQuantities(env: Environment): void {
  env.registerType("kubernetes.Quantity", CelQuantity);
  env.registerFunction("quantity(string): kubernetes.Quantity", (text: string) => new CelQuantity(text));
  env.registerFunction("isQuantity(string): bool", (text: string) => {
    try {
      return new CelQuantity(text) instanceof CelQuantity;
    } catch {
      return false;
    }
  });
  const on = (signature: string, run: (quantity: CelQuantity, other: CelQuantity) => unknown): void => {
    env.registerFunction(`kubernetes.Quantity.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("isGreaterThan(kubernetes.Quantity): bool", (a, b) => a.compare(b) > 0);
  on("isLessThan(kubernetes.Quantity): bool", (a, b) => a.compare(b) < 0);
  on("compareTo(kubernetes.Quantity): int", (a, b) => BigInt(a.compare(b)));
  on("sign(): int", ({ quantity: { nano } }) => (nano > 0n ? 1n : nano < 0n ? -1n : 0n));
  on("isInteger(): bool", ({ quantity: { nano } }) => nano % NANO_PER_UNIT === 0n);
  on("asInteger(): int", ({ quantity: { nano } }) => {
    if (nano % NANO_PER_UNIT !== 0n) throw new Error("cannot convert value to integer");
    return nano / NANO_PER_UNIT;
  });
  on("asApproximateFloat(): double", ({ quantity }) => quantityValue(quantity));
}

function addUrls(env: Environment): void {
  env.registerType("net.url.URL", CelUrl);
  env.registerFunction("url(string): net.url.URL", (text: string) => new CelUrl(text));
  env.registerFunction("isURL(string): bool", (text: string) => URL.canParse(text) || text.startsWith("/"));
  const on = (signature: string, run: (url: CelUrl) => unknown): void => {
    env.registerFunction(`net.url.URL.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("getScheme(): string", ({ url, absolute }) => (absolute ? url.protocol.slice(0, -1) : ""));
  on("getHost(): string", ({ url, absolute }) => (absolute ? url.host : ""));
  on("getHostname(): string", ({ url, absolute }) => (absolute ? url.hostname.replace(/^\[|\]$/g, "") : ""));
  on("getPort(): string", ({ url }) => url.port);
  on("getEscapedPath(): string", ({ url }) => url.pathname);
}

function addAddresses(env: Environment): void {
  env.registerType("net.IP", CelAddress);
  env.registerType("net.CIDR", CelPrefix);
  env.registerFunction("ip(string): net.IP", (text: string) => new CelAddress(text));
  env.registerFunction("isIP(string): bool", (text: string) => isIPv4(text) || isIPv6(text));
  env.registerFunction("cidr(string): net.CIDR", (text: string) => new CelPrefix(text));
  env.registerFunction("isCIDR(string): bool", (text: string) => hasFormat("cidr", text));
  const onAddress = (signature: string, run: (address: CelAddress) => unknown): void => {
    env.registerFunction(`net.IP.${signature}`, run as (...values: unknown[]) => unknown);
  };
  onAddress("family(): int", ({ text }) => (isIPv4(text) ? 4n : 6n));
  onAddress("isLoopback(): bool", ({ text }) => text === "::1" || text.startsWith("127."));
  onAddress("isUnspecified(): bool", ({ text }) => bitsOf(text) === 0n);
  const onPrefix = (signature: string, run: (prefix: CelPrefix, other: never) => unknown): void => {
    env.registerFunction(`net.CIDR.${signature}`, run as (...values: unknown[]) => unknown);
  };
  onPrefix("containsIP(string): bool", (prefix, address: string) => contains(prefix, new CelAddress(address).text));
  onPrefix("containsIP(net.IP): bool", (prefix, { text }: CelAddress) => contains(prefix, text));
  onPrefix("containsCIDR(string): bool", (prefix, other: string) => {
    const { address, bits } = new CelPrefix(other);
    return contains(prefix, address, bits);
  });
  onPrefix("containsCIDR(net.CIDR): bool", (prefix, { address, bits }: CelPrefix) => contains(prefix, address, bits));
  onPrefix("prefixLength(): int", ({ bits }) => BigInt(bits));
  onPrefix("ip(): net.IP", ({ address }) => new CelAddress(address));
}

export function registerFunctions(env: Environment): Environment {
  addListFunctions(env);
  addTextFunctions(env);
  addQuantities(env);
  addUrls(env);
  addAddresses(env);
  return env;
}
