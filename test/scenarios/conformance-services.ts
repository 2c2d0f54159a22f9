import { expect, test } from "vitest";
import type { Endpoints, Node, Service, ServiceSpec } from "../../actors/kinds/generated/types.ts";
import { until } from "../../cluster/chaos/until.ts";
import { NAMESPACE, type PodsAtWork, pod, sh } from "./pods-at-work.ts";

const PORT = 8_080;
const OTHER_PORT = 8_081;
const HOST_PORT = 54_323;

/** Tells its name to whoever comes by HTTP or UDP, at its own address; the sum of what it was given in place of it at /echo. */
const SERVER = `
const [name, ...ports] = process.argv.slice(1);
for (const port of ports.map(Number)) {
  require("http").createServer((asked, answer) => answer.end(name)).listen(port, process.env.POD_IP);
  const udp = require("dgram").createSocket("udp4");
  udp.on("message", (_, from) => udp.send(name, from.port, from.address)).bind(port, process.env.POD_IP);
}`;

/** Asks at every place, again and again, and prints who has answered, or how it failed, whenever that is another answer than the last. */
const CLIENT = `
const http = require("http"), dgram = require("dgram");
const get = (url) => new Promise((resolve) => http.get(url, { agent: false, timeout: 2000 }, async (answer) => {
  let text = "";
  for await (const part of answer) text += part;
  resolve(text);
}).on("timeout", () => resolve("silence")).on("error", (error) => resolve(error.code)));
const ask = (host, port) => new Promise((resolve) => {
  const udp = dgram.createSocket("udp4");
  const end = (said) => { clearTimeout(timer); udp.close(); resolve(said); };
  const timer = setTimeout(end, 300, "silence");
  udp.on("message", (text) => end(String(text))).on("error", () => end("silence"));
  udp.connect(port, host, () => udp.send("?", () => {}));
});
for (const place of process.argv.slice(1)) (async () => {
  const [title, url] = place.split("=");
  const { protocol, hostname, port } = new URL(url);
  let last, same = 0;
  for (;;) {
    const now = protocol === "udp:" ? await ask(hostname, Number(port)) : await get(url);
    same = now === last ? same + 1 : 1;
    if (same === 1) console.log(title, now);
    if (same === 15) console.log(title, "always", now);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
})();`;

type Place = readonly [title: string, url: string];

function server(
  name: string,
  labels: Readonly<Record<string, string>>,
  ports: readonly number[] = [PORT],
  rest: object = {},
  spec: object = {},
): object {
  const container = { name: "c", image: "any", command: [process.execPath, "-e", SERVER, name, ...ports.map(String)], ...rest };
  return pod(name, [container], spec, labels);
}

function client(name: string, places: readonly Place[]): object {
  const args = places.map(([title, url]) => `${title}=${url}`);
  return pod(name, [{ name: "c", image: "any", command: [process.execPath, "-e", CLIENT, ...args] }]);
}

function service(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

function slice(name: string, of: string, address: string, ports: readonly object[]): object {
  const labels = { "kubernetes.io/service-name": of };
  const metadata = { name, labels };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    addressType: "IPv4",
    endpoints: [{ addresses: [address] }],
    ports,
  };
}

export function describeServices(at: () => PodsAtWork): void {
  test("a service follows its pods as they come and go, each of its ports those that have it; a client has one of them, or all in turn", async () => {
    const pods = at();
    const selector = { app: "comes" };
    await pods.create(
      service("comes", { selector, ports: [{ port: 80, targetPort: PORT }] }),
      service("named", {
        selector,
        ports: [
          { name: "first", port: 80, targetPort: "one" },
          { name: "second", port: 81, targetPort: "two" },
        ],
      }),
      service("sticky", { selector, sessionAffinity: "ClientIP", ports: [{ port: 80, targetPort: PORT }] }),
      client("asks", [
        ["comes", "http://comes"],
        ["first", "http://named:80"],
        ["second", "http://named:81"],
        ["sticky", "http://sticky"],
      ]),
    );
    await pods.prints("asks", "comes ECONNREFUSED", "first ECONNREFUSED");
    await pods.create(server("a", selector, [PORT], { ports: [{ name: "one", containerPort: PORT }] }));
    await pods.prints("asks", "comes always a", "first a", "sticky always a");
    await pods.create(server("b", selector, [PORT, OTHER_PORT], { ports: [{ name: "two", containerPort: OTHER_PORT }] }));
    await pods.prints("asks", "comes b", "second b");
    expect(await pods.printed("asks")).not.toContain("sticky b");
    await pods.patch("service/sticky", { spec: { sessionAffinity: "None" } });
    await pods.prints("asks", "sticky b");
    await pods.remove("a");
    await pods.prints("asks", "comes always b");
    await until("the first port is nobody's", async () => lastOf(await pods.printed("asks"), "first") === "ECONNREFUSED");
    await pods.remove("b");
    await until("nobody", async () => lastOf(await pods.printed("asks"), "comes") === "ECONNREFUSED");
    expect((await pods.object<Endpoints>(`${NAMESPACE}/endpoints/comes`)).subsets).toBeUndefined();
    await pods.remove("asks");
  });

  test("a service of one type becomes one of another, and is reached as that", async () => {
    const pods = at();
    const selector = { app: "typed" };
    const ports = [{ port: 80, targetPort: PORT }];
    const external = { type: "ExternalName", externalName: "absent.example" };
    await pods.create(
      server("typed", selector),
      service("behind", { selector, ports }),
      service("to-cluster", external),
      service("to-node", external),
      service("from-cluster", { selector: { app: "nobody" }, ports }),
      service("from-node", { type: "NodePort", selector: { app: "nobody" }, ports }),
      client(
        "types",
        ["to-cluster", "to-node", "from-cluster", "from-node"].map((name) => [name, `http://${name}`] as const),
      ),
    );
    await pods.prints("types", "from-cluster ECONNREFUSED", "from-node ECONNREFUSED");
    const becomes = { type: "ExternalName", externalName: "behind.default.svc.cluster.local", clusterIP: null, clusterIPs: null };
    const spec = async (name: string): Promise<ServiceSpec | undefined> =>
      (await pods.object<Service>(`${NAMESPACE}/services/${name}`)).spec;
    await Promise.all([
      pods.patch("service/to-cluster", { spec: { type: "ClusterIP", externalName: null, selector, ports } }),
      pods.patch("service/to-node", { spec: { type: "NodePort", externalName: null, selector, ports } }),
      pods.patch("service/from-cluster", { spec: becomes }),
      pods.patch("service/from-node", { spec: { ...becomes, ports: [{ port: 80, nodePort: null }] } }),
    ]);
    await pods.prints("types", "to-cluster typed", "to-node typed", "from-cluster typed", "from-node typed");
    const nodePort = (await spec("to-node"))?.ports?.[0]?.nodePort;
    const places = ["node-0", "node-1"].map(async (name) => [name, `http://${await nodeAddress(pods, name)}:${nodePort}`] as const);
    await pods.create(client("node-port", await Promise.all(places)));
    await pods.prints("node-port", "node-0 typed", "node-1 typed");
    const { clusterIP, ports: kept = [] } = (await spec("from-node")) ?? {};
    expect([clusterIP, kept[0]?.nodePort]).toEqual([undefined, undefined]);
    await pods.remove("types", "node-port", "typed");
  });

  test("one port has two protocols, of which one is taken away; endpoints of several slices are those of one service", async () => {
    const pods = at();
    const selector = { app: "both" };
    const [tcp, udp] = ["TCP", "UDP"].map((protocol) => ({ name: protocol.toLowerCase(), port: 80, targetPort: PORT, protocol }));
    await pods.create(server("both", selector), server("other", {}, [OTHER_PORT]), service("both", { selector, ports: [tcp, udp] }));
    const [one, two] = await Promise.all([pods.ready("both"), pods.ready("other")]);
    const ports = [
      { name: "one", port: 80 },
      { name: "two", port: 81 },
    ];
    await pods.create(
      service("by-hand", { ports }),
      slice("by-hand-1", "by-hand", one, [{ name: "one", port: PORT }]),
      slice("by-hand-2", "by-hand", two, [{ name: "two", port: OTHER_PORT }]),
      client("protocols", [
        ["tcp", "http://both"],
        ["udp", "udp://both:80"],
        ["one", "http://by-hand:80"],
        ["two", "http://by-hand:81"],
        // A pod is reached by another one without any service.
        ["pod-tcp", `http://${one}:${PORT}`],
        ["pod-udp", `udp://${one}:${PORT}`],
      ]),
    );
    await pods.prints("protocols", "tcp both", "udp both", "one both", "two other", "pod-tcp both", "pod-udp both");
    await pods.patch("service/both", { spec: { ports: [tcp] } });
    await pods.prints("protocols", "udp silence");
    expect(lastOf(await pods.printed("protocols"), "tcp")).toBe("both");
    await pods.patch("service/both", { spec: { ports: [udp] } });
    await pods.prints("protocols", "tcp ECONNREFUSED");
    await until("UDP again", async () => lastOf(await pods.printed("protocols"), "udp") === "both");
    await pods.remove("both", "other", "protocols");
  });

  test("pods share a host port that have other addresses of the node, or other protocols, for it", async () => {
    const pods = at();
    const address = await nodeAddress(pods, "node-0");
    const holding = (name: string, hostIP: string, protocol: string): object => {
      const ports = [{ containerPort: PORT, hostPort: HOST_PORT, hostIP, protocol }];
      return server(name, {}, [PORT], { ports }, { nodeSelector: { "kubernetes.io/hostname": "node-0" } });
    };
    await pods.create(holding("on-loopback", "127.0.0.1", "TCP"), holding("on-node", address, "TCP"), holding("by-udp", address, "UDP"));
    const places: readonly Place[] = [
      ["loopback", `http://127.0.0.1:${HOST_PORT}`],
      ["node", `http://${address}:${HOST_PORT}`],
      ["udp", `udp://${address}:${HOST_PORT}`],
    ];
    await pods.create(client("host-ports", places));
    await pods.prints("host-ports", "loopback on-loopback", "node on-node", "udp by-udp");
    await pods.remove("host-ports", "on-loopback", "on-node", "by-udp");
  });

  test("names: of services, whole and in part, of pods under a headless one, the pod's own, and whom it asks", async () => {
    const pods = at();
    const selector = { app: "named" };
    await pods.create(
      service("headless", { clusterIP: "None", selector, ports: [{ name: "http", port: 80 }] }),
      service("alias", { type: "ExternalName", externalName: "headless.default.svc.cluster.local" }),
    );
    const asked = [
      "kubernetes.default",
      "kubernetes.default.svc",
      "headless",
      "headless.default",
      "headless.default.svc",
      "h.headless",
      "alias",
    ];
    const script = `until getent hosts headless >/dev/null; do sleep 0.1; done; for n in ${asked.join(" ")}; do echo "$n $(getent hosts $n | cut -d' ' -f1)"; done; hostname; hostname -f; grep -c "\tkubernetes" /etc/hosts; getent hosts $(hostname) | cut -d' ' -f1`;
    const none = { nameservers: ["127.96.0.10"], searches: ["own.example"], options: [{ name: "ndots", value: "2" }] };
    await pods.create(
      pod("names", [sh(script)], { hostname: "h", subdomain: "headless" }, selector),
      pod("resolver", [sh("cat /etc/resolv.conf")], { dnsPolicy: "None", dnsConfig: none }),
      pod("as-machine", [sh("[ $(hostname) = $(cat /proc/sys/kernel/hostname) ] && [ $(hostname) != h ] && [ $HOSTNAME != h ]")], {
        hostNetwork: true,
        hostname: "h",
      }),
    );
    const printed = await pods.output("names");
    const own = (await pods.pod("names")).status?.podIP;
    const api = (await pods.object<Service>(`${NAMESPACE}/services/kubernetes`)).spec?.clusterIP;
    const addresses = asked.map((name) => `${name} ${name.startsWith("kubernetes") ? api : own}`);
    expect(printed.split("\n")).toEqual([...addresses, "h", "h.headless.default.svc.cluster.local", "0", own]);
    expect(await pods.output("resolver")).toBe("search own.example\nnameserver 127.96.0.10\noptions ndots:2");
    await pods.output("as-machine");
  });
}

/** What was heard last there. */
function lastOf(text: string, title: string): string | undefined {
  const lines = text.split("\n").filter((line) => line.startsWith(`${title} `) && !line.includes(" always "));
  return lines.at(-1)?.slice(title.length + 1);
}

async function nodeAddress(pods: PodsAtWork, name: string): Promise<string> {
  return (await pods.object<Node>(`/api/v1/nodes/${name}`)).status?.addresses?.[0]?.address ?? "";
}
