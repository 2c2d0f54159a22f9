import { describe, expect, test } from "vitest";
import { validateConditions } from "../../../actors/kinds/conditions.ts";
import { validatePodTemplate } from "../../../actors/kinds/core/pod-validation.ts";
import type { PodTemplateSpec } from "../../../actors/kinds/generated/types.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

describe("conditions", () => {
  const good = { type: "Ready", status: "True", reason: "AsExpected", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };

  test.each<[what: string, conditions: object[], errors: string[]]>([
    ["as they should be", [good, { ...good, type: "a.example/Other", reason: "A,B:C_d" }], []],
    ["of one type", [good, good], ['c[1].type: Duplicate value: "Ready"']],
    [
      "without anything",
      [{ type: "A" }],
      [
        'c[0].status: Unsupported value: "": supported values: "False", "True", "Unknown"',
        "c[0].lastTransitionTime: Required value",
        "c[0].reason: Required value",
      ],
    ],
    [
      "of a generation before the first",
      [{ ...good, observedGeneration: -1 }],
      ["c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero"],
    ],
    [
      "that say too much",
      [{ ...good, reason: "a".repeat(1025), message: "m".repeat(32_769) }],
      ["c[0].reason: Too long: may not be more than 1024 bytes", "c[0].message: Too long: may not be more than 32768 bytes"],
    ],
  ])("%s", (_what, conditions, errors) => {
    expect(printed(validateConditions(conditions, "c"))).toEqual(errors);
  });
});

test("a template says the same by annotations and by fields", () => {
  const container = { name: "c", image: "i", imagePullPolicy: "Always", terminationMessagePolicy: "File" };
  const common = { restartPolicy: "Always", dnsPolicy: "ClusterFirst", terminationGracePeriodSeconds: 30 };
  const security = { seccompProfile: { type: "Unconfined" }, appArmorProfile: { type: "Localhost", localhostProfile: "bar" } };
  const template = {
    metadata: {
      annotations: {
        "container.seccomp.security.alpha.kubernetes.io/c": "runtime/default",
        "container.apparmor.security.beta.kubernetes.io/c": "localhost/foo",
        "container.apparmor.security.beta.kubernetes.io/d": "unconfined",
      },
    },
    spec: { ...common, containers: [{ ...container, securityContext: security }] },
  };
  expect(printed(validatePodTemplate(template as unknown as PodTemplateSpec, "t"))).toEqual([
    't.annotations[container.apparmor.security.beta.kubernetes.io/d]: Invalid value: "d": container not found',
    "t.spec.containers[0].securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match",
    "t.spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match",
  ]);
});
