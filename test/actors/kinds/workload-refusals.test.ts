/** What is refused of workloads and their statuses, in Kubernetes' words and order. Source: pkg/apis/apps and batch/validation of 1.34. */
import { describe, expect, test } from "vitest";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { shape } from "../../../actors/kinds/machinery/shape.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";

const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const SELECTOR = { matchLabels: { app: "x" } };
const ONCE = { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: "Never" } }, selector: SELECTOR, manualSelector: true };

const printed = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

function kindOf(resource: string): Kind {
  const kind = BUILT_IN_KINDS.find((one) => one.plural === resource && one.stored === undefined);
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  return kind;
}

function object(kind: Kind, sent: object): KubeObject {
  const body = structuredClone({ ...sent, metadata: { name: "m", namespace: "ns", uid: "u" } });
  const made = shape(kind.schema, body).object as unknown as KubeObject;
  kind.applyDefaults?.(made);
  return made;
}

describe("new workloads", () => {
  test.each<[resource: string, spec: object, errors: string[]]>([
    [
      "deployments",
      { template: TEMPLATE },
      [
        "spec.selector: Required value",
        'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
      ],
    ],
    [
      "deployments",
      { template: TEMPLATE, selector: { matchExpressions: [{ key: "a", operator: "Is" }] } },
      [
        'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Is"}]}: invalid label selector',
      ],
    ],
    ["replicasets", { template: TEMPLATE, selector: {} }, ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]],
    [
      "daemonsets",
      { template: TEMPLATE },
      ['spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'],
    ],
    [
      "daemonsets",
      { template: TEMPLATE, selector: SELECTOR, updateStrategy: { rollingUpdate: { maxUnavailable: "a%", maxSurge: "200%" } } },
      [
        "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"a%\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "200%": must not be greater than 100%',
      ],
    ],
    [
      "statefulsets",
      {
        template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, hostname: "A.B" } },
        selector: SELECTOR,
        serviceName: "A",
        volumeClaimTemplates: [{ metadata: { name: "v" }, spec: {} }],
      },
      [
        "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value",
        "spec.serviceName: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      "jobs",
      {
        ...ONCE,
        podFailurePolicy: {
          rules: [
            { action: "Count", onExitCodes: { operator: "In", containerName: "z", values: [2, 1, 1] } },
            { action: "", onPodConditions: [] },
          ],
        },
        managedBy: "me",
      },
      [
        'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template',
        "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 1",
        "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,1]: must be ordered",
        'spec.podFailurePolicy.rules[1].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        "spec.podFailurePolicy.rules[1]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
      ],
    ],
    [
      "jobs",
      {
        ...ONCE,
        completionMode: "Indexed",
        completions: 3,
        successPolicy: { rules: [{}, { succeededIndexes: "0,2-3" }, { succeededIndexes: "0-1", succeededCount: 3 }] },
      },
      [
        "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified",
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "0,2-3": error parsing succeededIndexes: too large index: "3"',
        "spec.successPolicy.rules[2].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
      ],
    ],
    [
      "cronjobs",
      { schedule: "TZ=UTC 0 * * * *", timeZone: "Nowhere/At all", jobTemplate: { spec: { template: ONCE.template } } },
      [
        'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        'spec.timeZone: Invalid value: "Nowhere/At all": unknown time zone Nowhere/At all',
      ],
    ],
  ])("%s of %j", (resource, spec, errors) => {
    const kind = kindOf(resource);
    expect(printed(kind.validate(object(kind, { spec })))).toEqual(errors);
  });
});

test("a daemon set whose selector changes hears of that first", () => {
  const kind = kindOf("daemonsets");
  const [next, current] = [{ matchLabels: { app: "y" } }, SELECTOR].map((selector) =>
    object(kind, { spec: { selector, template: TEMPLATE } }),
  );
  expect(printed(kind.validate(next as KubeObject, current as KubeObject))).toEqual([
    'spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable',
    'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
  ]);
});

test("a stateful set may keep a template that was wrong", () => {
  const kind = kindOf("statefulsets");
  const wrong = { selector: SELECTOR, template: { ...TEMPLATE, spec: { containers: [] } } };
  const current = object(kind, { spec: wrong });
  expect(printed(kind.validate(current))).toEqual(["spec.template.spec.containers: Required value"]);
  expect(kind.validate(object(kind, { spec: { ...wrong, replicas: 3 } }), current)).toEqual([]);
});

describe("statuses", () => {
  const change = (resource: string, spec: object, before: object, after: object): string[] => {
    const kind = kindOf(resource);
    const [next, current] = [after, before].map((status) => object(kind, { spec, status }));
    return printed(kind.validateStatus?.(next as KubeObject, current as KubeObject) ?? []);
  };
  const isTrue = (...types: string[]): object => ({ conditions: types.map((type) => ({ type, status: "True" })) });

  test("of workloads add up", () => {
    const spec = { selector: SELECTOR, template: TEMPLATE };
    expect(
      change("deployments", spec, { collisionCount: 2 }, { replicas: 1, readyReplicas: -1, updatedReplicas: 2, collisionCount: 1 }),
    ).toEqual([
      "status.readyReplicas: Invalid value: -1: must be greater than or equal to 0",
      "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 0: cannot be greater than readyReplicas",
      "status.collisionCount: Invalid value: 1: cannot be decremented",
    ]);
    expect(change("statefulsets", spec, {}, { replicas: 1, availableReplicas: 1 })).toEqual([
      "status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas",
    ]);
    expect(change("daemonsets", spec, {}, { numberReady: -1 })).toEqual([
      "status.numberReady: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });

  test("of jobs end once, for a reason, and with all that belongs to an end", () => {
    const time = "2024-01-01T00:00:00Z";
    expect(change("jobs", ONCE, {}, isTrue("Complete"))).toEqual([
      "status.completionTime: Required value: completionTime is required for Complete jobs",
      "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
      "status.startTime: Required value: startTime is required for finished job",
    ]);
    const over = { ...isTrue("SuccessCriteriaMet", "Complete"), startTime: time, completionTime: time, succeeded: 1 };
    expect(change("jobs", ONCE, {}, over)).toEqual([]);
    expect(change("jobs", ONCE, over, { ...over, ...isTrue("SuccessCriteriaMet"), succeeded: 0 })).toEqual([
      'status.completionTime: Invalid value: "2024-01-01T00:00:00Z": cannot set completionTime when there is no Complete=True condition',
      "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
      "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
    ]);
    expect(change("jobs", ONCE, {}, { ...isTrue("Failed"), startTime: time })).toEqual([
      "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
    ]);
  });

  test("of indexed jobs count no index twice", () => {
    const spec = { ...ONCE, completionMode: "Indexed", completions: 5, backoffLimitPerIndex: 1 };
    expect(change("jobs", spec, {}, { completedIndexes: "0-2,4", failedIndexes: "2,3" })).toEqual([
      'status.failedIndexes: Invalid value: "2,3": failedIndexes and completedIndexes overlap at index: 2',
    ]);
    expect(change("jobs", spec, {}, { completedIndexes: "2,1" })).toEqual([
      'status.completedIndexes: Invalid value: "2,1": error parsing completedIndexes: non-increasing order, previous: 2, current: 1',
    ]);
  });
});
