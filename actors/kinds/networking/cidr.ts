import { isIP, isIPv4 } from "node:net";
import { invalid } from "../field-error.ts";
import type { FieldError } from "../status.ts";

const PREFIX_BITS_MAX = { 4: 32, 6: 128 } as const;

/** An address without leading zeros, and a length that its family has: `10.0.0.0/8`. */
export function isCidr(text: string): boolean {
  const [address = "", length = "", ...more] = text.split("/");
  if (more.length > 0 || isIP(address) === 0 || !/^\d{1,3}$/.test(length)) return false;
  return Number(length) <= PREFIX_BITS_MAX[isIPv4(address) ? 4 : 6];
}

export function validateCidr(text: string, field: string): FieldError[] {
  return isCidr(text) ? [] : [invalid(field, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}
