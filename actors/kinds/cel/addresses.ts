/** URLs, addresses and networks. Source: k8s.io/apiserver/pkg/cel/library: urls.go, ip.go and cidr.go. */
import { isIPv4, isIPv6 } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";
import { addressBits, addressOfBits, canonicalAddress } from "../addresses.ts";
import { hasFormat } from "../custom/formats.ts";

class CelUrl {
  readonly url: URL;
  readonly absolute: boolean;
  constructor(text: string) {
    this.absolute = URL.canParse(text);
    this.url = new URL(text, "http://localhost");
  }
}

/** Zones, and IPv4 written as IPv6, are no addresses here. */
function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%") && !/^::ffff:/i.test(text) && !text.includes("."));
}

class CelAddress {
  readonly text: string;
  constructor(text: string) {
    if (!isAddress(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
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

function contains(prefix: CelPrefix, address: string, bits = Number.POSITIVE_INFINITY): boolean {
  if (isIPv4(prefix.address) !== isIPv4(address) || bits < prefix.bits) return false;
  const rest = BigInt((isIPv4(address) ? 32 : 128) - prefix.bits);
  return addressBits(prefix.address) >> rest === addressBits(address) >> rest;
}

function within(address: string, ipv4: string, ipv6: string): boolean {
  return contains(new CelPrefix(isIPv4(address) ? ipv4 : ipv6), address);
}

function isGlobalUnicast({ text }: CelAddress): boolean {
  const special = ["0.0.0.0/32", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "255.255.255.255/32"];
  const special6 = ["::/128", "::1/128", "ff00::/8", "fe80::/10"];
  return !(isIPv4(text) ? special : special6).some((prefix) => contains(new CelPrefix(prefix), text));
}

/** The address in which all bits behind the prefix are zero. */
function masked({ address, bits }: CelPrefix): CelPrefix {
  const family = isIPv4(address) ? 4 : 6;
  const rest = BigInt((family === 4 ? 32 : 128) - bits);
  return new CelPrefix(`${addressOfBits((addressBits(address) >> rest) << rest, family)}/${bits}`);
}

/** What `ip.` stands for. */
class IpNamespace {}

export function addUrls(env: Environment): void {
  env.registerType("net.url.URL", CelUrl);
  env.registerFunction("url(string): net.url.URL", (text: string) => new CelUrl(text));
  env.registerFunction("isURL(string): bool", (text: string) => URL.canParse(text) || text.startsWith("/"));
  env.registerOperator("net.url.URL == net.url.URL", (a: CelUrl, b: CelUrl) => a.url.href === b.url.href);
  const on = (signature: string, run: (url: CelUrl) => unknown): void => {
    env.registerFunction(`net.url.URL.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("getScheme(): string", ({ url, absolute }) => (absolute ? url.protocol.slice(0, -1) : ""));
  on("getHost(): string", ({ url, absolute }) => (absolute ? url.host : ""));
  on("getHostname(): string", ({ url, absolute }) => (absolute ? url.hostname.replace(/^\[|\]$/g, "") : ""));
  on("getPort(): string", ({ url }) => url.port);
  on("getEscapedPath(): string", ({ url }) => url.pathname);
  on("getQuery(): map<string, list<string>>", ({ url }) =>
    Object.fromEntries([...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)])),
  );
}

export function addAddresses(env: Environment): void {
  env.registerType("net.IP", CelAddress);
  env.registerType("net.CIDR", CelPrefix);
  env.registerFunction("ip(string): net.IP", (text: string) => new CelAddress(text));
  env.registerFunction("isIP(string): bool", isAddress);
  env.registerFunction("cidr(string): net.CIDR", (text: string) => new CelPrefix(text));
  env.registerFunction("isCIDR(string): bool", (text: string) => hasFormat("cidr", text));
  const onAddress = (signature: string, run: (address: CelAddress) => unknown): void => {
    env.registerFunction(`net.IP.${signature}`, run as (...values: unknown[]) => unknown);
  };
  onAddress("family(): int", ({ text }) => (isIPv4(text) ? 4n : 6n));
  onAddress("isLoopback(): bool", ({ text }) => text === "::1" || text.startsWith("127."));
  onAddress("isUnspecified(): bool", ({ text }) => addressBits(text) === 0n);
  onAddress("isLinkLocalMulticast(): bool", ({ text }) => within(text, "224.0.0.0/24", "ff02::/16"));
  onAddress("isLinkLocalUnicast(): bool", ({ text }) => within(text, "169.254.0.0/16", "fe80::/10"));
  onAddress("isGlobalUnicast(): bool", isGlobalUnicast);
  env.registerFunction("string(net.IP): string", ({ text }: CelAddress) => canonicalAddress(text));
  env.registerOperator("net.IP == net.IP", (a: CelAddress, b: CelAddress) => canonicalAddress(a.text) === canonicalAddress(b.text));
  env.registerType("IpNamespace", IpNamespace);
  env.registerConstant("ip", "IpNamespace", new IpNamespace());
  env.registerFunction(
    "IpNamespace.isCanonical(string): bool",
    (_ip: unknown, text: string) => canonicalAddress(new CelAddress(text).text) === text,
  );
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
  onPrefix("masked(): net.CIDR", masked);
  env.registerFunction("string(net.CIDR): string", ({ address, bits }: CelPrefix) => `${canonicalAddress(address)}/${bits}`);
  env.registerOperator(
    "net.CIDR == net.CIDR",
    (a: CelPrefix, b: CelPrefix) => a.bits === b.bits && canonicalAddress(a.address) === canonicalAddress(b.address),
  );
  onPrefix("ip(): net.IP", ({ address }) => new CelAddress(address));
}
