import { beforeAll, describe, expect, test } from "vitest";
import type { Container, Pod } from "../../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { ConfigMissing, environmentOf } from "../../../../actors/pod/life/environment.ts";
import type { Entry, View } from "../../../../actors/store/view.ts";

const OBJECTS: Readonly<Record<string, object>> = {
  "configmaps/d/settings": { data: { color: "blue", size: "7" } },
  "secrets/d/keys": { data: { key: Buffer.from("s3cret").toString("base64") } },
  "nodes/n": { status: { allocatable: { cpu: "3", memory: "2Gi" } } },
  "services/default/kubernetes": {
    metadata: { name: "kubernetes" },
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] },
  },
  "services/d/web-app": {
    metadata: { name: "web-app" },
    spec: { clusterIP: "10.96.0.7", ports: [{ port: 80 }, { name: "dns-udp", port: 53, protocol: "UDP" }] },
  },
  "services/d/headless": { metadata: { name: "headless" }, spec: { clusterIP: "None", ports: [{ port: 80 }] } },
};

const view = {
  get: (key: string) => OBJECTS[key] as KubeObject | undefined,
  list: (resource: string, namespace: string) =>
    Object.keys(OBJECTS)
      .filter((key) => key.startsWith(`${resource}/${namespace}/`))
      .map((key) => ({ key }) as Entry),
  decode: ({ key }: Entry) => OBJECTS[key],
} as unknown as View;

const PLACE = { hostIP: "127.112.0.1", podIP: "127.64.0.5" };
let pod: Pod;
beforeAll(() => {
  pod = {
    metadata: { name: "p", namespace: "d", uid: "u", creationTimestamp: "", labels: { app: "web", "a/b": 'say "x"' } },
    spec: { nodeName: "n", serviceAccountName: "sa", containers: [] },
  };
});

function variables(container: Partial<Container>, spec: Partial<Pod["spec"]> = { enableServiceLinks: false }): Record<string, string> {
  const env = environmentOf(view, { ...pod, spec: { ...pod.spec, ...spec } }, { name: "c", ...container }, PLACE);
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

describe("a container's environment", () => {
  test("has what it names, with other variables in it", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "$(A)-$(NONE)-$$(A)-$(KUBERNETES_SERVICE_HOST)" },
    ];
    expect(variables({ env })).toMatchObject({ A: "1", B: "1-$(NONE)-$(A)-10.96.0.1" });
  });

  test("has all of a config map or secret, which single variables replace", () => {
    const envFrom = [
      { configMapRef: { name: "settings" }, prefix: "CFG_" },
      { secretRef: { name: "keys" } },
      { configMapRef: { name: "none", optional: true } },
    ];
    const env = [{ name: "CFG_color", value: "red" }];
    expect(variables({ envFrom, env })).toMatchObject({ CFG_color: "red", CFG_size: "7", key: "s3cret" });
  });

  test.each([
    ["metadata.name", "p"],
    ["metadata.labels['app']", "web"],
    ["metadata.labels", 'a/b="say \\"x\\""\napp="web"'],
    ["spec.nodeName", "n"],
    ["spec.serviceAccountName", "sa"],
    ["status.podIP", "127.64.0.5"],
    ["status.hostIP", "127.112.0.1"],
  ])("knows %s of its pod", (fieldPath, value) => {
    expect(variables({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath } } }] }).A).toBe(value);
  });

  test.each([
    ["limits.cpu", undefined, "1"],
    ["limits.cpu", "1m", "500"],
    ["requests.cpu", "1m", "250"],
    ["limits.memory", "1Mi", "2048"],
    ["requests.memory", undefined, "0"],
  ])("%s in units of %s is %s", (resource, divisor, value) => {
    const resourceFieldRef = divisor === undefined ? { resource } : { resource, divisor };
    const resources = { limits: { cpu: "500m" }, requests: { cpu: "250m" } };
    expect(variables({ resources, env: [{ name: "A", valueFrom: { resourceFieldRef } }] }).A).toBe(value);
  });

  test("what a container may take that says nothing of it is what its pod may", () => {
    const env = [{ name: "A", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } }];
    expect(variables({ env }, { resources: { limits: { memory: "64Mi" } } }).A).toBe(String(64 * 1_024 ** 2));
  });

  test("has the services of its namespace, and that of the API in any case", () => {
    const { length } = Object.keys(variables({}));
    expect(length).toBe(8);
    expect(variables({}, {})).toMatchObject({
      WEB_APP_SERVICE_HOST: "10.96.0.7",
      WEB_APP_SERVICE_PORT: "80",
      WEB_APP_SERVICE_PORT_DNS_UDP: "53",
      WEB_APP_PORT: "tcp://10.96.0.7:80",
      WEB_APP_PORT_53_UDP_PROTO: "udp",
      KUBERNETES_SERVICE_PORT_HTTPS: "443",
    });
    expect(Object.keys(variables({}, {})).join()).not.toContain("HEADLESS");
  });

  test.each([
    [{ configMapKeyRef: { name: "none", key: "a" } }, 'configmap "none" not found'],
    [{ configMapKeyRef: { name: "settings", key: "a" } }, "couldn't find key a in ConfigMap d/settings"],
    [{ secretKeyRef: { name: "keys", key: "a" } }, "couldn't find key a in Secret d/keys"],
  ])("waits for what is not there: %j", (valueFrom, words) => {
    const wanted = (): unknown => variables({ env: [{ name: "A", valueFrom }] });
    expect(wanted).toThrow(ConfigMissing);
    expect(wanted).toThrow(words);
  });

  test("does without what is optional", () => {
    const valueFrom = { secretKeyRef: { name: "none", key: "a", optional: true } };
    expect(variables({ env: [{ name: "A", valueFrom }] })).not.toHaveProperty("A");
  });
});
