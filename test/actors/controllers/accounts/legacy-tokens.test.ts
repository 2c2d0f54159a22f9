import { describe, expect, test } from "vitest";
import { legacyTokenCleaner } from "../../../../actors/controllers/accounts/legacy-token-cleaner.ts";
import { isNewUse, startOfDay, trackedFrom } from "../../../../actors/controllers/accounts/legacy-tokens.ts";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { SecretKind } from "../../../../actors/kinds/core/secret.ts";
import { ServiceAccountKind } from "../../../../actors/kinds/core/service-account.ts";
import { START_MS, Transcript } from "../transcript.ts";

const DAY_MS = 24 * 3_600_000;
const day = (days: number): string => new Date(START_MS + days * DAY_MS).toISOString().slice(0, 10);
const LAST_USED = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";
const TODAY = day(0);
const REFUSED = [`modify Secret/s {"metadata":{"labels":{"${INVALID_SINCE}":"${TODAY}"}}}`];

interface World {
  readonly since?: string;
  readonly created?: string;
  readonly labels?: Record<string, string>;
  readonly type?: string;
  readonly uid?: string;
  readonly references?: readonly string[];
  readonly volumes?: readonly object[];
}

/** A token of account `a` that was made unasked, two years ago, in a cluster that has kept track for as long. */
function decide(world: World): readonly string[] {
  const { since = day(-730), created = `${day(-730)}T00:00:00Z`, labels = {}, type = "kubernetes.io/service-account-token" } = world;
  const { uid = "uid-a", references = ["s"], volumes = [] } = world;
  const annotations = { "kubernetes.io/service-account.name": "a", "kubernetes.io/service-account.uid": uid };
  return new Transcript(legacyTokenCleaner)
    .put(ConfigMapKind, {
      metadata: { name: "kube-apiserver-legacy-service-account-token-tracking", namespace: "kube-system" },
      data: { since },
    })
    .put(ServiceAccountKind, { metadata: { name: "a" }, secrets: references.map((name) => ({ name })) })
    .put(PodKind, { metadata: { name: "p" }, spec: { containers: [], volumes } })
    .put(SecretKind, { metadata: { name: "s", creationTimestamp: created, annotations, labels }, type, data: {} })
    .decide();
}

describe("a token that was made unasked", () => {
  test.each<[string, World, readonly string[]]>([
    ["and never used is refused from now on", {}, REFUSED],
    ["and last used a year and a day ago is refused", { labels: { [LAST_USED]: day(-366) } }, REFUSED],
    ["and used within the year stays", { labels: { [LAST_USED]: day(-365) } }, []],
    ["and used when nobody can tell stays", { labels: { [LAST_USED]: "lately" } }, []],
    ["and refused since when nobody can tell is refused from now on", { labels: { [INVALID_SINCE]: "2025-02-31" } }, REFUSED],
    ["and refused for less than a year stays", { labels: { [INVALID_SINCE]: day(-365) } }, []],
    [
      "and refused for a year goes",
      { labels: { [INVALID_SINCE]: day(-366) } },
      ['delete Secret/s {"preconditions":{"resourceVersion":"4"}}'],
    ],
    ["stays while nobody has kept track for a year and a day", { since: day(-365) }, []],
    ["stays when nobody says since when track is kept", { since: "long ago" }, []],
    ["within the last year stays", { created: `${day(-364)}T00:00:00Z` }, []],
    ["stays while a pod mounts it", { volumes: [{ name: "v", secret: { secretName: "s" } }] }, []],
  ])("%s", (_what, world, expected) => {
    expect(decide(world)).toEqual(expected);
  });
});

test.each<[string, World]>([
  ["asked for by hand", { references: [] }],
  ["of another account of that name", { uid: "earlier" }],
  ["of no account's type", { type: "Opaque" }],
])("a secret %s is left alone", (_what, world) => {
  expect(decide(world)).toEqual([]);
});

test("is looked for once a day, not at changes", () => {
  const tracking = { namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking" };
  expect(legacyTokenCleaner.watches.map(({ resource }) => resource)).toEqual(["configmaps"]);
  expect(legacyTokenCleaner.resync?.period_ms).toBe(DAY_MS);
  expect([...(legacyTokenCleaner.resync?.keys(new Transcript(legacyTokenCleaner).view, START_MS) ?? [])]).toEqual([
    `configmaps/${tracking.namespace}/${tracking.name}`,
  ]);
});

test("days", () => {
  expect(startOfDay("2025-02-28")).toBe(Date.parse("2025-02-28"));
  expect([startOfDay("2025-02-30"), startOfDay("2025-2-1"), startOfDay(undefined)]).toEqual([undefined, undefined, undefined]);
  expect(trackedFrom("2025-02-28")).toBe(Date.parse("2025-03-01"));
  expect([undefined, day(-1), TODAY, day(1)].map((used) => isNewUse(used, START_MS))).toEqual([true, true, false, false]);
});
