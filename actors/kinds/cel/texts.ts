/** Texts: cel-go's `strings`, and Kubernetes' regular expressions. Source: cel-go's ext/strings.go, k8s.io/apiserver/pkg/cel/library/regex.go. */
import type { Environment } from "@marcbachmann/cel-js";
import { goPattern } from "../custom/patterns.ts";
import { prepay } from "./meter.ts";
import { STRING_FACTOR } from "./runtime-cost.ts";

type List = readonly unknown[];

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (typeof value !== "object" || value === null || value.constructor !== Object) return String(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${name}: ${textOf(member)}`).join(", ")}}`;
}

/** `1.5s`, `-90s`. */
function durationText({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): string {
  return `${Number(seconds) + nanos / 1e9}s`;
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

/** As if all of the text were to be replaced. */
function prepayGrowth(text: string, from: string, to: string): void {
  if (to.length > from.length) prepay(Math.floor((text.length / Math.max(1, from.length)) * to.length * STRING_FACTOR));
}

function replace(text: string, from: string, to: string, limit: bigint): string {
  prepayGrowth(text, from, to);
  if (limit < 0n) return text.replaceAll(from, () => to);
  let done = 0n;
  return text.replaceAll(from, () => (done++ < limit ? to : from));
}

/** The name under which expressions that are evaluated have `matches`. */
export const MATCHES = "matches_";

/** What `strings.` stands for. */
class StringsNamespace {}

export function addTexts(env: Environment): void {
  env.registerType("StringsNamespace", StringsNamespace);
  env.registerConstant("strings", "StringsNamespace", new StringsNamespace());
  env.registerFunction("StringsNamespace.quote(string): string", (_strings: unknown, text: string) => JSON.stringify(text));
  const on = (signature: string, run: (text: string, ...rest: never[]) => unknown): void => {
    env.registerFunction(`string.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("charAt(int): string", (text, at: bigint) => [...text][Number(at)] ?? "");
  on("replace(string, string): string", (text, from: string, to: string) => replace(text, from, to, -1n));
  on("replace(string, string, int): string", (text, from: string, to: string, limit: bigint) => replace(text, from, to, limit));
  on("reverse(): string", (text) => [...text].reverse().join(""));
  on("format(list): string", (text, values: List) => format(text, values));
  on(`${MATCHES}(string): bool`, (text, pattern: string) => expression(pattern).test(text));
  env.registerFunction("string(google.protobuf.Duration): string", durationText);
  env.registerFunction("string(google.protobuf.Timestamp): string", (time: Date) => time.toISOString().replace(/\.?0*Z$/, "Z"));
  env.registerFunction("matches(string, string): bool", (text: string, pattern: string) => expression(pattern).test(text));
  on("find(string): string", (text, pattern: string) => expression(pattern).exec(text)?.[0] ?? "");
  on("findAll(string): list", (text, pattern: string) => findAll(text, pattern, -1n));
  on("findAll(string, int): list", (text, pattern: string, limit: bigint) => findAll(text, pattern, limit));
}
