import { describe, expect, test } from "vitest";
import { deploymentController } from "../../../../actors/controllers/deployment/deployment.ts";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../../../../actors/kinds/apps/replica-set.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { Transcript } from "../transcript.ts";

const KEY = "deployments.apps/d/web";
const REVISION = "deployment.kubernetes.io/revision";
const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true };
const template = (image: string, more: object = {}) => ({
  metadata: { labels: { app: "x", ...more } },
  spec: { containers: [{ name: "c", image }] },
});

function web(image: string, spec: object = {}, metadata: object = {}, status: object = { observedGeneration: 1 }): object {
  return {
    metadata: { name: "web", generation: 1, ...metadata },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "x" } },
      template: template(image),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      ...spec,
    },
    status,
  };
}

interface SetFacts {
  readonly replicas: number;
  readonly available?: number;
  readonly revision?: string;
  readonly desired?: number;
  readonly created?: string;
}

function replicas(name: string, image: string, facts: SetFacts, metadata: object = {}): object {
  const { replicas, available = replicas, revision = "1", desired = 3, created = "2026-01-01T11:00:00Z" } = facts;
  const annotations = {
    [REVISION]: revision,
    "deployment.kubernetes.io/desired-replicas": String(desired),
    "deployment.kubernetes.io/max-replicas": String(desired + 1),
  };
  return {
    metadata: {
      name,
      generation: 1,
      creationTimestamp: created,
      labels: { app: "x", "pod-template-hash": name },
      annotations,
      ownerReferences: [owner],
      ...metadata,
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: "x", "pod-template-hash": name } },
      template: template(image, { "pod-template-hash": name }),
    },
    status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  };
}

const decide = (...objects: readonly (readonly ["web" | "set" | "pod", object])[]): readonly string[] => {
  const transcript = new Transcript(deploymentController);
  for (const [what, object] of objects) {
    if (what === "web") transcript.put(DeploymentKind, object);
    else if (what === "set") transcript.put(ReplicaSetKind, object);
    else transcript.put(PodKind, object);
  }
  return transcript.decide();
};
const scaled = (name: string, to: number): string => `modify ReplicaSet/${name} {"spec":{"replicas":${to}}}`;
const sets = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes("ReplicaSet/"));

describe("the set of the present template", () => {
  test("is made, with the revision after all others, and the Deployment says so", () => {
    const lines = decide(
      ["web", web("img:2", { progressDeadlineSeconds: 600 })],
      ["set", replicas("old", "img:1", { replicas: 3, revision: "7" })],
    );
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^1: create ReplicaSet\/web-[a-z0-9]{10}$/);
    expect(lines[1]).toContain(`"annotations":{"${REVISION}":"8"}`);
    expect(lines[1]).toContain('"reason":"NewReplicaSetCreated"');
  });

  test("may come after a set of a revision that no floating-point number holds", () => {
    const lines = decide(["web", web("img:2")], ["set", replicas("old", "img:1", { replicas: 3, revision: "3546343826724305832" })]);
    expect(lines[1]).toContain(`"${REVISION}":"3546343826724305833"`);
  });

  test("whose name another one has is given another, by counting the collision", () => {
    const first = new Transcript(deploymentController).put(DeploymentKind, web("img:1"));
    const name = first.decide()[0]?.slice("1: create ReplicaSet/".length) ?? "";
    const stranger = replicas(name, "img:9", { replicas: 1 }, { ownerReferences: [{ ...owner, uid: "another" }] });
    expect(decide(["web", web("img:1")], ["set", stranger])).toEqual([
      expect.stringMatching(/^status Deployment\/web .*"collisionCount":1/),
    ]);
  });

  test("that was there before comes back under a new revision, and remembers which it was", () => {
    const lines = decide(
      ["web", web("img:1")],
      ["set", replicas("a", "img:1", { replicas: 0, revision: "1" })],
      ["set", replicas("b", "img:2", { replicas: 3, revision: "2" })],
    );
    expect(sets(lines)[0]).toBe(
      `modify ReplicaSet/a ${JSON.stringify({ metadata: { annotations: { [REVISION]: "3", "deployment.kubernetes.io/revision-history": "1" } } })}`,
    );
  });

  test("that bears no number as its revision keeps all that it says, and the Deployment bears the same", () => {
    const lines = decide(
      ["web", web("img:1", {}, { annotations: { team: "blue" } })],
      ["set", replicas("a", "img:1", { replicas: 3, revision: "first" })],
    );
    expect(sets(lines)).toEqual([]);
    expect(lines.find((line) => line.startsWith("modify Deployment"))).toContain(`"${REVISION}":"first"`);
  });

  test("takes up what is new of a Deployment that is going, too", () => {
    const going = { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"], annotations: { team: "blue" } };
    const lines = decide(["web", web("img:1", {}, going)], ["set", replicas("a", "img:1", { replicas: 3 })]);
    expect(sets(lines)).toEqual(['modify ReplicaSet/a {"metadata":{"annotations":{"team":"blue"}}}']);
    expect(lines.at(-1)).toContain(`"${REVISION}":"1"`);
  });

  test("takes up the Deployment's annotations, but not those that are one's own business", () => {
    const annotations = { team: "blue", "kubectl.kubernetes.io/last-applied-configuration": "{}", [REVISION]: "1" };
    const lines = decide(["web", web("img:1", {}, { annotations })], ["set", replicas("a", "img:1", { replicas: 3 })]);
    expect(sets(lines)).toEqual(['modify ReplicaSet/a {"metadata":{"annotations":{"team":"blue"}}}']);
  });
});

describe("a rollout", () => {
  const done = { [REVISION]: "2" };

  test("over another that is under way: the old ones make room for the newest, whatever revision they are", () => {
    const lines = decide(
      ["web", web("img:3")],
      ["set", replicas("a", "img:1", { replicas: 2, created: "2026-01-01T10:00:00Z" })],
      ["set", replicas("b", "img:2", { replicas: 2, available: 0, revision: "2", created: "2026-01-01T11:00:00Z" })],
      ["set", replicas("c", "img:3", { replicas: 0, revision: "3", created: "2026-01-01T11:30:00Z" })],
    );
    // Two of the first are all that is available, and no fewer may be; the second serves nobody yet, and goes.
    expect(sets(lines)).toEqual([scaled("b", 0)]);
  });

  test("that takes from one set what serves nobody and then what does is told of both", () => {
    const transcript = new Transcript(deploymentController)
      .put(
        DeploymentKind,
        web("img:2", { replicas: 10, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 5 } } }),
      )
      .put(ReplicaSetKind, replicas("a", "img:1", { replicas: 10, available: 8, desired: 10 }))
      .put(ReplicaSetKind, replicas("b", "img:2", { replicas: 3, available: 0, revision: "2", desired: 10 }));
    const steps = transcript.actions(KEY).flatMap((action) => (action.do === "inOrder" ? action.steps : []));
    expect(steps.map((step) => (step.do === "modify" ? step.notes?.done?.message : step.do))).toEqual([
      "Scaled down replica set a from 10 to 8",
      "Scaled down replica set a from 8 to 5",
    ]);
  });

  test("with Recreate first all old pods go, also those that are still stopping", () => {
    const recreate = { strategy: { type: "Recreate" } };
    const first = sets(decide(["web", web("img:2", recreate)], ["set", replicas("a", "img:1", { replicas: 3 })]));
    expect(first).toEqual([expect.stringMatching(/^modify ReplicaSet\/a .*"spec":\{"replicas":0\}/)]);
    const stopping = {
      metadata: {
        name: "p",
        labels: { app: "x" },
        deletionTimestamp: "2026-01-01T12:00:00Z",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "a", uid: "uid-a", controller: true }],
      },
      spec: { containers: [], nodeName: "n" },
      status: { phase: "Running" },
    };
    const gone = replicas("a", "img:1", { replicas: 0 });
    expect(sets(decide(["web", web("img:2", recreate)], ["set", gone], ["pod", stopping]))).toEqual([]);
    const lines = sets(decide(["web", web("img:2", recreate)], ["set", gone]));
    expect(lines[0]).toMatch(/^1: create ReplicaSet/);
  });

  test("that is paused makes no set and scales by proportion only", () => {
    const paused = { reason: "DeploymentPaused", type: "Progressing", status: "Unknown" };
    const status = { observedGeneration: 1, conditions: [paused] };
    const objects = (replicasWanted: number) =>
      decide(
        ["web", web("img:2", { paused: true, replicas: replicasWanted }, {}, status)],
        ["set", replicas("a", "img:1", { replicas: 3 })],
      );
    expect(sets(objects(3))).toEqual([]);
    expect(sets(objects(5))).toEqual([
      'modify ReplicaSet/a {"metadata":{"annotations":{"deployment.kubernetes.io/desired-replicas":"5","deployment.kubernetes.io/max-replicas":"6"}},"spec":{"replicas":5}}',
    ]);
  });

  test("that is paused while a rollback is asked for keeps its old sets", () => {
    const paused = { conditions: [{ reason: "DeploymentPaused", type: "Progressing", status: "Unknown" }] };
    const left = (annotations: object): readonly string[] =>
      decide(
        ["web", web("img:2", { paused: true, revisionHistoryLimit: 0 }, { annotations }, paused)],
        ["set", replicas("a", "img:1", { replicas: 0 })],
        ["set", replicas("b", "img:2", { replicas: 3, revision: "2" })],
      ).filter((line) => line.startsWith("delete"));
    expect(left({ "deprecated.deployment.rollback.to": "1" })).toEqual([]);
    expect(left({})).toHaveLength(1);
  });

  test("that is complete leaves as many old sets as it is told, the newest", () => {
    const complete = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
    const lines = decide(
      ["web", web("img:4", { revisionHistoryLimit: 1 }, { annotations: done }, complete)],
      ["set", replicas("a", "img:1", { replicas: 0, revision: "1" })],
      ["set", replicas("b", "img:2", { replicas: 0, revision: "10" })],
      ["set", replicas("c", "img:3", { replicas: 0, revision: "9" })],
      ["set", replicas("d", "img:4", { replicas: 3, revision: "11", created: "2026-01-01T11:30:00Z" })],
    );
    expect(lines.filter((line) => line.startsWith("delete"))).toEqual([
      'delete ReplicaSet/a {"propagationPolicy":"Background"}',
      'delete ReplicaSet/c {"propagationPolicy":"Background"}',
    ]);
  });
});

describe("what sets remember of the Deployment", () => {
  test("is left as it is by a change of the surge, whatever the strategy", () => {
    for (const strategy of [{ type: "Recreate" }, { type: "RollingUpdate", rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } }]) {
      expect(sets(decide(["web", web("img:1", { strategy })], ["set", replicas("a", "img:1", { replicas: 3 })]))).toEqual([]);
    }
  });

  test("counts only where it is a number", () => {
    const odd = replicas("a", "img:1", { replicas: 3 });
    (odd as { metadata: { annotations: Record<string, string> } }).metadata.annotations["deployment.kubernetes.io/desired-replicas"] =
      "5 or so";
    // With a size that was changed nothing would be rolled out.
    expect(sets(decide(["web", web("img:2")], ["set", odd]))).toEqual([expect.stringMatching(/^1: create ReplicaSet/)]);
  });

  test("is the new size for all of several that share it, also for one whose part stays", () => {
    const lines = decide(
      ["web", web("img:2", { replicas: 4 })],
      ["set", replicas("a", "img:1", { replicas: 3, created: "2026-01-01T10:00:00Z" })],
      ["set", replicas("b", "img:2", { replicas: 1, available: 0, revision: "2" })],
    );
    const told = { "deployment.kubernetes.io/desired-replicas": "4", "deployment.kubernetes.io/max-replicas": "5" };
    expect(sets(lines)).toEqual([
      `modify ReplicaSet/a ${JSON.stringify({ metadata: { annotations: told }, spec: { replicas: 4 } })}`,
      `modify ReplicaSet/b ${JSON.stringify({ metadata: { annotations: told } })}`,
    ]);
  });
});

test("pods that could not be created count as unavailable", () => {
  const lines = decide(["web", web("img:1", {}, { annotations: { [REVISION]: "1" } })], ["set", partly("a", 3, 2)]);
  expect(lines.find((line) => line.startsWith("status"))).toContain('"availableReplicas":2,"unavailableReplicas":1');
});

/** A set that has fewer pods than it wants. */
function partly(name: string, wanted: number, count: number): object {
  const status = { replicas: count, availableReplicas: count, readyReplicas: count, observedGeneration: 1 };
  return { ...replicas(name, "img:1", { replicas: wanted }), status };
}

test("a set of a Deployment with a very long name has a name that fits", () => {
  const [line = ""] = decide(["web", web("img:1", {}, { name: "w".repeat(253) })]);
  expect(line.slice("1: create ReplicaSet/".length)).toMatch(/^w{242}-[a-z0-9]{10}$/);
});

describe("sets of others", () => {
  test("one that nobody has is adopted, one that no longer matches is let go, and the pods of both stay", () => {
    const orphan = replicas("orphan", "img:1", { replicas: 3 }, { ownerReferences: [] });
    const stray = replicas("stray", "img:0", { replicas: 0 }, { labels: { app: "y" } });
    const lines = decide(["web", web("img:1")], ["set", orphan], ["set", stray]);
    expect(lines).toContain('modify ReplicaSet/stray {"metadata":{"ownerReferences":null}}');
    expect(lines).toContain(`modify ReplicaSet/orphan ${JSON.stringify({ metadata: { ownerReferences: [owner] } })}`);
    expect(lines.some((line) => line.includes("create ReplicaSet"))).toBe(false);
  });

  test("a Deployment that is going adopts none, makes none and scales none", () => {
    const going = { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"] };
    const orphan = replicas("orphan", "img:1", { replicas: 3 }, { ownerReferences: [] });
    expect(sets(decide(["web", web("img:2", {}, going)], ["set", orphan]))).toEqual([]);
  });

  test("a selector that takes everything is refused", () => {
    const lines = decide(["web", web("img:1", { selector: {} }, {}, {})]);
    expect(lines).toEqual([
      "event Warning SelectingAll Deployment/web: This deployment is selecting all pods. A non-empty selector is required.",
      'status Deployment/web {"observedGeneration":1}',
    ]);
  });
});

test("a set that cannot be made is what the Deployment says, with its progress", () => {
  const transcript = new Transcript(deploymentController).put(DeploymentKind, web("img:1", { progressDeadlineSeconds: 600 }));
  const [action] = transcript.actions(KEY);
  const creation = action?.do === "inOrder" ? action.steps[0] : undefined;
  if (creation?.do !== "create") throw new Error("no creation");
  const told = deploymentController.refused?.(transcript.view, KEY, transcript.now_ms, [
    { write: creation, error: new Error("exceeded quota") },
  ]);
  expect(told).toMatchObject([
    {
      do: "updateStatus",
      status: {
        conditions: [
          { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message: expect.stringContaining("exceeded quota") },
        ],
      },
    },
  ]);
});

test.each([
  ["a second after it", 0, "requeue 11000"],
  ["at once after it, when it is less than a second away", 9_500, "requeue 501"],
])("whether a rollout makes progress within its deadline is looked at %s", (_when, passed_ms, expected) => {
  const at = "2026-01-01T12:00:00Z";
  const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated", lastUpdateTime: at, lastTransitionTime: at }];
  const status = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, unavailableReplicas: 3, conditions };
  const transcript = new Transcript(deploymentController)
    .put(DeploymentKind, web("img:1", { progressDeadlineSeconds: 10 }, {}, status))
    .put(ReplicaSetKind, replicas("one", "img:1", { replicas: 3, available: 0 }));
  expect(transcript.after(passed_ms).look(KEY)).toContain(expected);
});
