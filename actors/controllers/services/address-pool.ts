import { formatIpv4, parseIpv4 } from "../../registry/service-range.ts";

/** IPv4 addresses from `first` to `last`, as numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

const ADDRESS_BITS = 32;

/** `192.0.2.0/28`, `192.0.2.10-192.0.2.20` or one address. All addresses of a prefix count. Undefined for what is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const prefix = /^([^/]+)\/(\d{1,2})$/.exec(text);
  if (prefix !== null) {
    const base = parseIpv4(prefix[1] ?? "");
    const bits = Number(prefix[2]);
    if (base === undefined || bits > ADDRESS_BITS) return undefined;
    const size = 2 ** (ADDRESS_BITS - bits);
    const first = base - (base % size);
    return { first, last: first + size - 1 };
  }
  const [from = "", to = from] = text.split("-");
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  return first === undefined || last === undefined || first > last || text.split("-").length > 2 ? undefined : { first, last };
}

export function isInPool(pool: readonly AddressRange[], address: string): boolean {
  const value = parseIpv4(address);
  return value !== undefined && pool.some(({ first, last }) => value >= first && value <= last);
}

/** The lowest address that is free; undefined when none is. */
export function freeAddress(pool: readonly AddressRange[], taken: ReadonlySet<string>): string | undefined {
  for (const { first, last } of pool) {
    for (let value = first; value <= last; value++) {
      const address = formatIpv4(value);
      if (!taken.has(address)) return address;
    }
  }
  return undefined;
}
