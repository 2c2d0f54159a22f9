const IPV4_LABELS = 4;
const IPV6_NIBBLES = 32;

/**
 * The address that a name under in-addr.arpa or ip6.arpa stands for, in small letters as RFC 5952 has it; undefined where it stands for a whole
 * network or nothing.
 */
export function addressOfReverse(name: string): string | undefined {
  const labels = name.split(".").slice(0, -2).reverse();
  if (name.endsWith(".in-addr.arpa")) {
    const isAddress = labels.length === IPV4_LABELS && labels.every((label) => /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256);
    return isAddress ? labels.join(".") : undefined;
  }
  if (!name.endsWith(".ip6.arpa") || labels.length !== IPV6_NIBBLES || !labels.every((label) => /^[0-9a-f]$/.test(label))) return undefined;
  const words = labels.join("").match(/.{4}/g) ?? [];
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}
