import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { type PodsAtWork, sh } from "./pods-at-work.ts";

const labels = { app: "counted" };

/** What commands of kubectl that are used with real pods say and do. */
export function describeCommands(at: () => PodsAtWork): void {
  const ok = (...args: readonly string[]): Promise<string> => at().kubectl.ok(args);

  test("a replication controller is created, described, scaled, patched, exposed and removed with kubectl", async () => {
    const pods = at();
    const template = {
      metadata: { labels },
      spec: { terminationGracePeriodSeconds: 1, containers: [sh("sleep 1000", { ports: [{ containerPort: 80 }] })] },
    };
    const object = {
      apiVersion: "v1",
      kind: "ReplicationController",
      metadata: { name: "counted" },
      spec: { replicas: 2, selector: labels, template },
    };
    await pods.create(object);
    const names = async (): Promise<readonly string[]> =>
      (await ok("get", "pods", "-l", "app=counted", "-o", "template={{range .items}}{{.metadata.name}} {{end}}"))
        .split(" ")
        .filter((name) => name !== "");
    const first = await until("two pods", async () => ((await names()).length === 2 ? await names() : undefined));
    for (const name of first) await pods.ready(name);
    const running = '{{range .status.containerStatuses}}{{if (and (eq .name "c") (exists . "state" "running"))}}true{{end}}{{end}}';
    expect(await ok("get", "pod", first[0] ?? "", "-o", `template=${running}`)).toBe("true");
    await ok("patch", "pod", first[0] ?? "", "-p", '{"metadata":{"annotations":{"x":"y"}}}');
    expect((await pods.pod(first[0] ?? "")).metadata?.annotations?.x).toBe("y");
    const described = await ok("describe", "rc", "counted");
    for (const line of [
      /^Selector: +app=counted$/m,
      /^Replicas: +2 current \/ 2 desired$/m,
      /^Pods Status: +2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m,
      /SuccessfulCreate/,
    ])
      expect(described).toMatch(line);
    const pod = await ok("describe", "pod", first[0] ?? "");
    for (const line of [
      /^Controlled By: +ReplicationController\/counted$/m,
      /^Status: +Running$/m,
      /^IP: +127\./m,
      /State: +Running/,
      /^QoS Class: +BestEffort$/m,
      /Started +.*kubelet/,
    ])
      expect(pod).toMatch(line);
    await ok("expose", "rc", "counted", "--name=exposed", "--port=1234", "--target-port=80");
    await ok("expose", "service", "exposed", "--name=exposed-again", "--port=2345", "--target-port=80");
    await until("endpoints", async () =>
      /:80,.*:80/.test((await ok("get", "endpoints", "exposed-again", "--no-headers")).replace(/ +/g, " ")),
    );
    expect(await ok("describe", "service", "exposed-again")).toMatch(/^Endpoints: +127\.\d+\.\d+\.\d+:80,/m);
    await ok("scale", "rc", "counted", "--replicas=1", "--timeout=1m");
    await until("one pod", async () => (await names()).length === 1);
    await ok("delete", "rc", "counted", "--grace-period=0", "--force");
    await until("no pod", async () => (await names()).length === 0);
    await ok("delete", "service", "exposed", "exposed-again");
  });

  test("kubectl says what is served, and where", async () => {
    expect((await ok("api-versions")).split("\n")).toEqual(expect.arrayContaining(["v1", "apps/v1", "storage.k8s.io/v1"]));
    const info = await ok("cluster-info");
    expect(info).toMatch(/Kubernetes control plane.*is running at.*https:\/\/127\.0\.0\.1:/);
    expect(info).toContain("/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy");
    expect(await ok("describe", "node", "node-0")).toMatch(/^Addresses:[\s\S]*InternalIP[\s\S]*^Allocatable:[\s\S]*Kubelet Version/m);
    expect(await ok("describe", "namespace", "default")).toMatch(/^Status: +Active$/m);
  });

  test("kubectl proxy: at a port that it chooses, and at a socket", async () => {
    const pods = at();
    const proxy = pods.kubectl.follow(["proxy", "--port=0"]);
    try {
      const port = /:(\d+)$/.exec(await proxy.line(/^Starting to serve on 127/))?.[1];
      expect(JSON.parse(await ok("get", "--raw", "/api/", "--server", `http://127.0.0.1:${port}`))).toMatchObject({ versions: ["v1"] });
      expect(JSON.parse((await pods.ask("/api/")).text)).toMatchObject({ versions: ["v1"] });
    } finally {
      await proxy.stop();
    }
  });
}
