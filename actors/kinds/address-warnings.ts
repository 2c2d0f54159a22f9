/** What clients are told of addresses that are accepted, but not written as they should be. Source: k8s.io/apimachinery/pkg/util/validation/ip.go. */
import { addressBits, addressOf, addressOfBits, canonicalAddress } from "./addresses.ts";
import { goQuote } from "./field-error.ts";

function familyOf(text: string): 4 | 6 {
  return addressOf(text)?.family === "IPv4" ? 4 : 6;
}

/** IPv4 with leading zeros, or written as IPv6. */
function isOdd(text: string): boolean {
  const address = addressOf(text);
  return address?.family === "IPv4" && address.parts.join(".") !== text;
}

export function addressWarnings(text: string, field: string): string[] {
  if (addressOf(text) === undefined) return [];
  if (isOdd(text)) {
    const better = goQuote(addressOfBits(addressBits(text), 4));
    return [`${field}: non-standard IP address ${goQuote(text)} will be considered invalid in a future Kubernetes release: use ${better}`];
  }
  const canonical = canonicalAddress(text);
  if (canonical === text) return [];
  return [`${field}: IPv6 address ${goQuote(text)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
}

export function rangeWarnings(text: string, field: string): string[] {
  const [address = "", length = ""] = text.split("/");
  if (addressOf(address) === undefined || !/^\d+$/.test(length)) return [];
  const family = familyOf(address);
  const bits = family === 4 ? 32 : 128;
  const hostBits = BigInt(Math.max(0, bits - Number(length)));
  const own = addressBits(address);
  const first = (own >> hostBits) << hostBits;
  const range = goQuote(`${addressOfBits(first, family)}/${Number(length)}`);
  const warnings: string[] = [];
  if (own !== first) {
    const single = goQuote(`${addressOfBits(own, family)}/${bits}`);
    warnings.push(`${field}: CIDR value ${goQuote(text)} is ambiguous in this context (should be ${range} or ${single}?)`);
  }
  if (isOdd(address) || String(Number(length)) !== length) {
    warnings.push(
      `${field}: non-standard CIDR value ${goQuote(text)} will be considered invalid in a future Kubernetes release: use ${range}`,
    );
  }
  if (warnings.length > 0 || family === 4 || canonicalAddress(address) === address) return warnings;
  return [`${field}: IPv6 CIDR value ${goQuote(text)} should be in RFC 5952 canonical format (${range})`];
}
