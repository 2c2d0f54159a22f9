import fc from "fast-check";
import { expect, test } from "vitest";
import { addressOf, Directory, type Member, placeOf } from "../../runtime/mod.ts";

const hosts = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 8 });
const keys = fc.array(fc.string(), { maxLength: 30 });
const offering = (names: readonly string[]): Member[] => names.map((host) => ({ host, kinds: ["pod"] }));

test("when a member leaves, only the addresses it had move", () => {
  fc.assert(
    fc.property(hosts, keys, fc.nat(), (names, all, pick) => {
      const leaver = names[pick % names.length];
      const before = offering(names);
      const after = before.filter(({ host }) => host !== leaver);
      for (const key of all) {
        const address = addressOf("pod", key);
        const was = placeOf(address, before);
        if (was !== leaver) expect(placeOf(address, after)).toBe(was);
        else expect(after.map(({ host }) => host).concat("none")).toContain(placeOf(address, after) ?? "none");
      }
    }),
  );
});

test("the order of members does not matter, and a Directory says the same as placeOf", () => {
  fc.assert(
    fc.property(hosts, keys, (names, all) => {
      const members = offering(names);
      const turned = new Directory([...members].reverse());
      for (const key of all) expect(turned.placeOf(addressOf("pod", key))).toBe(placeOf(addressOf("pod", key), members));
    }),
  );
});

test("addresses spread evenly, for names that differ in one digit", () => {
  const members = offering(["host-1", "host-2", "host-3", "host-4"]);
  const counts = new Map<string | undefined, number>();
  for (let index = 0; index < 8_000; index++) {
    const place = placeOf(addressOf("pod", `worker-${index}`), members);
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  expect(counts.size).toBe(4);
  // 2,000 expected, standard deviation 39.
  for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(200);
});

test("a kind lives only where it is offered", () => {
  const members: Member[] = [
    { host: "store", kinds: ["writer"] },
    { host: "nodes", kinds: ["node", "pod"] },
    { host: "more-nodes", kinds: ["node"] },
  ];
  const directory = new Directory(members);
  for (let index = 0; index < 50; index++) {
    expect(directory.placeOf(addressOf("writer", `${index}`))).toBe("store");
    expect(directory.placeOf(addressOf("pod", `${index}`))).toBe("nodes");
    expect(["nodes", "more-nodes"]).toContain(directory.placeOf(addressOf("node", `${index}`)));
    expect(directory.placeOf(addressOf("ghost", `${index}`))).toBeUndefined();
  }
});

test("an update tells which addresses moved", () => {
  const directory = new Directory(offering(["a", "b"]));
  const addresses = Array.from({ length: 100 }, (_, index) => addressOf("pod", `${index}`));
  const before = addresses.map((address) => directory.placeOf(address));
  let moved: string[] = [];
  const end = directory.watch((test) => {
    moved = addresses.filter(test);
  });
  directory.update(offering(["a", "b", "c"]));
  expect(moved).toEqual(addresses.filter((address, index) => directory.placeOf(address) !== before[index]));
  expect(moved.length).toBeGreaterThan(10);
  end();
  directory.update(offering(["a"]));
  expect(moved.length).toBeLessThan(100);
});
