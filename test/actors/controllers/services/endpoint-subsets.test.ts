import { expect, test } from "vitest";
import { repacked, truncated } from "../../../../actors/controllers/services/endpoint-subsets.ts";
import type { EndpointSubset } from "../../../../actors/kinds/generated/types.ts";

/** `ab!c:80,81`: a and b are ready, c is not, on two ports. */
function read(text: string): EndpointSubset {
  const [addresses = "", ports = ""] = text.split(":");
  const [ready = "", notReady = ""] = addresses.split("!");
  const listed = (names: string) => [...names].map((ip) => ({ ip }));
  return {
    ...(ready && { addresses: listed(ready) }),
    ...(notReady && { notReadyAddresses: listed(notReady) }),
    ...(ports && { ports: ports.split(",").map((port) => ({ port: Number(port) })) }),
  };
}

function print({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): string {
  const names = (list: readonly { readonly ip: string }[]) => list.map(({ ip }) => ip).join("");
  const numbers = ports.map(({ port }) => port).sort();
  return `${names(addresses)}${notReadyAddresses.length > 0 ? `!${names(notReadyAddresses)}` : ""}${ports.length > 0 ? `:${numbers}` : ""}`;
}

test.each([
  ["a:80 b:80", "ab:80"],
  ["a:80 a:81", "a:80,81"],
  ["ba:80 b:81", "ab:80 b:81"],
  ["a:80 !b:80", "a!b:80"],
  ["a:80 !a:80", "!a:80"],
  ["!a:80 a:80", "!a:80"],
  ["a:80 !a:81", "a:80 !a:81"],
  ["a b", "ab"],
])("%s becomes %s", (subsets, expected) => {
  expect(repacked(subsets.split(" ").map(read)).map(print).join(" ")).toBe(expected);
});

test.each([
  ["abc:80 d:81", 4, undefined],
  ["abcd:80 ef:81", 3, "ab:80 e:81"],
  ["ab!cd:80 e!f:81", 3, "ab:80 e:81"],
  ["ab!cdef:80 g!h:81", 5, "ab!cd:80 g:81"],
])("%s with at most %i", (subsets, addresses_max, expected) => {
  expect(truncated(subsets.split(" ").map(read), addresses_max)?.map(print).join(" ")).toBe(expected);
});
