import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());

const PODS = "/api/v1/namespaces/default/pods";
const STRATEGIC = { "content-type": "application/strategic-merge-patch+json" };

async function pod(name: string, spec: object, metadata: object = {}): Promise<void> {
  const body = { apiVersion: "v1", kind: "Pod", metadata: { name, ...metadata }, spec };
  const answer = await server.call("POST", PODS, body);
  expect(answer.status, answer.text).toBe(201);
}

async function patch(name: string, door: string, spec: object): Promise<Json> {
  return (await server.call("PATCH", `${PODS}/${name}/${door}`, { spec }, STRATEGIC)).json();
}

const causesOf = ({ details }: Json): [string, string][] => details.causes.map(({ field, message }: Json) => [field, message]);

/** A container with these requests and limits, `cpu/memory` each. */
function container(requests: string, limits = "", name = "c"): object {
  const amounts = (text: string): object | undefined => {
    const [cpu, memory] = text.split("/");
    return text === "" ? undefined : { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) };
  };
  return { name, image: "i", resources: { requests: amounts(requests), limits: amounts(limits) } };
}

describe("resize", () => {
  test("changes resources and nothing else, counts a generation, and says who did it", async () => {
    await pod("sized", { containers: [container("100m/64Mi", "200m/128Mi")] });
    const answer = await server.call(
      "PATCH",
      `${PODS}/sized/resize?fieldManager=me`,
      {
        metadata: { labels: { a: "b" } },
        spec: { containers: [{ name: "c", image: "other", resources: { requests: { cpu: "150m" } } }] },
      },
      STRATEGIC,
    );
    const body = answer.json();
    expect(body.spec.containers[0]).toMatchObject({ image: "i", resources: { requests: { cpu: "150m", memory: "64Mi" } } });
    expect([body.metadata.generation, body.metadata.labels, body.spec.containers.length]).toEqual([2, undefined, 1]);
    expect(body.metadata.managedFields.find(({ manager }: Json) => manager === "me")).toMatchObject({
      subresource: "resize",
      fieldsV1: { "f:spec": { "f:containers": { 'k:{"name":"c"}': { "f:resources": { "f:requests": { "f:cpu": {} } } } } } },
    });
    const whole = (await server.call("GET", `${PODS}/sized/resize`)).json();
    whole.spec.containers[0].resources.limits.memory = "256Mi";
    expect((await server.call("PUT", `${PODS}/sized/resize`, whole)).json().spec.containers[0].resources.limits.memory).toBe("256Mi");
  });

  test.each<[string, object, object, [string, string][]]>([
    [
      "the class of service",
      { containers: [container("", "")] },
      { containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] },
      [["spec", 'Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing']],
    ],
    [
      "a limit taken away",
      { containers: [container("1/1Gi", "2/2Gi")] },
      { containers: [{ name: "c", resources: { limits: { cpu: null } } }] },
      [["spec.containers[0].resources.limits", "Forbidden: resource limits cannot be removed"]],
    ],
    [
      "other resources",
      { containers: [container("1/1Gi")] },
      { containers: [{ name: "c", resources: { requests: { "ephemeral-storage": "1Gi" } } }] },
      [["spec", "Forbidden: only cpu and memory resources are mutable"]],
    ],
    [
      "another container",
      { containers: [container("1/1Gi")] },
      { containers: [{ name: "d", image: "i" }] },
      [["spec.containers", "Forbidden: containers may not be added or removed on resize"]],
    ],
    [
      "init containers",
      { containers: [container("1/1Gi")], initContainers: [container("1/1Gi", "", "init")] },
      { initContainers: [{ name: "init", resources: { requests: { cpu: "2" } } }] },
      [["spec", "Forbidden: resources for non-sidecar init containers are immutable"]],
    ],
    [
      "a request above its limit",
      { containers: [container("1/1Gi", "2/2Gi")] },
      { containers: [{ name: "c", resources: { requests: { cpu: "3" } } }] },
      [["spec.containers[0].resources.requests", 'Invalid value: "3": must be less than or equal to cpu limit of 2']],
    ],
    [
      "resources of the pod as a whole",
      { containers: [container("1/1Gi")], resources: { requests: { cpu: "2" } } },
      { containers: [{ name: "c", resources: { requests: { cpu: "2" } } }] },
      [["", "Forbidden: pods with pod-level resources cannot be resized"]],
    ],
  ])("refuses %s", async (what, spec, change, causes) => {
    const name = what.replaceAll(" ", "-");
    await pod(name, spec);
    const answer = await patch(name, "resize", change);
    expect([answer.code, causesOf(answer)]).toEqual([422, causes]);
  });

  test("refuses on a node that reports no resources of what runs there", async () => {
    await pod("elsewhere", { containers: [container("1/1Gi")], nodeName: "n" });
    const running = { name: "c", image: "i", imageID: "", ready: true, restartCount: 0, state: { running: {} } };
    await server.call("PATCH", `${PODS}/elsewhere/status`, { status: { containerStatuses: [running] } }, STRATEGIC);
    const answer = await patch("elsewhere", "resize", { containers: [{ name: "c", resources: { requests: { cpu: "2" } } }] });
    expect(causesOf(answer)).toEqual([["spec", "Forbidden: Pod running on node without support for resize"]]);
  });

  test("a resize is held to the limits and quotas of the namespace", async () => {
    const limits = [{ type: "Container", max: { cpu: "2" } }];
    const range = { apiVersion: "v1", kind: "LimitRange", metadata: { name: "most" }, spec: { limits } };
    await server.call("POST", "/api/v1/namespaces/default/limitranges", range);
    await pod("limited", { containers: [container("1/1Gi", "2/2Gi")] });
    const answer = await patch("limited", "resize", { containers: [{ name: "c", resources: { limits: { cpu: "4" } } }] });
    expect([answer.code, answer.message]).toEqual([403, expect.stringContaining("maximum cpu usage per Container is 2, but limit is 4")]);
    await server.call("DELETE", "/api/v1/namespaces/default/limitranges/most");
  });
});

describe("ephemeralcontainers", () => {
  const look = { name: "look", image: "busybox", targetContainerName: "c" };

  test("adds a container, with its defaults", async () => {
    await pod("seen", { containers: [container("")] });
    const body = await patch("seen", "ephemeralcontainers", { ephemeralContainers: [look] });
    expect(body.spec.ephemeralContainers).toEqual([
      {
        ...look,
        imagePullPolicy: "Always",
        resources: {},
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ]);
    expect(body.metadata.generation).toBe(2);
  });

  test.each<[string, object[], [string, string][]]>([
    ["an unknown target", [{ ...look, targetContainerName: "x" }], [["spec.ephemeralContainers[0].targetContainerName", 'Not found: "x"']]],
    ["the name of another", [{ ...look, name: "c" }], [["spec.ephemeralContainers[0].name", 'Duplicate value: "c"']]],
    [
      "what is for the work of the pod",
      [{ ...look, ports: [{ containerPort: 80 }], livenessProbe: { exec: { command: ["x"] } } }],
      [
        ["spec.ephemeralContainers[0].ports", "Forbidden: cannot be set for an Ephemeral Container"],
        ["spec.ephemeralContainers[0].livenessProbe", "Forbidden: cannot be set for an Ephemeral Container"],
      ],
    ],
  ])("refuses %s", async (what, ephemeralContainers, causes) => {
    const name = what.replaceAll(" ", "-");
    await pod(name, { containers: [container("")] });
    expect(causesOf(await patch(name, "ephemeralcontainers", { ephemeralContainers }))).toEqual(causes);
  });

  test("what is there neither changes nor goes", async () => {
    await pod("kept", { containers: [container("")] });
    const body = await patch("kept", "ephemeralcontainers", { ephemeralContainers: [look] });
    const other = { ...body, spec: { ...body.spec, ephemeralContainers: [{ ...look, image: "other" }] } };
    const field = "spec.ephemeralContainers";
    expect(causesOf((await server.call("PUT", `${PODS}/kept/ephemeralcontainers`, other)).json())).toEqual([
      [
        field,
        `Forbidden: existing ephemeral containers "look" may not be changed
@@ -1,6 +1,6 @@
 {
  "Name": "look",
- "Image": "busybox",
+ "Image": "other",
  "Command": null,
  "Args": null,
  "WorkingDir": "",
`,
      ],
    ]);
    const without = { ...body, spec: { ...body.spec, ephemeralContainers: [] } };
    expect(causesOf((await server.call("PUT", `${PODS}/kept/ephemeralcontainers`, without)).json())).toEqual([
      [field, 'Forbidden: existing ephemeral containers "look" may not be removed\n'],
    ]);
  });

  test("not with a new pod, and not through the pod itself", async () => {
    const spec = { containers: [container("")], ephemeralContainers: [look] };
    const answer = await server.call("POST", PODS, { apiVersion: "v1", kind: "Pod", metadata: { name: "new" }, spec });
    expect(causesOf(answer.json())).toEqual([["spec.ephemeralContainers", "Forbidden: cannot be set on create"]]);
    await pod("old", { containers: [container("")] });
    const changed = await server.call("PATCH", `${PODS}/old`, { spec: { ephemeralContainers: [look] } }, STRATEGIC);
    expect(changed.json().message).toContain("pod updates may not change fields other than");
  });
});
