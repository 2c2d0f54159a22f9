import { randomInt } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import { get as getSecurely } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { until } from "../../cluster/chaos/until.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** Of its own, since other clusters on this machine may forward, too. */
const NET = `127.${randomInt(98, 111)}.${randomInt(256)}`;
const ARGS = [
  "--nodes",
  "1",
  "--service-proxy",
  "on",
  "--service-cluster-ip-range",
  `${NET}.0/25`,
  "--load-balancer-addresses",
  `${NET}.200-${NET}.201`,
  "--ingress-address",
  `${NET}.210`,
];
const DOMAIN = "svc.cluster.local";

let troupe: Troupe;
let backends: readonly Server[];
beforeAll(async () => {
  backends = await Promise.all(["a", "b"].map(backend));
  // A nameserver that nobody is: no question leaves this machine.
  troupe = await Troupe.up(freshDataDirectory(), [...ARGS, "--dns-upstream", "127.0.0.1:9"]);
});
afterAll(async () => {
  for (const one of backends) one.close();
  await troupe?.discard();
});

async function backend(name: string): Promise<Server> {
  const server = createServer((_request, response) => response.end(name));
  server.listen(0, `${NET}.22${name === "a" ? 1 : 2}`);
  await once(server, "listening");
  return server;
}

/** A slice with one endpoint: the backend of that number. */
function slice(index: number, ready: boolean): object {
  const { address, port } = (backends[index] as Server).address() as AddressInfo;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${index}`, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready }, nodeName: "node-0", hostname: `web-${index}` }],
    ports: [{ name: "http", port }],
  };
}

const apply = (object: object): Promise<string> => troupe.kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify(object) });

/** Who answers there; the system's error when nobody does. */
function answererAt(host: string, port: number, path = "/"): Promise<string> {
  return new Promise((resolve) => {
    get({ host, port, path, headers: { host: "web.example" }, agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(text);
    }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** As a pod would ask; at the other port where the machine does not give the right one to everybody. */
async function addressOf(name: string): Promise<string> {
  for (const port of [53, 1_053]) {
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([`${NET}.10:${port}`]);
    const found = await resolver.resolve4(name).catch((error: NodeJS.ErrnoException) => error.code ?? "");
    if (Array.isArray(found)) return found.sort().join();
    if (found !== "ECONNREFUSED") return found;
  }
  return "nobody";
}

interface Service {
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] };
  readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
}

test("a service is reached by its name, at its addresses and ports, and at none of them without endpoints", async () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", ports: [{ name: "http", port: 8_080 }] },
  };
  await apply({ apiVersion: "v1", kind: "List", items: [service, slice(0, true), slice(1, false)] });
  const made = await until("the balancer's address", async () => {
    const now = await troupe.kubectl.json<Service>(["get", "service", "web"]);
    return now.status.loadBalancer.ingress === undefined ? undefined : now;
  });
  const clusterIP = await addressOf(`web.default.${DOMAIN}`);
  expect([clusterIP, made.status.loadBalancer.ingress]).toEqual([made.spec.clusterIP, [{ ip: `${NET}.200`, ipMode: "VIP" }]]);
  expect(await addressOf(`web-0.web.default.${DOMAIN}`)).toBe(`${NET}.221`);
  expect(await addressOf(`absent.default.${DOMAIN}`)).toBe("ENOTFOUND");
  const places: readonly (readonly [string, number])[] = [
    [clusterIP, 8_080],
    [`${NET}.200`, 8_080],
    ["127.0.0.1", made.spec.ports[0]?.nodePort ?? 0],
  ];
  const answers = (): Promise<readonly string[]> => Promise.all(places.map(([host, port]) => answererAt(host, port)));
  await until("the doors", async () => (await answers()).every((answer) => answer === "a"));
  const backend = { service: { name: "web", port: { name: "http" } } };
  const rules = [{ host: "web.example", http: { paths: [{ path: "/shop", pathType: "Prefix", backend }] } }];
  await apply({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "web" }, spec: { rules } });
  const byIngress = (path: string): Promise<string> =>
    answererAt(`${NET}.210`, 80, path).then((said) => (said === "ECONNREFUSED" ? answererAt(`${NET}.210`, 8_080, path) : said));
  await until("the ingress", async () => (await byIngress("/shop/1")) === "a");
  expect(await byIngress("/")).toMatch(/^no ingress/);
  const address = ["get", "ingress", "web", "-o", "jsonpath={.spec.ingressClassName} {.status.loadBalancer.ingress[*].ip}"];
  await until("its address", async () => (await troupe.kubectl.ok(address)) === `troupe ${NET}.210`);
  await apply(slice(1, true));
  await apply(slice(0, false));
  await until("the other endpoint", async () => (await answers()).every((answer) => answer === "b"));
  await apply(slice(1, false));
  await until("nobody", async () => (await answers()).every((answer) => answer === "ECONNREFUSED"));
});

test("the service kubernetes leads to the API server, whose certificate knows it", async () => {
  const { clusters } = parse(readFileSync(troupe.kubeconfig, "utf8"));
  const ca = Buffer.from(clusters[0].cluster["certificate-authority-data"], "base64");
  const version = await new Promise<string>((resolve) => {
    getSecurely({ host: `${NET}.1`, port: 443, path: "/version", ca, agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(JSON.parse(text).gitVersion);
    }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  if (version !== "ECONNREFUSED") {
    expect(version).toContain("+troupe-");
    return;
  }
  // Without rights to the port it is said what to do.
  expect(await troupe.kubectl.ok(["get", "events", "--field-selector=reason=FailedToListen"])).toContain("ip_unprivileged_port_start");
});

test("another range than that of the data directory is refused with what to do", async () => {
  await troupe.stop();
  await expect(Troupe.up(troupe.data, ["--nodes", "1"])).rejects.toThrow(`say --service-cluster-ip-range ${NET}.0/25`);
});
