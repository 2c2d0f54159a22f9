/**
 * Which IP addresses a field takes, in Kubernetes' words. Source: k8s.io/apimachinery/pkg/util/validation/ip.go, and ValidateEndpointIP of
 * pkg/apis/core/validation.
 */
import { isIPv4, isIPv6 } from "node:net";
import { invalid, required } from "./field-error.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import type { FieldError } from "./status.ts";

const NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

interface Address {
  readonly family: "IPv4" | "IPv6";
  /** Four bytes, or eight words. */
  readonly parts: readonly number[];
}

const DOTTED = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

/** Undefined for what is no address. IPv4 may have leading zeros, and one that is written as IPv6 is IPv4, as in Go. Source: netutils.ParseIPSloppy. */
export function addressOf(text: string): Address | undefined {
  const dotted = DOTTED.exec(text);
  if (dotted !== null) {
    const parts = dotted.slice(1).map(Number);
    return parts.every((part) => part <= 0xff) ? { family: "IPv4", parts } : undefined;
  }
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const words = (side: string): number[] => (side === "" ? [] : side.split(":").map((word) => Number.parseInt(word, 16)));
  const [before, after] = [words(head), words(tail ?? "")];
  const parts = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  const mapped = parts.slice(0, 5).every((word) => word === 0) && parts[5] === 0xffff;
  if (!mapped) return { family: "IPv6", parts };
  return { family: "IPv4", parts: parts.slice(6).flatMap((word) => [word >> 8, word & 0xff]) };
}

/** An address of either family. */
export function validateAddress(text: string, field: string): FieldError[] {
  return addressOf(text) === undefined ? [invalid(field, text, NO_ADDRESS)] : [];
}

/** What keeps an address from being one in its only form. Source: validation.IsValidIP. */
export function strictAddressWords(text: string): string[] {
  const address = addressOf(text);
  if (address === undefined) return [NO_ADDRESS];
  if (address.family === "IPv4" && text.includes(":")) return ["must not be an IPv4-mapped IPv6 address"];
  if (address.family === "IPv4" && address.parts.join(".") !== text) return ["must not have leading 0s"];
  const canonical = canonicalAddress(text);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

export function familyOf(text: string): "IPv4" | "IPv6" | undefined {
  return addressOf(text)?.family;
}

/** Whether the address is one to which others can send: not that of nobody, of oneself, or of one link only. */
export function validateEndpointAddress(text: string, field: string): FieldError[] {
  const address = addressOf(text);
  if (address === undefined) return [invalid(field, text, "must be a valid IP address")];
  const rules = address.family === "IPv4" ? special4(address.parts) : special6(address.parts);
  return Object.entries(rules)
    .filter(([, holds]) => holds)
    .map(([rule]) =>
      invalid(field, text, rule === "unspecified" ? `may not be unspecified (${text})` : `may not be in the ${RANGES[rule]}`),
    );
}

const RANGES: Readonly<Record<string, string>> = {
  loopback: "loopback range (127.0.0.0/8, ::1/128)",
  linkLocal: "link-local range (169.254.0.0/16, fe80::/10)",
  multicast: "link-local multicast range (224.0.0.0/24, ff02::/10)",
};

/** Whether this is what `validateEndpointAddress` says of an address of the machine itself. */
export function isAboutLoopback({ message }: FieldError): boolean {
  return message.endsWith(`may not be in the ${RANGES.loopback}`);
}

type Special = Readonly<Record<"unspecified" | "loopback" | "linkLocal" | "multicast", boolean>>;

function special4([a = 0, b = 0, c = 0, d = 0]: readonly number[]): Special {
  return {
    unspecified: a === 0 && b === 0 && c === 0 && d === 0,
    loopback: a === 127,
    linkLocal: a === 169 && b === 254,
    multicast: a === 224 && b === 0 && c === 0,
  };
}

function special6(words: readonly number[]): Special {
  const [first = 0] = words;
  const prefixIsZero = words.slice(0, 7).every((word) => word === 0);
  return {
    unspecified: prefixIsZero && words[7] === 0,
    loopback: prefixIsZero && words[7] === 1,
    linkLocal: (first & 0xffc0) === 0xfe80,
    multicast: (first & 0xff0f) === 0xff02,
  };
}

/** At least two labels, perhaps with a dot at the end. Source: validation.IsFullyQualifiedDomainName. */
export function validateDomainName(text: string, field: string): FieldError[] {
  if (text === "") return [required(field)];
  const name = text.replace(/\.$/, "");
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return [invalid(field, name, wrong.join(","))];
  const labels = name.split(".");
  if (labels.length < 2) return [invalid(field, name, "should be a domain with at least two segments separated by dots")];
  for (const label of labels) {
    const words = dnsLabel(label);
    if (words.length > 0) return [invalid(field, label, words.join(","))];
  }
  return [];
}

/** The address as a number: of 32 bits, or of 128. Throws on what is no address. */
export function addressBits(text: string): bigint {
  const address = addressOf(text);
  if (address === undefined) throw new RangeError(`${text} is no address`);
  const width = address.family === "IPv4" ? 8n : 16n;
  return address.parts.reduce((bits, part) => (bits << width) | BigInt(part), 0n);
}

/** The address of these bits, as RFC 5952 writes it. */
export function addressOfBits(bits: bigint, family: 4 | 6): string {
  const [width, part] = family === 4 ? [32, 8] : [128, 16];
  const parts = Array.from(
    { length: width / part },
    (_none, index) => (bits >> BigInt(width - part * (index + 1))) & ((1n << BigInt(part)) - 1n),
  );
  return family === 4 ? parts.join(".") : canonicalAddress(parts.map((word) => word.toString(16)).join(":"));
}

/** The address as RFC 5952 writes it, which is how URLs write it. */
export function canonicalAddress(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}
