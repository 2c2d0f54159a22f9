import { BlockList, isIP, isIPv4 } from "node:net";
import { addressBits, addressOfBits } from "../addresses.ts";
import { invalid } from "../field-error.ts";
import type { FieldError } from "../status.ts";

const PREFIX_BITS_MAX = { 4: 32, 6: 128 } as const;

/** An address without leading zeros, and a length that its family has: `10.0.0.0/8`. */
export function isCidr(text: string): boolean {
  const [address = "", length = "", ...more] = text.split("/");
  if (more.length > 0 || isIP(address) === 0 || !/^\d{1,3}$/.test(length)) return false;
  return Number(length) <= PREFIX_BITS_MAX[isIPv4(address) ? 4 : 6];
}

/** Whether all addresses of the one are of the other, which has more. */
export function isStrictlyIn(inner: string, outer: string): boolean {
  const [address = "", length = ""] = outer.split("/");
  const [first = "", innerLength = ""] = inner.split("/");
  if (isIPv4(address) !== isIPv4(first) || Number(length) >= Number(innerLength)) return false;
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(address, Number(length), family);
  return block.check(first, family);
}

/** A range in its only form. Source: validation.IsValidCIDR. */
export function validateStrictCidr(text: string, field: string): FieldError[] {
  const wrong = validateCidr(text, field);
  if (wrong.length > 0) return wrong;
  const [address = "", length = ""] = text.split("/");
  const family = isIPv4(address) ? 4 : 6;
  const hostBits = BigInt(PREFIX_BITS_MAX[family] - Number(length));
  const bits = addressBits(address);
  const first = (bits >> hostBits) << hostBits;
  if (bits !== first) return [invalid(field, text, "must not have bits set beyond the prefix length")];
  const canonical = `${addressOfBits(first, family)}/${length}`;
  return canonical === text ? [] : [invalid(field, text, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

export function validateCidr(text: string, field: string): FieldError[] {
  return isCidr(text) ? [] : [invalid(field, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}
