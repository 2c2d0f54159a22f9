import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod, PriorityClass } from "../../../actors/kinds/generated/types.ts";
import { PriorityClassKind } from "../../../actors/kinds/scheduling/priority-class.ts";
import { readConfiguration } from "../../../actors/scheduler/configuration/configuration.ts";
import { askExtenders } from "../../../cluster/boot/ask-extender.ts";
import { named } from "../registry/harness.ts";
import { member, setGroup, startScheduler, type TestScheduler } from "./harness.ts";

const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
interface Body {
  readonly Pod?: Pod;
  readonly NodeNames?: string[] | null;
  readonly Nodes?: { readonly items: unknown[] } | null;
  readonly Node?: string;
  readonly PodName?: string;
  readonly NodeNameToVictims?: Record<string, { Pods: Pod[]; NumPDBViolations: number }> | null;
  readonly NodeNameToMetaVictims?: Record<string, { Pods: { UID: string }[]; NumPDBViolations: number }> | null;
}
type Handler = (body: Body) => unknown;

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
        void Promise.resolve(handler?.(JSON.parse(text))).then((answer) => response.end(JSON.stringify(answer ?? {})));
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
    // Answers are read whatever the case of their names, as by a program in Go.
    verbs.filter = ({ NodeNames }) => ({
      NodeNames: NodeNames?.filter((name) => name !== "n1"),
      FailedNodes: { n1: "the extender does not like it" },
    });
    verbs.prioritize = ({ NodeNames }) => NodeNames?.map((host) => ({ Host: host, score: host === "n3" ? 10 : 0 }));
    const scheduler = await started({ filterVerb: "filter", prioritizeVerb: "prioritize", weight: 100, nodeCacheCapable: true });
    await scheduler.createPod("a");
    expect(await bound(scheduler, "a")).toBe("n3");
    expect(asked).toEqual(["filter", "prioritize"]);
  });

  it("get the nodes themselves unless they know them, and a pod that they let nowhere says why", async () => {
    let nodes = 0;
    verbs.filter = ({ Nodes }) => {
      nodes = Nodes?.items.length ?? 0;
      return { nodes: { items: [] }, failedNodes: { n1: "no", n2: "no", n3: "never" } };
    };
    const scheduler = await started({ filterVerb: "filter" });
    await scheduler.createPod("a");
    const condition = () => scheduler.pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await scheduler.eventually(() => condition() !== undefined);
    expect(nodes).toBe(3);
    expect(condition()?.message).toBe("0/3 nodes are available: 1 never, 2 no.");
  });

  it("that let a pod nowhere are asked again when something happens, also when it happened while they were asked", async () => {
    let asks = 0;
    const scheduler = await started({ filterVerb: "filter", nodeCacheCapable: true });
    verbs.filter = async ({ NodeNames = [] }) => {
      asks++;
      if (asks === 1) await scheduler.setNode("n4");
      return { NodeNames: asks <= 2 ? [] : NodeNames, FailedNodes: Object.fromEntries((NodeNames ?? []).map((name) => [name, "no"])) };
    };
    await scheduler.createPod("a");
    const message = () => scheduler.pod("a")?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message;
    await scheduler.eventually(() => message() === "0/4 nodes are available: 4 no.");
    await scheduler.setNode("n5");
    await bound(scheduler, "a");
    expect(asks).toBe(3);
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
    verbs.bind = ({ PodName, Node }) => {
      bindings.push([PodName, Node]);
      // Nobody waits for it: what went wrong the pod says, by not being bound.
      void running?.registry.bind("d", PodName ?? "", undefined, Node ?? "").catch(() => undefined);
      return {};
    };
    const scheduler = await started({ bindVerb: "bind" });
    await scheduler.createPod("a");
    const node = await bound(scheduler, "a");
    expect(bindings).toEqual([["a", node]]);
  });

  describe("asked about the members of a group", () => {
    const nodes = ({ pod }: TestScheduler) => ["a", "b"].map((name) => pod(name)?.spec.nodeName);
    const messages = ({ pod }: TestScheduler) =>
      ["a", "b"].map((name) => pod(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "").sort();
    const group = async (extender: object): Promise<TestScheduler> => {
      const scheduler = await started({ filterVerb: "filter", nodeCacheCapable: true, ...extender });
      await setGroup(scheduler, "g", 2);
      for (const name of ["a", "b"]) await scheduler.createPod(name, { containers: [container("3")] }, member("g"));
      return scheduler;
    };

    it("they leave each of them nodes, and all are bound, or none", async () => {
      let left = ["n2"];
      verbs.filter = ({ NodeNames = [] }) => ({
        NodeNames: left,
        FailedNodes: Object.fromEntries((NodeNames ?? []).filter((name) => !left.includes(name)).map((name) => [name, "not this one"])),
      });
      const scheduler = await group({});
      // There is room for one of them on what is left, and for both on all nodes.
      const [first, second] = ["0/3 nodes are available: 2 not this one.", 'the other members of pod group "d/g" found no nodes'];
      await scheduler.eventually(() => messages(scheduler).join() === `${first},${second}`);
      expect(nodes(scheduler)).toEqual([undefined, undefined]);
      left = ["n1", "n2"];
      await scheduler.setNode("n4");
      await scheduler.eventually(() => nodes(scheduler).every((node) => node !== undefined));
      expect(nodes(scheduler).sort()).toEqual(["n1", "n2"]);
    });

    it("who fails fails all of them", async () => {
      const scheduler = await group({});
      await scheduler.eventually(() => messages(scheduler).every((message) => /^extender http:.*: filter answered 500/.test(message)));
      expect(nodes(scheduler)).toEqual([undefined, undefined]);
    });
  });

  const container = (cpu: string) => ({ name: "c", image: "i", resources: { requests: { cpu } } });

  describe("asked who makes room", () => {
    const classOf = async ({ registry }: TestScheduler, value: number): Promise<string> => {
      await registry.create(PriorityClassKind, named<PriorityClass>(`p${value}`, undefined, { value }));
      return `p${value}`;
    };
    /** Three full nodes: on n1 a pod of priority 1, on the others of 2 and 3; the least would be lost on n1. */
    const full = async (extender: object): Promise<TestScheduler> => {
      const scheduler = await started({ preemptVerb: "preempt", ...extender });
      for (const [number, node] of ["n1", "n2", "n3"].entries()) {
        const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "4" } } }];
        const nodeSelector = { at: node };
        await scheduler.setNode(node, {}, { labels: { at: node } });
        await scheduler.createPod(`on-${node}`, { containers, nodeSelector, priorityClassName: await classOf(scheduler, number + 1) });
        await bound(scheduler, `on-${node}`);
      }
      await scheduler.createPod("urgent", { priorityClassName: await classOf(scheduler, 100) });
      return scheduler;
    };
    const message = ({ pod }: TestScheduler): string =>
      pod("urgent")?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "";
    const nominated = async (scheduler: TestScheduler): Promise<string | undefined> => {
      await scheduler.eventually(() => scheduler.pod("urgent")?.status?.nominatedNodeName !== undefined);
      return scheduler.pod("urgent")?.status?.nominatedNodeName;
    };

    it("they leave out nodes, and the least is lost of what is left", async () => {
      let told: Body = {};
      verbs.preempt = (body) => {
        told = body;
        const left = Object.entries(body.NodeNameToVictims ?? {}).filter(([node]) => node !== "n1");
        // Who does not know the pods gets them whole, and answers with their uids all the same.
        const metas = left.map(([node, { Pods }]) => [node, { Pods: Pods.map(({ metadata }) => ({ UID: metadata.uid })) }]);
        return { NodeNameToMetaVictims: Object.fromEntries(metas) };
      };
      const scheduler = await full({});
      expect(await nominated(scheduler)).toBe("n2");
      expect(told.Pod?.metadata.name).toBe("urgent");
      expect(told.NodeNameToMetaVictims).toBeNull();
      expect(Object.keys(told.NodeNameToVictims ?? {}).sort()).toEqual(["n1", "n2", "n3"]);
      await scheduler.eventually(
        () => scheduler.pod("on-n2")?.metadata.deletionTimestamp !== undefined || scheduler.pod("on-n2") === undefined,
      );
      expect(scheduler.pod("on-n1")?.metadata.deletionTimestamp).toBeUndefined();
    });

    it("who knows the pods gets their uids, and answers with them", async () => {
      let told: Body = {};
      verbs.preempt = (body) => {
        told = body;
        const { n3 } = body.NodeNameToMetaVictims ?? {};
        return { nodeNameToMetaVictims: { n3: { pods: n3?.Pods.map(({ UID }) => ({ uid: UID })), numPDBViolations: 0 } } };
      };
      const scheduler = await full({ nodeCacheCapable: true });
      expect(await nominated(scheduler)).toBe("n3");
      expect(told.NodeNameToVictims).toBeNull();
      expect(told.NodeNameToMetaVictims?.n1).toEqual({ Pods: [{ UID: scheduler.pod("on-n1")?.metadata.uid }], NumPDBViolations: 0 });
    });

    it("who leaves none, or names what is not there, lets nobody make room", async () => {
      verbs.preempt = () => ({ NodeNameToMetaVictims: {} });
      const scheduler = await full({});
      await scheduler.eventually(() => message(scheduler) !== "");
      expect(message(scheduler)).toMatch(/3 Insufficient cpu\. no new claims to deallocate, preemption: no candidate node for preemption$/);
      verbs.preempt = () => ({ NodeNameToMetaVictims: { n1: { Pods: [{ UID: "nobody" }] } } });
      await scheduler.eventually(() => message(scheduler).includes("UID: nobody"));
      expect(message(scheduler)).toMatch(/ preemption: extender http:.*: claims to preempt pod \(UID: nobody\) on node: n1/);
      expect(scheduler.pod("on-n1")?.metadata.deletionTimestamp).toBeUndefined();
    });

    const groupWants = async (answer: (body: Body) => unknown): Promise<TestScheduler> => {
      const scheduler = await started({ preemptVerb: "preempt" });
      for (const [number, node] of ["n1", "n2", "n3"].entries()) {
        await scheduler.setNode(node, {}, { labels: { at: node } });
        const priorityClassName = await classOf(scheduler, number + 1);
        await scheduler.createPod(`on-${node}`, { containers: [container("4")], nodeSelector: { at: node }, priorityClassName });
        await bound(scheduler, `on-${node}`);
      }
      verbs.preempt = answer;
      await setGroup(scheduler, "g", 2);
      const priorityClassName = await classOf(scheduler, 100);
      for (const name of ["a", "b"]) await scheduler.createPod(name, { containers: [container("3")], priorityClassName }, member("g"));
      return scheduler;
    };
    const namesOf = (victims: Body["NodeNameToVictims"], nodes: readonly string[]) => ({
      NodeNameToMetaVictims: Object.fromEntries(
        nodes.flatMap((node) =>
          victims?.[node] === undefined ? [] : [[node, { Pods: victims[node].Pods.map(({ metadata }) => ({ UID: metadata.uid })) }]],
        ),
      ),
    });

    it("for a group they are asked about one member after another, and room is made for all of them", async () => {
      const told: string[][] = [];
      const scheduler = await groupWants(({ NodeNameToVictims }) => {
        told.push(Object.keys(NodeNameToVictims ?? {}).sort());
        return namesOf(NodeNameToVictims, ["n2", "n3"]);
      });
      await scheduler.eventually(() => ["a", "b"].every((name) => scheduler.pod(name)?.status?.nominatedNodeName !== undefined));
      expect(["a", "b"].map((name) => scheduler.pod(name)?.status?.nominatedNodeName).sort()).toEqual(["n2", "n3"]);
      // The second is asked about with the first where it is to be.
      expect(told.slice(0, 2)).toEqual([
        ["n1", "n2", "n3"],
        ["n1", "n3"],
      ]);
      expect(scheduler.pod("on-n1")?.metadata.deletionTimestamp).toBeUndefined();
    });

    it("for a group nobody goes when they leave room for a part of it only", async () => {
      const scheduler = await groupWants(({ NodeNameToVictims }) => namesOf(NodeNameToVictims, ["n2"]));
      await scheduler.eventually(() => asked.length >= 2 && ["a", "b"].every((name) => scheduler.events(name).length > 0));
      for (const name of ["on-n1", "on-n2", "on-n3"]) expect(scheduler.pod(name)?.metadata.deletionTimestamp).toBeUndefined();
      expect(["a", "b"].map((name) => scheduler.pod(name)?.status?.nominatedNodeName)).toEqual([undefined, undefined]);
    });

    it("who fails and may fail has no say", async () => {
      const scheduler = await full({ ignorable: true });
      expect(await nominated(scheduler)).toBe("n1");
      expect(asked).toContain("preempt");
    });
  });
});
