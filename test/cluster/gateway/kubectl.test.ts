import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubectlBinary } from "../../scenarios/layer-binaries.ts";
import type { TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

/** The real kubectl against the gateway alone: no controllers and no nodes, so what it sees is only what it wrote. */
let server: TestGateway;
let home: string;
let binary: string;

beforeAll(async () => {
  server = await startGateway();
  binary = kubectlBinary();
  home = await mkdtemp(join(tmpdir(), "gateway-kubectl-"));
  const data = (text: string): string => Buffer.from(text).toString("base64");
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    clusters: [{ name: "test", cluster: { server: server.url, "certificate-authority-data": data(server.authority.cert) } }],
    users: [{ name: "admin", user: { "client-certificate-data": data(server.admin.cert), "client-key-data": data(server.admin.key) } }],
  };
  await writeFile(join(home, "kubeconfig"), JSON.stringify(kubeconfig));
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({ HOME: home, KUBECONFIG: join(home, "kubeconfig"), PATH: process.env.PATH ?? "" });

/** What kubectl prints; fails the test with what it complains of. */
function kubectl(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(binary, args, { env: environment() }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else reject(new Error(`kubectl ${args.join(" ")}: ${stdout}${stderr}`));
    });
  });
}

const MANIFEST = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { mode: fast }
`;

test("a deployment's life", async () => {
  expect(await kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")).toBe("deployment.apps/web created\n");
  expect(await kubectl("get", "deployments")).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3 +0 +0 +\d+s\n$/);
  expect(await kubectl("get", "deploy", "web", "-o", "wide")).toMatch(/CONTAINERS +IMAGES +SELECTOR\nweb .* nginx +nginx +app=web\n$/);
  expect(await kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")).toBe("nginx");
  expect(await kubectl("get", "deploy", "web", "-o", "yaml")).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n/);
  expect(await kubectl("label", "deploy", "web", "tier=front")).toBe("deployment.apps/web labeled\n");
  expect(await kubectl("annotate", "deploy", "web", "note=hi")).toBe("deployment.apps/web annotated\n");
  expect(await kubectl("get", "deploy", "-l", "tier=front", "--no-headers", "-o", "name")).toBe("deployment.apps/web\n");
  expect(await kubectl("scale", "deploy", "web", "--replicas=5")).toBe("deployment.apps/web scaled\n");
  expect(await kubectl("set", "image", "deploy/web", "nginx=nginx:2")).toBe("deployment.apps/web image updated\n");
  expect(await kubectl("describe", "deploy", "web")).toMatch(/Replicas: +5 desired \| 0 updated/);
  expect(await kubectl("delete", "deploy", "web", "--wait=false")).toBe('deployment.apps "web" deleted from default namespace\n');
});

test("apply -f creates, leaves alone, configures", async () => {
  const file = join(home, "manifest.yaml");
  await writeFile(file, MANIFEST);
  expect(await kubectl("apply", "-f", file)).toBe("service/web created\nconfigmap/settings created\n");
  expect(await kubectl("apply", "-f", file)).toBe("service/web unchanged\nconfigmap/settings unchanged\n");
  await writeFile(file, MANIFEST.replace("fast", "slow"));
  expect(await kubectl("diff", "-f", file).catch((error: Error) => error.message)).toContain("+  mode: slow");
  expect(await kubectl("apply", "-f", file)).toBe("service/web unchanged\nconfigmap/settings configured\n");
  expect(await kubectl("get", "cm", "settings", "-o", "jsonpath={.data.mode}")).toBe("slow");
  expect(await kubectl("delete", "-f", file)).toMatch(/^service "web" deleted.*\nconfigmap "settings" deleted.*\n$/);
});

test("an unknown field is refused by apply, which validates strictly", async () => {
  const file = join(home, "wrong.yaml");
  await writeFile(file, "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: wrong }\nnope: 1\n");
  await expect(kubectl("apply", "-f", file)).rejects.toThrow('unknown field "nope"');
  expect(await kubectl("apply", "-f", file, "--validate=warn")).toBe('configmap/wrong created\nWarning: unknown field "nope"\n');
});

test("explain, api-resources, version", async () => {
  const explained = await kubectl("explain", "deployment.spec");
  expect(explained).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: spec <DeploymentSpec>\n/);
  expect(explained).toMatch(/replicas\t<integer>/);
  expect(await kubectl("api-resources")).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
  expect(await kubectl("version")).toMatch(/Server Version: v1\.34\.0\+troupe-0\.1\.0/);
});

test("get -w prints what happens", async () => {
  const watching = spawn(binary, ["get", "configmaps", "-w", "-l", "watched=yes"], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    await kubectl("create", "configmap", "seen", "--from-literal=a=1", "--dry-run=client", "-o", "yaml");
    const created = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "seen", labels: { watched: "yes" } }, data: { a: "1" } };
    await server.call("POST", "/api/v1/namespaces/default/configmaps", created);
    expect(await next()).toMatch(/^NAME +DATA +AGE$/);
    expect(await next()).toMatch(/^seen +1 /);
    await server.call("DELETE", "/api/v1/namespaces/default/configmaps/seen");
    expect(await next()).toMatch(/^seen +1 /);
  } finally {
    watching.kill();
  }
});
