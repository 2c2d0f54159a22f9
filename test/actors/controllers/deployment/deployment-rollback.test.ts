import { describe, expect, test } from "vitest";
import { deploymentController } from "../../../../actors/controllers/deployment/deployment.ts";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../../../../actors/kinds/apps/replica-set.ts";
import { Transcript } from "../transcript.ts";

const ASKED = "deprecated.deployment.rollback.to";
const REVISION = "deployment.kubernetes.io/revision";
const HASH = "pod-template-hash";
const CAUSE = "kubernetes.io/change-cause";
const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true };
const template = (image: string, labels: object = {}): object => ({
  metadata: { labels: { app: "x", ...labels } },
  spec: { containers: [{ name: "c", image }] },
});
const REPLICAS = { "deployment.kubernetes.io/desired-replicas": "3", "deployment.kubernetes.io/max-replicas": "4" };

const set = (name: string, image: string, revision: string, replicas: number, more: object): object => ({
  metadata: {
    name,
    labels: { app: "x", [HASH]: name },
    annotations: { [REVISION]: revision, ...REPLICAS, ...more },
    ownerReferences: [owner],
  },
  spec: { replicas, selector: { matchLabels: { app: "x", [HASH]: name } }, template: template(image, { [HASH]: name }) },
  status: { replicas, availableReplicas: replicas, readyReplicas: replicas },
});

/** Of three revisions the third is the present one, of image `img:3`. */
function decide(asked: string, image = "img:3", present: object = { [CAUSE]: "third", team: "blue" }): readonly string[] {
  const transcript = new Transcript(deploymentController);
  transcript.put(DeploymentKind, {
    metadata: { name: "web", generation: 1, annotations: { [ASKED]: asked, [REVISION]: "3", [CAUSE]: "third", team: "blue" } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "x" } },
      template: template(image),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    },
    status: { observedGeneration: 1 },
  });
  transcript.put(ReplicaSetKind, set("a", "img:1", "1", 0, { [CAUSE]: "first" }));
  transcript.put(ReplicaSetKind, set("b", "img:2", "2", 0, { [CAUSE]: "second" }));
  transcript.put(ReplicaSetKind, set("c", "img:3", "3", 3, present));
  return transcript.decide();
}

const modified = (changes: object): string => `modify Deployment/web ${JSON.stringify(changes)}`;
const CLEARED = modified({ metadata: { annotations: { [ASKED]: null } } });

describe("a rollback that is asked for by the annotation of old", () => {
  test.each([
    ["1", "img:1", "first"],
    ["2", "img:2", "second"],
    // The one before the present one.
    ["0", "img:2", "second"],
  ])("to %s brings back the template, with the annotations of then", (asked, image, cause) => {
    const metadata = { annotations: { [CAUSE]: cause, [ASKED]: null, team: null } };
    const [line = "", ...more] = decide(asked);
    expect(more).toEqual([]);
    expect(JSON.parse(line.replace("modify Deployment/web ", ""))).toEqual({
      metadata,
      spec: { template: { spec: { containers: [{ name: "c", image }] } } },
    });
  });

  test.each([
    [
      "3",
      'DeploymentRollbackTemplateUnchanged Deployment/web: The rollback revision contains the same template as current deployment "web"',
    ],
    ["9", "DeploymentRollbackRevisionNotFound Deployment/web: Unable to find the revision to rollback to."],
    ["-1", "DeploymentRollbackRevisionNotFound Deployment/web: Unable to find the revision to rollback to."],
  ])("to %s is given up, and it is said why", (asked, told) => {
    expect(decide(asked)).toEqual([`event Warning ${told}`, CLEARED]);
  });

  test("waits until the present template is a revision as the Deployment has it", () => {
    expect(decide("1", "img:3", { [CAUSE]: "third" })).toEqual([
      `modify ReplicaSet/c ${JSON.stringify({ metadata: { annotations: { team: "blue" } } })}`,
    ]);
    expect(decide("1", "img:4")[0]).toMatch(/^1: create ReplicaSet\/web-/);
  });

  test("that is no number is none", () => {
    expect(decide("the first").filter((line) => line.startsWith("modify Deployment") || line.startsWith("event"))).toEqual([]);
  });
});
