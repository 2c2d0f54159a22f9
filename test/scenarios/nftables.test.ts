import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Target } from "../../actors/node/proxy/forwarding.ts";
import { tableOf } from "../../actors/node/proxy/nftables/ruleset.ts";
import { until } from "../../cluster/chaos/until.ts";
import { Agent } from "../actors/node/proxy/nftables/agent.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedNftables } from "../clients/fetched-nftables.ts";
import { Kubectl } from "./kubectl.ts";
import { LAUNCHER } from "./launch.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { OwnNetwork } from "./own-network.ts";
import { type Ended, runProgram } from "./run-program.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const fetched = await fetchedNftables();
const why = typeof fetched === "string" ? fetched : await OwnNetwork.refusal();
const FLAGS = ["--nodes", "1", "--service-proxy", "nftables", "--dns-upstream", "127.0.0.1:9"];

describe.skipIf(why !== undefined)(`services by nftables${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  const data = freshDataDirectory();
  const { bin, nft } = typeof fetched === "string" ? { bin: "", nft: "" } : fetched;
  const env = { PATH: `${bin}:${process.env.PATH}` };
  let network: OwnNetwork;
  let world: Agent;
  let troupe: Troupe;
  let kubectl: Kubectl;
  let pods: readonly Target[];

  const within = (...words: readonly string[]): Promise<Ended> => {
    const [program = "", ...rest] = [...network.words, ...words];
    return runProgram(program, rest, { ...process.env, ...env });
  };
  const rules = async (): Promise<string> => (await within(nft, "list", "ruleset")).stdout;
  const up = async (): Promise<void> => {
    troupe = await Troupe.up(data, FLAGS, { within: network.words, env });
    kubectl = new Kubectl(
      troupe.kubeconfig,
      troupe.home("kubectl"),
      network.wrap(join(troupe.home("kubectl"), "kubectl"), kubectlBinary()),
    );
  };
  const apply = (...items: readonly object[]): Promise<string> =>
    kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  /** A slice with one endpoint, that of the pod of that number. */
  const slice = (index: number, ready: boolean): object => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${index}`, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [pods[index]?.address], conditions: { ready }, nodeName: "node-0" }],
    ports: [{ name: "http", port: pods[index]?.port }],
  });
  const ruled = (index: number): Promise<boolean> =>
    rules().then((text) => text.includes(`${pods[index]?.address} . ${pods[index]?.port}`));

  beforeAll(async () => {
    network = await OwnNetwork.make();
    world = await new Agent(network, {}).ready();
    pods = await Promise.all(["a", "b"].map((name, index) => world.do("serve", "TCP", `127.64.0.${index + 1}`, name)));
    await up();
  }, FETCH_MS);
  afterAll(async () => {
    await troupe?.discard();
    world?.end();
    network?.end();
  });

  test("are led to endpoints as these are ready, also while nobody is there, and by the next who is", async () => {
    const ports = [{ name: "http", port: 80 }];
    await apply({ apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { type: "NodePort", ports } }, slice(0, true));
    const ask = ["get", "service", "web", "-o", "jsonpath={.spec.clusterIP} {.spec.ports[0].nodePort}"];
    const [clusterIP = "", nodePort = ""] = (await kubectl.ok(ask)).split(" ");
    const places = [
      { address: clusterIP, port: 80 },
      { address: "127.0.0.1", port: Number(nodePort) },
    ];
    const answers = (): Promise<readonly string[]> => Promise.all(places.map((place) => world.do("ask", place)));
    await until("the rules", async () => (await rules()).includes(`${clusterIP} . tcp . 80 : goto`) && (await ruled(0)));
    // The service kubernetes is led to the API server by them.
    expect(await rules()).toMatch(/127\.96\.0\.1 \. tcp \. \d+ : goto/);
    expect(await answers()).toEqual(["a 127.0.0.1", "a 127.0.0.1"]);
    await apply(slice(1, true));
    await apply(slice(0, false));
    await until("the other endpoint's rules", async () => (await ruled(1)) && !(await ruled(0)));
    expect(await answers()).toEqual(["b 127.0.0.1", "b 127.0.0.1"]);
    await troupe.kill9();
    expect(await answers()).toEqual(["b 127.0.0.1", "b 127.0.0.1"]);
    await up();
    await apply(slice(0, true));
    await apply(slice(1, false));
    await until("the first endpoint's rules", async () => (await ruled(0)) && !(await ruled(1)));
    expect(await answers()).toEqual(["a 127.0.0.1", "a 127.0.0.1"]);
  });

  test("stop leaves no rules behind, nor does reset of one that was killed", async () => {
    await troupe.stop();
    expect(await rules()).toBe("");
    await within(nft, "add", "table", "ip", tableOf(data));
    expect((await within(process.execPath, LAUNCHER, "reset", "--data", data, "--force")).code).toBe(0);
    expect(await rules()).toBe("");
  });
});
