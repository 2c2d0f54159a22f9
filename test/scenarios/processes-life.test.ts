import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { describeConsoleStreams } from "./console/streams.ts";
import { CsiBeside, describeCsi } from "./csi-volumes.ts";
import { describeDevices } from "./devices.ts";
import type { Kubectl } from "./kubectl.ts";
import { describeStreams } from "./processes-streams.ts";
import { describeTold } from "./processes-told.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

/** A cluster whose pods are processes of this machine, as a user meets it. */
let troupe: Troupe;
let kubectl: Kubectl;
const data = freshDataDirectory();
const csi = new CsiBeside(() => kubectl);
const up = async (): Promise<void> => {
  troupe = await Troupe.up(data, ["--runtime", "process", "--csi-controller", csi.driver.socket]);
  kubectl = troupe.kubectl;
};
beforeAll(up);
afterAll(async () => {
  await runTroupe(["reset", "--data", data, "--force"]);
  await troupe?.discard();
  await csi.end();
});

interface PodSpec {
  readonly [field: string]: unknown;
}
const apply = (name: string, spec: PodSpec): Promise<string> =>
  kubectl.ok(["apply", "-f", "-"], {
    stdin: JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec }),
  });
const sh = (script: string, rest: PodSpec = {}): PodSpec => ({ name: "c", image: "busybox", command: ["sh", "-c", script], ...rest });
const state = (name: string, path: string): Promise<string> => kubectl.ok(["get", "pod", name, "-o", `jsonpath={${path}}`]);
const ready = (name: string): Promise<string> => kubectl.ok(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s"]);

test("the machine is a node, with an address for each pod and what it has", async () => {
  const [node] = (
    await kubectl.json<{ items: { status: { capacity: Record<string, string>; allocatable: Record<string, string> } }[] }>([
      "get",
      "nodes",
      "-o",
      "json",
    ])
  ).items;
  expect(Number(node?.status.capacity.cpu)).toBeGreaterThan(0);
  expect(node?.status.allocatable.memory).not.toBe(node?.status.capacity.memory);
  expect(await kubectl.ok(["get", "nodes", "--show-labels"])).toMatch(
    /troupe.dev\/process-isolation=(mount-namespace|user-namespace|none)/,
  );
});

test("run, logs and their options, delete", async () => {
  await kubectl.ok(["run", "hello", "--image=busybox", "--", "sh", "-c", "for i in 1 2 3; do echo line $i from $POD_IP; done; sleep 1000"]);
  await ready("hello");
  const address = await state("hello", ".status.podIP");
  expect(address).toMatch(/^127\.\d+\.\d+\.\d+$/);
  await until(
    "its lines",
    async () => (await kubectl.ok(["logs", "hello"])) === `line 1 from ${address}\nline 2 from ${address}\nline 3 from ${address}`,
  );
  expect(await kubectl.ok(["logs", "hello", "--tail=1"])).toBe(`line 3 from ${address}`);
  expect(await kubectl.ok(["logs", "hello", "--limit-bytes=6"])).toBe("line 1");
  expect(await kubectl.ok(["logs", "hello", "--tail=1", "--timestamps"])).toMatch(/^\d{4}-.*Z line 3/);
  expect((await kubectl.run(["logs", "hello", "--previous"])).stderr).toContain(
    'previous terminated container "hello" in pod "hello" not found',
  );
  await kubectl.ok(["delete", "pod", "hello", "--grace-period=1"]);
});

test("a crash loop: restarts, back-off, the last state, the log of the run before", async () => {
  await apply("crash", { containers: [sh("echo run; echo why > $TROUPE_TERMINATION_LOG; exit 3")] });
  await until(
    "the back-off",
    async () => (await state("crash", ".status.containerStatuses[0].state.waiting.reason")) === "CrashLoopBackOff",
  );
  expect(await state("crash", ".status.containerStatuses[0].lastState.terminated.message")).toBe("why");
  expect(await kubectl.ok(["logs", "crash", "--previous"])).toBe("run");
  expect(await kubectl.ok(["events", "--for=pod/crash"])).toContain("Back-off restarting failed container c in pod crash_default");
  await kubectl.ok(["delete", "pod", "crash", "--wait=false"]);
});

test("what cannot run says why", async () => {
  await Promise.all([
    apply("nobody", { containers: [{ name: "c", image: "nobody/knows:1" }] }),
    apply("nocommand", { containers: [{ name: "c", image: "x", command: ["no-such-command"] }] }),
    apply("noconfig", { containers: [sh("true", { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "later", key: "a" } } }] })] }),
  ]);
  const why = (name: string): Promise<string> => state(name, ".status.containerStatuses[0].state.waiting.reason");
  await until("the images", async () => /^(ErrImagePull|ImagePullBackOff)$/.test(await why("nobody")));
  await until("the command", async () =>
    (await kubectl.ok(["events", "--for=pod/nocommand"])).includes('exec: "no-such-command": executable file not found in $PATH'),
  );
  await until("the config", async () => (await why("noconfig")) === "CreateContainerConfigError");
  expect((await kubectl.run(["logs", "nobody"])).stderr).toMatch(
    /container "c" in pod "nobody" is waiting to start: (image can't be pulled|trying and failing to pull image)/,
  );
  await kubectl.ok(["create", "configmap", "later", "--from-literal=a=b"]);
  await until(
    "the pod that waited",
    async () =>
      (await state("noconfig", ".status.containerStatuses[0].restartCount")) !== "0" ||
      (await state("noconfig", ".status.phase")) === "Running",
  );
  await kubectl.ok(["delete", "pod", "nobody", "nocommand", "noconfig", "--wait=false"]);
});

test("init containers and sidecars in order, volumes, probes and a service", async () => {
  const volumeMounts = [{ name: "work", mountPath: "/made/up" }];
  const web =
    "cd \"$TROUPE_PATH_MADE_UP\"; exec node -e \"require('http').createServer((q, s) => s.end(require('fs').readFileSync('order'))).listen(8080, process.env.POD_IP)\"";
  const path = [{ name: "PATH", value: process.env.PATH }];
  await apply("web", {
    volumes: [{ name: "work", emptyDir: {} }],
    initContainers: [
      { ...sh('echo one >>"$TROUPE_PATH_MADE_UP/order"', { volumeMounts }), name: "one" },
      { ...sh('echo side >>"$TROUPE_PATH_MADE_UP/order"; sleep 1000', { volumeMounts }), name: "side", restartPolicy: "Always" },
    ],
    containers: [sh(web, { volumeMounts, env: path, readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } })],
  });
  await ready("web");
  expect(await kubectl.ok(["get", "pod", "web", "--no-headers"])).toMatch(/^web\s+2\/2\s+Running/);
  const address = await state("web", ".status.podIP");
  await until("both lines", async () => (await (await fetch(`http://${address}:8080/`)).text()) === "one\nside\n");
});

test("a pod follows its config map, waits for one that is missing, and asks the API with its own token", async () => {
  await kubectl.ok(["create", "configmap", "conf", "--from-literal=word=one"]);
  const conf = [{ name: "conf", mountPath: "/etc/conf" }];
  await apply("follows", {
    volumes: [{ name: "conf", configMap: { name: "conf" } }],
    containers: [
      sh('while :; do w=$(cat "$TROUPE_PATH_ETC_CONF/word"); [ "$w" = "$last" ] || echo "$w"; last=$w; sleep 0.1; done', {
        volumeMounts: conf,
      }),
    ],
  });
  const asks =
    "d=$TROUPE_PATH_VAR_RUN_SECRETS_KUBERNETES_IO_SERVICEACCOUNT; exec node -e \"const fs = require('fs'), d = process.argv[1], r = (f) => fs.readFileSync(d + '/' + f, 'utf8'); require('https').get({ host: process.env.KUBERNETES_SERVICE_HOST, port: process.env.KUBERNETES_SERVICE_PORT, ca: r('ca.crt'), path: '/api/v1/namespaces/' + r('namespace') + '/pods', headers: { authorization: 'Bearer ' + r('token') } }, (a) => { let t = ''; a.on('data', (b) => (t += b)).on('end', () => console.log(a.statusCode, t)); })\" \"$d\"";
  await apply("asks", { restartPolicy: "Never", containers: [sh(asks, { env: [{ name: "PATH", value: process.env.PATH }] })] });
  await apply("waits", {
    volumes: [{ name: "conf", configMap: { name: "not-yet" } }],
    containers: [sh("sleep 1000", { volumeMounts: conf })],
  });
  await ready("follows");
  await until("the first word", async () => (await kubectl.ok(["logs", "follows"])) === "one");
  await kubectl
    .ok(["create", "configmap", "conf", "--from-literal=word=two", "--dry-run=client", "-o", "yaml"])
    .then((stdin) => kubectl.ok(["apply", "-f", "-"], { stdin }));
  await until("the second word", async () => (await kubectl.ok(["logs", "follows"])) === "one\ntwo");
  await until("an answer", async () => (await kubectl.ok(["logs", "asks"])).startsWith("403 "));
  expect(await kubectl.ok(["logs", "asks"])).toContain('User \\"system:serviceaccount:default:default\\" cannot list resource');
  expect(await state("waits", ".status.containerStatuses[0].state.waiting.reason")).toBe("ContainerCreating");
  await until("why it waits", async () =>
    (await kubectl.ok(["events", "--for=pod/waits"])).includes(
      'MountVolume.SetUp failed for volume "conf" : configmap "not-yet" not found',
    ),
  );
  await kubectl.ok(["create", "configmap", "not-yet"]);
  await ready("waits");
  await kubectl.ok(["delete", "pod", "follows", "asks", "waits", "--wait=false"]);
});

test("a stateful set keeps its data over the deletion of its pod, on a volume made on demand; a shared one is for all", async () => {
  const template = (name: string, spec: object): object => ({
    metadata: { name },
    spec: { resources: { requests: { storage: "1Gi" } }, ...spec },
  });
  const mounts = [
    { name: "own", mountPath: "/srv/own" },
    { name: "common", mountPath: "/srv/common" },
  ];
  const writes =
    'echo "$HOSTNAME" >>"$TROUPE_PATH_SRV_OWN/runs"; echo "$HOSTNAME" >>"$TROUPE_PATH_SRV_COMMON/runs"; cat "$TROUPE_PATH_SRV_OWN/runs"; sleep 1000';
  const claim = template("common", { accessModes: ["ReadWriteMany"], storageClassName: "shared" });
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "keeps" },
    spec: {
      replicas: 2,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { app: "keeps" } },
      template: {
        metadata: { labels: { app: "keeps" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          volumes: [{ name: "common", persistentVolumeClaim: { claimName: "common" } }],
          containers: [sh(writes, { volumeMounts: mounts })],
        },
      },
      volumeClaimTemplates: [template("own", { accessModes: ["ReadWriteOnce"] })],
    },
  };
  const all = { apiVersion: "v1", kind: "List", items: [{ apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim }, set] };
  await kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify(all) });
  await until("both", async () => (await kubectl.ok(["get", "statefulset", "keeps", "-o", "jsonpath={.status.readyReplicas}"])) === "2");
  expect(await kubectl.ok(["get", "storageclass"])).toMatch(/^local \(default\)\s+troupe.dev\/local-directory/m);
  await kubectl.ok(["delete", "pod", "keeps-0"]);
  await until("the next life of the first", async () => (await kubectl.run(["logs", "keeps-0"])).stdout.trim() === "keeps-0\nkeeps-0");
  const pathOf = async (name: string): Promise<string> => {
    const volume = await kubectl.ok(["get", "pvc", name, "-o", "jsonpath={.spec.volumeName}"]);
    return kubectl.ok(["get", "pv", volume, "-o", "jsonpath={.spec.local.path}{.spec.hostPath.path}"]);
  };
  const [own, common] = [await pathOf("own-keeps-0"), await pathOf("common")];
  expect(readFileSync(join(own, "runs"), "utf8")).toBe("keeps-0\nkeeps-0\n");
  expect(readFileSync(join(common, "runs"), "utf8").split("\n").sort()).toEqual(["", "keeps-0", "keeps-0", "keeps-1"]);
  await kubectl.ok(["delete", "statefulset/keeps", "pvc/common", "pvc/own-keeps-0", "pvc/own-keeps-1", "--wait=false"]);
  await until("the directories are gone", () => !existsSync(own) && !existsSync(common));
});

test("a provisioner of one's own runs as a pod: the example makes a directory for a claim, and removes it", async () => {
  const made = join(data, "made");
  const manifest = (await kubectl.ok(["kustomize", "examples/provisioner"]))
    .replace("/tmp/directories", made)
    .replace("exec node", `exec ${process.execPath}`);
  await kubectl.ok(["apply", "-f", "-"], { stdin: manifest });
  await kubectl.ok(["apply", "-f", "examples/provisioner/claim.yaml"]);
  await kubectl.ok(["wait", "--for=jsonpath={.status.phase}=Bound", "pvc/mine", "--timeout=120s"]);
  const [directory = ""] = readdirSync(made);
  expect(directory).toBe(await kubectl.ok(["get", "pvc", "mine", "-o", "jsonpath={.spec.volumeName}"]));
  await kubectl.ok(["delete", "-f", "examples/provisioner/claim.yaml"]);
  await until("the directory is gone", () => !existsSync(join(made, directory)));
  await until("and its volume", async () => (await kubectl.run(["get", "pv", directory])).stderr.includes("NotFound"));
  await kubectl.ok(["delete", "-f", "-", "--wait=false"], { stdin: manifest });
});

test("a manifest in the data directory is a pod of the node's own, which the API shows and cannot end", async () => {
  const file = join(data, "manifests/own.yaml");
  mkdirSync(join(data, "manifests"), { recursive: true });
  const spec = { containers: [sh("echo own; sleep 1000")], terminationGracePeriodSeconds: 1 };
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "own" }, spec }));
  await until("its mirror", async () => (await kubectl.run(["get", "pod", "own-node-0"])).code === 0);
  await ready("own-node-0");
  expect(await kubectl.ok(["logs", "own-node-0"])).toBe("own");
  expect(await kubectl.ok(["exec", "own-node-0", "--", "sh", "-c", "echo $POD_IP"])).toBe(await state("own-node-0", ".status.podIP"));
  const id = await state("own-node-0", ".status.containerStatuses[0].containerID");
  await kubectl.ok(["delete", "pod", "own-node-0", "--wait=false"]);
  await ready("own-node-0");
  expect(await state("own-node-0", ".status.containerStatuses[0].containerID")).toBe(id);
  rmSync(file);
  await kubectl.ok(["wait", "--for=delete", "pod/own-node-0", "--timeout=120s"]);
});

test("a job runs to its end", async () => {
  await kubectl.ok(["create", "job", "count", "--image=busybox", "--", "sh", "-c", "echo counted"]);
  await kubectl.ok(["wait", "--for=condition=complete", "job/count", "--timeout=120s"]);
  expect(await kubectl.ok(["logs", "job/count"])).toBe("counted");
});

describeCsi(
  () => kubectl,
  () => csi,
  data,
);
describeDevices(() => kubectl, data);
describeStreams(() => kubectl);
describeTold(() => kubectl, data);
describeConsoleStreams(() => troupe);

describe("Troupe ends", () => {
  test("by kill -9, and pods go on: the next one finds them as they are, and what became of them meanwhile", async () => {
    await apply("stays", {
      containers: [sh("i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done", { lifecycle: { preStop: { sleep: { seconds: 2 } } } })],
    });
    await apply("goes", { restartPolicy: "Never", containers: [sh("echo begun; sleep 3; echo ended; exit 6")] });
    await Promise.all([ready("stays"), ready("goes"), csi.hold()]);
    const before = await state("stays", ".status.containerStatuses[0].containerID");
    await troupe.kill9();
    const uid = /process:\/\/(.*)_c_0/.exec(before)?.[1] ?? "";
    const printed = (): number => statSync(join(data, "pods", uid, "logs/c/0.log")).size;
    const size = printed();
    await until("more lines", () => printed() > size);
    await up();
    await until(
      "the other's exit code",
      async () => (await state("goes", ".status.containerStatuses[0].state.terminated.exitCode")) === "6",
    );
    expect(await kubectl.ok(["logs", "goes"])).toBe("begun\nended");
    expect(await state("stays", ".status.containerStatuses[0].containerID")).toBe(before);
    expect(await state("stays", ".status.containerStatuses[0].restartCount")).toBe("0");
    const [first = "", second = ""] = (await kubectl.ok(["logs", "stays", "--tail=2"])).split("\n");
    expect(Number(second)).toBe(Number(first) + 1);
    // Its volume was staged and not published yet.
    await csi.goOn();
    await csi.rows("first", "second", "held");
    await kubectl.ok(["delete", "pod", "held"]);
    await csi.allGone();
  });

  test("logs that are followed end when their pod does", async () => {
    const followed = kubectl.ok(["logs", "stays", "--follow", "--tail=1"]);
    await kubectl.ok(["delete", "pod", "stays", "--grace-period=4"]);
    expect((await followed).split("\n").length).toBeGreaterThan(1);
  });

  test("reset ends all that runs", async () => {
    expect((await runTroupe(["reset", "--data", data, "--force"])).code).toBe(0);
    await troupe.nothingLeft();
  });
});
