import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { Kubectl } from "./kubectl.ts";
import { kubectlBinary, olderBinaries } from "./layer-binaries.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

/** The oldest kubectl that is promised to work, and the newest, through the same day's work. */
let troupe: Troupe;
let tools: readonly Tool[];
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "4"]);
  tools = [tool(32, (await olderBinaries()).kubectl, "node-0"), tool(35, kubectlBinary(), "node-1")];
  await both(async ({ client, namespace }) => {
    await client.ok(["create", "namespace", namespace]);
  });
}, FETCH_MS);
afterAll(() => troupe?.discard());

const manifest = (replicas: number, image: string, more = ""): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, labels: { part: web } }
data: { mode: fast }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { part: web } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: main, image: "${image}", resources: { requests: { cpu: 100m } } }]
${more}`;
const EXTRA = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: extra, labels: { part: web } }\n";

/** One kubectl, with a namespace and a node of its own: both go through each step at the same time. */
function tool(minor: number, binary: string, node: string) {
  const namespace = `with-1-${minor}`;
  const client = new Kubectl(troupe.kubeconfig, troupe.home(namespace), binary);
  const ok = (args: string, stdin = ""): Promise<string> => client.ok([...args.split(" "), "-n", namespace], { stdin });
  const pod = (): Promise<string> => ok("get pods -l app=web -o jsonpath={.items[0].metadata.name}");
  return { minor, namespace, node, client, ok, pod };
}
type Tool = ReturnType<typeof tool>;

const both = async (step: (tool: Tool) => Promise<void>): Promise<void> => {
  await Promise.all(tools.map(step));
};

test("knows itself, the server, and what is served", () =>
  both(async ({ minor, client, ok }) => {
    const version = await client.json<{ clientVersion: { minor: string }; serverVersion: { minor: string } }>(["version"]);
    expect([version.clientVersion.minor, version.serverVersion.minor]).toEqual([String(minor), "34"]);
    expect(await ok("api-resources --api-group=apps -o name")).toContain("deployments.apps");
    expect(await ok("explain pod.spec.containers.resources")).toMatch(/^FIELD: resources <ResourceRequirements>$/m);
    expect(await ok("explain deployments --recursive")).toMatch(/^ +progressDeadlineSeconds\s+<integer>$/m);
  }));

test("apply, by the client and by the server, diff, and prune", () =>
  both(async ({ namespace, client, ok }) => {
    expect(await ok("apply -f -", manifest(1, "nginx:1", EXTRA))).toBe(
      "configmap/settings created\ndeployment.apps/web created\nsecret/extra created",
    );
    const diff = await client.run(["diff", "-n", namespace, "-f", "-"], { stdin: manifest(2, "nginx:1", EXTRA) });
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringMatching(/^- {2}replicas: 1\n\+ {2}replicas: 2$/m)]);
    expect(await ok("apply -f - --prune -l part=web", manifest(2, "nginx:1"))).toContain("secret/extra pruned");
    const byServer = "apply -f - --server-side --force-conflicts --field-manager=server";
    expect(await ok(byServer, manifest(2, "nginx:2"))).toContain("serverside-applied");
    // What it applied as a client it hands over to the server's manager in a patch that any other write refuses, tries that five times, and says nothing: while pods roll, in vain.
    await ok("rollout status deployment/web --timeout=120s");
    expect(await ok(byServer, manifest(2, "nginx:2"))).toContain("serverside-applied");
    const conflict = await client.refused(["apply", "-n", namespace, "-f", "-", "--server-side", "--field-manager=other"], {
      stdin: manifest(3, "nginx:3"),
    });
    expect(conflict).toContain('Apply failed with 2 conflicts: conflicts with "server":\n- .spec.replicas\n');
    const wrong = manifest(2, "nginx:2").replace("replicas: 2", "replicaz: 2");
    expect(await client.refused(["apply", "-n", namespace, "-f", "-"], { stdin: wrong })).toContain('unknown field "spec.replicaz"');
  }));

test("rollout, wait, set, patch, scale, label, annotate, autoscale, expose", () =>
  both(async ({ ok }) => {
    expect(await ok("rollout status deployment/web --timeout=120s")).toContain("successfully rolled out");
    expect(await ok("set image deployment/web main=nginx:3")).toBe("deployment.apps/web image updated");
    expect(await ok("rollout status deployment/web --timeout=120s")).toContain("successfully rolled out");
    expect(await ok("rollout undo deployment/web")).toBe("deployment.apps/web rolled back");
    expect(await ok("wait deployment/web --for=condition=Available --timeout=120s")).toBe("deployment.apps/web condition met");
    expect(await ok("scale deployment/web --replicas=3")).toBe("deployment.apps/web scaled");
    expect(await ok("wait deployment/web --for=jsonpath={.status.readyReplicas}=3 --timeout=120s")).toBe(
      "deployment.apps/web condition met",
    );
    for (const type of ["strategic", "merge"]) {
      expect(await ok(`patch deployment web --type=${type} -p {"metadata":{"labels":{"${type}":"yes"}}}`)).toBe(
        "deployment.apps/web patched",
      );
    }
    expect(await ok('patch deployment web --type=json -p [{"op":"remove","path":"/metadata/labels/merge"}]')).toBe(
      "deployment.apps/web patched",
    );
    expect(await ok("label deployment web tier=front --overwrite")).toBe("deployment.apps/web labeled");
    expect(await ok("annotate deployment web note=x")).toBe("deployment.apps/web annotated");
    expect(await ok("autoscale deployment web --min=1 --max=5 --cpu-percent=80")).toBe(
      "horizontalpodautoscaler.autoscaling/web autoscaled",
    );
    expect(await ok("expose deployment web --port=80")).toBe("service/web exposed");
    expect(await ok("get all")).toMatch(/^deployment\.apps\/web +3\/3 /m);
    expect(await ok("describe deployment web")).toMatch(/^Replicas: +3 desired \| 3 updated/m);
  }));

test("get --watch, events, and what describe tells of them", () =>
  both(async ({ namespace, client, ok }) => {
    const following = client.follow(["get", "pods", "-n", namespace, "--watch", "--output-watch-events"]);
    try {
      await following.line(/^ADDED +web-/);
      await ok("run guest --image=nginx");
      await following.line(/^MODIFIED +guest +1\/1 +Running/);
      await ok("delete pod guest");
      await following.line(/^DELETED +guest /);
    } finally {
      await following.stop();
    }
    await until("the events", async () => /Normal +Started +Pod\/guest +Started container guest/.test(await ok("events --for pod/guest")));
    expect(await ok("events --types=Normal")).toMatch(/Scheduled +Pod\/guest/);
  }));

test("logs and debug; exec, attach, cp and port-forward are told why not", () =>
  both(async ({ namespace, client, ok, pod }) => {
    expect(await ok("logs deployment/web")).toContain("This container is hollow");
    expect(await ok("logs -l app=web --prefix --tail=1")).toMatch(/^\[pod\/web-\S+\/main\] This container is hollow/);
    const name = await pod();
    await ok(`debug ${name} --image=busybox --target=main --container=look --profile=general`);
    await ok(`wait pod/${name} --for=jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt} --timeout=120s`);
    expect(await ok(`logs ${name} -c look`)).toContain("This container is hollow");
    const why = "is hollow: its containers have states, but no processes and no ports";
    for (const args of [
      ["exec", name, "--", "ls"],
      ["attach", name],
      ["port-forward", name, ":80"],
      ["cp", `${name}:/etc/hosts`, "/dev/null"],
    ]) {
      expect(await client.refused(["-n", namespace, ...args])).toContain(why);
    }
    const once = await client.run(["run", "once", "-n", namespace, "--image=busybox", "--restart=Never", "--rm", "-i", "--", "ls"]);
    expect([once.code, once.stdout]).toEqual([0, expect.stringContaining("This container is hollow")]);
  }));

test("resizes a pod where it runs", () =>
  both(async ({ namespace, client, ok, pod }) => {
    const name = await pod();
    const body = JSON.stringify({ spec: { containers: [{ name: "main", resources: { requests: { cpu: "300m" } } }] } });
    expect(await client.ok(["patch", "pod", name, "-n", namespace, "--subresource=resize", "-p", body])).toBe(`pod/${name} patched`);
    await ok(`wait pod/${name} --for=jsonpath={.status.containerStatuses[0].allocatedResources.cpu}=300m --timeout=120s`);
    const limits = JSON.stringify({ spec: { containers: [{ name: "main", resources: { requests: { cpu: null } } }] } });
    expect(await client.refused(["patch", "pod", name, "-n", namespace, "--subresource=resize", "-p", limits])).toContain(
      "resource requests cannot be removed",
    );
  }));

test("create: every generator that makes an object", () =>
  both(async ({ namespace, client, ok }) => {
    for (const args of [
      "configmap c --from-literal=a=b",
      "secret generic s --from-literal=a=b",
      "secret docker-registry d --docker-server=x --docker-username=u --docker-password=p",
      "serviceaccount sa",
      "role r --verb=get --resource=pods",
      "rolebinding rb --role=r --serviceaccount=default:sa",
      "quota q --hard=count/secrets=99",
      "poddisruptionbudget pdb --selector=app=x --min-available=1",
      "ingress i --rule=example.com/*=web:80",
      "service clusterip svc --tcp=80",
      "deployment other --image=nginx --replicas=0",
    ]) {
      expect(await ok(`create ${args}`)).toMatch(/ created$/);
    }
    await ok("delete quota q");
    expect(await ok("create token sa --duration=10m")).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(await ok("auth can-i get pods --as=system:serviceaccount:default:sa")).toBe("yes");
    expect(
      (await client.run(["auth", "can-i", "delete", "pods", "--as=system:serviceaccount:default:sa", "-n", namespace])).stdout.trim(),
    ).toBe("no");
  }));

test("cordon, drain and uncordon", () =>
  both(async ({ node, ok }) => {
    await ok(`cordon ${node}`);
    expect(await ok(`drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=120s`)).toContain(`node/${node} drained`);
    await ok(`uncordon ${node}`);
    expect(await ok("rollout status deployment/web --timeout=120s")).toContain("successfully rolled out");
  }));

test("delete: the namespace takes all along", () =>
  both(async ({ namespace, ok }) => {
    await ok(`delete namespace ${namespace} --timeout=120s`);
    expect(await troupe.kubectl.ok(["get", "pods", "-n", namespace, "-o", "name"])).toBe("");
  }));
