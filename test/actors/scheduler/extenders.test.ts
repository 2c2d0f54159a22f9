import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfiguration } from "../../../actors/scheduler/configuration/configuration.ts";
import { askExtenders } from "../../../cluster/boot/ask-extender.ts";
import { startScheduler, type TestScheduler } from "./harness.ts";

const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
type Handler = (body: { nodenames?: string[]; nodes?: { items: unknown[] }; node?: string; podName?: string }) => unknown;

describe("extenders", () => {
  let running: TestScheduler | undefined;
  let server: Server;
  let verbs: Record<string, Handler>;
  const asked: string[] = [];
  const http = askExtenders();

  beforeEach(async () => {
    asked.length = 0;
    verbs = {};
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        const verb = request.url?.slice("/s/".length) ?? "";
        asked.push(verb);
        const handler = verbs[verb];
        response.statusCode = handler === undefined ? 500 : 200;
        response.end(JSON.stringify(handler?.(JSON.parse(text)) ?? {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const started = async (extender: object): Promise<TestScheduler> => {
    const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}/s`;
    const configuration = readConfiguration({ ...HEAD, extenders: [{ urlPrefix, ...extender }] });
    running = await startScheduler({}, { configuration, askExtender: http.ask });
    for (const name of ["n1", "n2", "n3"]) await running.setNode(name, name === "n1" ? { "a/b": "1" } : {});
    running.start();
    return running;
  };
  const bound = async ({ pod, eventually }: TestScheduler, name: string): Promise<string | undefined> => {
    await eventually(() => pod(name)?.spec.nodeName !== undefined);
    return pod(name)?.spec.nodeName;
  };

  it("filter the nodes that the plugins let pass, and score what is left", async () => {
    verbs.filter = ({ nodenames = [] }) => ({
      nodenames: nodenames.filter((name) => name !== "n1"),
      failedNodes: { n1: "the extender does not like it" },
    });
    verbs.prioritize = ({ nodenames = [] }) => nodenames.map((host) => ({ host, score: host === "n3" ? 10 : 0 }));
    const scheduler = await started({ filterVerb: "filter", prioritizeVerb: "prioritize", weight: 100, nodeCacheCapable: true });
    await scheduler.createPod("a");
    expect(await bound(scheduler, "a")).toBe("n3");
    expect(asked).toEqual(["filter", "prioritize"]);
  });

  it("get the nodes themselves unless they know them, and a pod that they let nowhere says why", async () => {
    let nodes = 0;
    verbs.filter = ({ nodes: list }) => {
      nodes = list?.items.length ?? 0;
      return { nodes: { items: [] }, failedNodes: { n1: "no", n2: "no", n3: "never" } };
    };
    const scheduler = await started({ filterVerb: "filter" });
    await scheduler.createPod("a");
    const condition = () => scheduler.pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await scheduler.eventually(() => condition() !== undefined);
    expect(nodes).toBe(3);
    expect(condition()?.message).toBe("0/3 nodes are available: 1 never, 2 no.");
  });

  it("are not asked about pods that want none of their resources, whose amounts are theirs to count", async () => {
    verbs.filter = () => ({ nodenames: ["n2"] });
    const managedResources = [{ name: "a/b", ignoredByScheduler: true }];
    const scheduler = await started({ filterVerb: "filter", nodeCacheCapable: true, managedResources });
    await scheduler.createPod("plain");
    await bound(scheduler, "plain");
    expect(asked).toEqual([]);
    const resources = { requests: { cpu: "1", "a/b": "1" }, limits: { "a/b": "1" } };
    await scheduler.createPod("theirs", { containers: [{ name: "c", image: "i", resources }] });
    expect(await bound(scheduler, "theirs")).toBe("n2");
  });

  it("that fail fail the pod, unless they may be ignored", async () => {
    const scheduler = await started({ filterVerb: "filter" });
    await scheduler.createPod("a");
    await scheduler.eventually(() => scheduler.events("a").length > 0);
    expect(scheduler.events("a")[0]).toMatch(/^FailedScheduling: extender http:.*: filter answered 500/);
    await scheduler.stop();
    running = undefined;
    const other = await started({ filterVerb: "filter", ignorable: true });
    await other.createPod("a");
    expect(await bound(other, "a")).toBeDefined();
  });

  it("bind the pods that are their business", async () => {
    const bindings: unknown[] = [];
    verbs.bind = ({ podName, node }) => {
      bindings.push([podName, node]);
      void running?.registry.bind("d", podName ?? "", undefined, node ?? "");
      return {};
    };
    const scheduler = await started({ bindVerb: "bind" });
    await scheduler.createPod("a");
    const node = await bound(scheduler, "a");
    expect(bindings).toEqual([["a", node]]);
  });
});
