import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { startScheduler, type TestScheduler } from "./harness.ts";

const SHARDS = 3;
const ZONES = 3;
const APPS = ["web", "db"] as const;

/** What a pod asks of where others are, and how long its binding is held up, in turns of the event loop. */
interface Wish {
  readonly app: (typeof APPS)[number];
  readonly repels: (typeof APPS)[number] | undefined;
  readonly key: "zone" | "host";
  readonly isSpread: boolean;
  readonly delay: number;
  /** It goes as soon as it is bound. */
  readonly leaves: boolean;
}

const app = fc.constantFrom(...APPS);
const wish = (isSpread: boolean): fc.Arbitrary<Wish> =>
  fc.record({
    app,
    repels: isSpread ? fc.constant(undefined) : fc.option(app, { freq: 3, nil: undefined }),
    key: fc.constantFrom("zone", "host"),
    isSpread: fc.constant(isSpread),
    delay: fc.integer({ min: 0, max: 4 }),
    leaves: isSpread ? fc.constant(false) : fc.boolean(),
  });

function specOf({ app, repels, key, isSpread }: Wish): object {
  const away = { labelSelector: { matchLabels: { app: repels } }, topologyKey: key };
  const even = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app } } };
  return {
    containers: [{ name: "c", image: "i", resources: { requests: { cpu: "10m" } } }],
    ...(repels === undefined ? {} : { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [away] } } }),
    ...(isSpread ? { topologySpreadConstraints: [even] } : {}),
  };
}

const zoneOf = (node: string): number => Number(node.slice(1)) % ZONES;
const together = (key: string, a: string, b: string): boolean => (key === "host" ? a === b : zoneOf(a) === zoneOf(b));

/** Whom a pod was bound beside that should not be there, of all that were bound when that was committed; told without anything of the scheduler's. */
function wrongs(one: Wish, node: string, there: ReadonlyMap<string, { readonly wish: Wish; readonly node: string }>): string[] {
  const wrong: string[] = [];
  for (const [name, other] of there) {
    if (one.repels === other.wish.app && together(one.key, node, other.node)) wrong.push(`beside ${name}, whom it repels`);
    if (other.wish.repels === one.app && together(other.wish.key, node, other.node)) wrong.push(`beside ${name}, who repels it`);
  }
  return wrong;
}

/** By how many pods of an app the zones differ. A shard's own bindings are committed in any order, so it says something when all are there. */
function skewOf(app: string, pods: readonly Pod[]): number {
  const own = pods.filter(({ metadata, spec }) => metadata.labels?.["app"] === app && spec.nodeName);
  const zones = Array.from({ length: ZONES }, (_, zone) => own.filter(({ spec }) => zoneOf(spec.nodeName ?? "") === zone).length);
  return Math.max(...zones) - Math.min(...zones);
}

describe("several shards that race", () => {
  let running: TestScheduler | undefined;
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  afterEach(stop);

  /** Has shards place the pods while their bindings are held up; answers who came beside whom, how many bindings there were, and the skew of each app. */
  async function race(nodes: number, wishes: readonly Wish[], isOver: (pods: readonly Pod[]) => boolean) {
    const byName = new Map(wishes.map((each, number) => [`p${number}`, each]));
    const wishOf = (name: string): Wish => byName.get(name) as Wish;
    const heldUp: Parameters<typeof startScheduler>[0] = {
      registry: (registry) => ({
        ...registry,
        bind: async (namespace, name, uid, node, options) => {
          for (let turn = 0; turn < wishOf(name).delay; turn++) await new Promise(setImmediate);
          return registry.bind(namespace, name, uid, node, options);
        },
      }),
    };
    const scheduler = await startScheduler(heldUp, { shards: SHARDS });
    running = scheduler;
    const { view, registry } = scheduler;
    for (let node = 0; node < nodes; node++) {
      await scheduler.setNode(`n${node}`, {}, { labels: { zone: `z${node % ZONES}`, host: `n${node}` } });
    }
    const there = new Map<string, { readonly wish: Wish; readonly node: string }>();
    const wrong: string[] = [];
    let bindings = 0;
    const leaving: Promise<unknown>[] = [];
    view.watch("pods", view.revision, ({ now, before }) => {
      if (now === undefined) {
        there.delete(before?.key.slice("pods/d/".length) ?? "");
        return;
      }
      const { metadata, spec } = view.decode<Pod>(now);
      const { name } = metadata;
      if (!spec.nodeName || there.has(name)) return;
      bindings++;
      for (const each of wrongs(wishOf(name), spec.nodeName, there)) wrong.push(`${name} on ${spec.nodeName} is ${each}`);
      there.set(name, { wish: wishOf(name), node: spec.nodeName });
      if (wishOf(name).leaves) leaving.push(registry.delete(PodKind as never, "d", name, { gracePeriodSeconds: 0 }));
    });
    scheduler.start();
    await Promise.all([...byName].map(([name, each]) => scheduler.createPod(name, specOf(each), { labels: { app: each.app } })));
    const pods = (): readonly Pod[] => view.list("pods").map((entry) => view.decode<Pod>(entry));
    await scheduler.eventually(() => wrong.length > 0 || isOver(pods()));
    const skews = APPS.map((app) => skewOf(app, pods()));
    await Promise.all(leaving);
    await stop();
    return { wrong, bindings, skews };
  }

  const isDecided = ({ spec, status }: Pod): boolean =>
    Boolean(spec.nodeName) || status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true;

  it("never put a pod beside one that it repels or that repels it, whoever comes and goes", { timeout: 60_000 }, async () => {
    const wishes = fc.array(wish(false), { minLength: 6, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: ZONES, max: 7 }), wishes, async (nodes, each) => {
        const { wrong, bindings } = await race(nodes, each, (pods) => pods.every(isDecided));
        expect(wrong).toEqual([]);
        expect(bindings).toBeGreaterThan(0);
      }),
      { numRuns: 6 },
    );
  });

  it("never skew what is to be spread, and find a node for everybody", { timeout: 60_000 }, async () => {
    const wishes = fc.array(wish(true), { minLength: 6, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: ZONES, max: 7 }), wishes, async (nodes, each) => {
        const isOver = (pods: readonly Pod[]): boolean => pods.length === each.length && pods.every(({ spec }) => Boolean(spec.nodeName));
        const { bindings, skews } = await race(nodes, each, isOver);
        expect(Math.max(...skews)).toBeLessThanOrEqual(1);
        expect(bindings).toBe(each.length);
      }),
      { numRuns: 6 },
    );
  });
});
