/** Ranges of addresses. Source: k8s.io/apimachinery/pkg/util/validation/ip.go, netutils.ParseCIDRSloppy. */
import { addressBits, addressOf, addressOfBits } from "../addresses.ts";
import { invalid } from "../field-error.ts";
import type { FieldError } from "../status.ts";

const PREFIX_BITS_MAX = { 4: 32, 6: 128 } as const;
const MAPPED = 0xffffn << 32n;

interface Range {
  readonly family: 4 | 6;
  /** Of the address, as it is written. */
  readonly bits: bigint;
  readonly length: number;
}

/** An address and a length, both with leading zeros if need be; undefined for what is no range. */
function rangeOf(text: string): Range | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const parsed = addressOf(address);
  if (more.length > 0 || parsed === undefined || !/^\d+$/.test(length)) return undefined;
  const family = address.includes(":") ? 6 : 4;
  if (Number(length) > PREFIX_BITS_MAX[family]) return undefined;
  const bits = addressBits(address);
  return { family, bits: family === 6 && parsed.family === "IPv4" ? MAPPED | bits : bits, length: Number(length) };
}

/** The first address of a range. */
function firstOf({ family, bits, length }: Range): bigint {
  const hostBits = BigInt(PREFIX_BITS_MAX[family] - length);
  return (bits >> hostBits) << hostBits;
}

export function isCidr(text: string): boolean {
  return rangeOf(text) !== undefined;
}

/** Whether all addresses of the one are of the other, which has more. */
export function isStrictlyIn(inner: string, outer: string): boolean {
  const [a, b] = [rangeOf(inner), rangeOf(outer)];
  if (a === undefined || b === undefined || a.family !== b.family || b.length >= a.length) return false;
  return firstOf({ ...a, length: b.length }) === firstOf(b);
}

/** What keeps a range from being one in its only form. Source: parseCIDR, IsValidCIDR. */
function strictWords(text: string, range: Range): string | undefined {
  if (/\/0\d/.test(text) || (range.family === 4 && /(^|\.)0\d/.test(text))) return "must not have leading 0s in IP or prefix length";
  if (range.family === 6 && range.bits >> 32n === 0xffffn) return "must not have an IPv4-mapped IPv6 address";
  const first = firstOf(range);
  if (range.bits !== first) return "must not have bits set beyond the prefix length";
  const canonical = `${addressOfBits(first, range.family)}/${range.length}`;
  return canonical === text ? undefined : `must be in canonical form (${JSON.stringify(canonical)})`;
}

/** A range in its only form. */
export function validateStrictCidr(text: string, field: string): FieldError[] {
  const range = rangeOf(text);
  if (range === undefined) return validateCidr(text, field);
  const words = strictWords(text, range);
  return words === undefined ? [] : [invalid(field, text, words)];
}

/** A range in a field that takes what older versions took. Source: IsValidCIDRForLegacyField. */
export function validateCidr(text: string, field: string): FieldError[] {
  return isCidr(text) ? [] : [invalid(field, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}

/** An address with the length of its network, in its only form. Source: validation.IsValidInterfaceAddress. */
export function validateInterfaceAddress(text: string, field: string): FieldError[] {
  const range = rangeOf(text);
  if (range === undefined) return [invalid(field, text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")];
  const mapped = range.family === 6 && range.bits >> 32n === 0xffffn;
  const address = mapped ? addressOfBits(range.bits & 0xffff_ffffn, 4) : addressOfBits(range.bits, range.family);
  const length = mapped && range.length > PREFIX_BITS_MAX[4] ? range.length - (PREFIX_BITS_MAX[6] - PREFIX_BITS_MAX[4]) : range.length;
  const canonical = `${address}/${length}`;
  return canonical === text ? [] : [invalid(field, text, `must be in canonical form (${JSON.stringify(canonical)})`)];
}
