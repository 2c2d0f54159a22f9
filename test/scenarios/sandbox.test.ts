import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layout, type Member } from "../actors/node/images/oci-layout.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedNftables } from "../clients/fetched-nftables.ts";
import { fetchedPrograms } from "../clients/fetched-programs.ts";
import { fetchedSandbox } from "../clients/fetched-sandbox.ts";
import { groupsOf } from "./control-groups.ts";
import { Kubectl } from "./kubectl.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { OwnNetwork } from "./own-network.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";
import { whyNoSandboxes } from "./why-no-sandboxes.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const PIDS_MAX = 100;
const DISK_BYTES = 1_048_576;

const programs = await fetchedPrograms();
const fetched = await fetchedSandbox();
const nftables = await fetchedNftables();
const { nft, bin } = typeof nftables === "string" ? {} : nftables;
const why = typeof programs === "string" ? programs : typeof fetched === "string" ? fetched : await whyNoSandboxes(fetched);

describe.skipIf(why !== undefined)(`sandboxes${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  let network: OwnNetwork;
  let troupe: Troupe;
  let kubectl: Kubectl;
  let path: string;
  const data = freshDataDirectory();
  /** A device of the machine that is the test's. */
  let disk: string | undefined;
  /** A directory of which the machine shares what is mounted in it. */
  let sharing: string | undefined;
  const ok = (...args: readonly string[]): Promise<string> => kubectl.ok(args);
  const apply = (name: string, spec: object): Promise<string> =>
    kubectl.ok(["apply", "-f", "-"], {
      stdin: JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec }),
    });
  const sh = (script: string, rest: object = {}): object => ({ name: "c", image: "busybox", command: ["sh", "-c", script], ...rest });
  const ready = (name: string): Promise<string> => ok("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
  const field = (name: string, path: string): Promise<string> => ok("get", "pod", name, "-o", `jsonpath={${path}}`);
  /** Empty: nothing, or it does not run yet. */
  const printed = async (name: string, ...rest: readonly string[]): Promise<string> =>
    (await kubectl.run(["logs", name, ...rest])).stdout.trim();
  const up = async (...more: readonly string[]): Promise<void> => {
    if (typeof programs === "string" || typeof fetched === "string") return;
    const flags = [
      "--runtime",
      "sandbox",
      "--cni-bin-dir",
      fetched.plugins,
      "--pod-max-pids",
      String(PIDS_MAX),
      "--dns-upstream",
      "127.0.0.1:9",
    ];
    path = [fetched.bin, programs.path, ...(bin === undefined ? [] : [bin])].join(delimiter);
    troupe = await Troupe.up(data, [...flags, ...more], { within: network.words, env: { PATH: path } });
    kubectl = new Kubectl(
      troupe.kubeconfig,
      troupe.home("kubectl"),
      network.wrap(join(troupe.home("kubectl"), "kubectl"), kubectlBinary()),
    );
  };
  beforeAll(async () => {
    network = await OwnNetwork.make();
    await up();
  }, FETCH_MS);
  afterAll(async () => {
    if (sharing !== undefined) execFileSync("umount", ["--recursive", sharing]);
    await runTroupe(["reset", "--data", data, "--force"]);
    await troupe?.discard();
    network?.end();
    if (disk !== undefined) execFileSync("losetup", ["--detach", disk]);
    if (typeof programs !== "string") rmSync(programs.directory, { recursive: true, force: true });
  });

  // They wait more than they work: all at once.
  describe.concurrent("at once", () => {
    test("limits: a memory hog is killed alone, a cpu hog gets what it may, a fork bomb meets its limit", async () => {
      await ok("apply", "-k", join(EXAMPLES, "limits"));
      await kubectl.until(
        "the end of the memory hog",
        async () => (await field("memory", ".status.containerStatuses[?(@.name=='hog')].state.terminated.reason")) === "OOMKilled",
      );
      expect(await field("memory", ".status.containerStatuses[?(@.name=='hog')].state.terminated.exitCode")).toBe("137");
      await kubectl.until(
        "that the other one runs",
        async () => (await field("memory", ".status.containerStatuses[?(@.name=='calm')].ready")) === "true",
      );
      expect(await field("memory", ".status.containerStatuses[?(@.name=='calm')].restartCount")).toBe("0");
      await kubectl.until("the end of the bomb", async () => (await printed("processes")).includes("can't fork"));
      await kubectl.until("how it ended", async () => (await field("processes", ".status.phase")) === "Failed");
      const share = await kubectl.until(
        "a second measurement",
        async () => (await printed("cpu")).match(/^\d+(?=% of a processor)/gm)?.[1],
      );
      // On a busy machine it may get less than it may take.
      expect(Number(share)).toBeGreaterThan(2);
      expect(Number(share)).toBeLessThan(25);
      const larger = { spec: { containers: [{ name: "hog", resources: { requests: { cpu: "500m" }, limits: { cpu: "500m" } } }] } };
      await ok("patch", "pod", "cpu", "--subresource=resize", "-p", JSON.stringify(larger));
      await kubectl.until("the resize", async () => (await field("cpu", ".status.containerStatuses[0].resources.limits.cpu")) === "500m");
      const uid = await field("cpu", ".metadata.uid");
      const quota = groupsOf(data)
        .map((group) => join(group, "kubepods", `pod${uid}`, "hog-0"))
        .flatMap((group) => ["cpu.cfs_quota_us", "cpu.max"].map((name) => join(group, name)))
        .filter((path) => existsSync(path))
        .map((path) => readFileSync(path, "utf8").split(/\s/)[0]);
      expect(quota).toEqual(["50000"]);
      expect(await field("cpu", ".status.containerStatuses[0].restartCount")).toBe("0");
      await ok("delete", "-k", join(EXAMPLES, "limits"), "--wait=false");
    });

    test("pods have addresses of their own, on which they listen at any port, and find one another and the API by name", async () => {
      const page = { name: "page", configMap: { name: "page" } };
      await ok("create", "configmap", "page", "--from-literal=index.html=hello");
      await apply("web", {
        volumes: [page],
        containers: [
          sh("cd /www; exec httpd -f -p 80", {
            volumeMounts: [{ name: "page", mountPath: "/www" }],
            ports: [{ containerPort: 80, hostPort: 8099 }],
            readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 },
          }),
        ],
      });
      await ok("expose", "pod", "web", "--port=80");
      const asks = [
        "until wget -q -O- http://web.default.svc.cluster.local; do sleep 0.1; done; echo",
        // By a port of its node.
        "until wget -q -O- http://$NODE:8099; do sleep 0.1; done; echo",
        "wget -q -O- --no-check-certificate https://kubernetes.default.svc.cluster.local/version | grep -o gitVersion",
        "sleep 1000",
      ].join("\n");
      await apply("asks", {
        restartPolicy: "Never",
        containers: [sh(asks, { env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }] })],
      });
      await kubectl.until("both answers", async () => (await printed("asks")).endsWith("hello\nhello\ngitVersion"));
      expect(await field("web", ".status.podIP")).toMatch(/^10\.244\.0\.\d+$/);
      await ok("delete", "pod", "web", "asks", "--wait=false");
    });

    test("it is who it is to be, may what it may, and has its volumes at their paths", async () => {
      const seen = [
        "id -u; id -g; id -G",
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\\t ' ' '",
        "touch /no 2>/dev/null || echo read-only",
        "echo kept >/work/part/file && cat /own/part/file",
        "cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo",
        "hostname; echo why >/dev/termination-log",
        "cat /proc/1/comm",
        "cat /proc/sys/kernel/shm_rmid_forced",
        "ip link add dummy0 type dummy 2>&1",
      ].join("\n");
      await apply("secure", {
        restartPolicy: "Never",
        hostname: "own-name",
        shareProcessNamespace: true,
        securityContext: {
          runAsUser: 4321,
          runAsGroup: 1234,
          fsGroup: 5678,
          supplementalGroups: [99],
          sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }],
        },
        volumes: [{ name: "work", emptyDir: {} }],
        containers: [
          sh(seen, {
            securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            volumeMounts: [
              { name: "work", mountPath: "/own" },
              { name: "work", mountPath: "/work/part", subPath: "part" },
            ],
          }),
          { ...sh("sleep 1000"), name: "beside" },
        ],
      });
      await kubectl.until(
        "what it has seen",
        async () => (await field("secure", ".status.containerStatuses[?(@.name=='c')].state.terminated.exitCode")) !== "",
      );
      const [uid, gid, groups, caps, privileges, root, file, namespace, hostname, first, setting, link] = (
        await printed("secure", "-c", "c")
      ).split("\n");
      expect([uid, gid, groups, caps, privileges]).toEqual(["4321", "1234", "1234 99 5678", "CapEff: 0000000000000000", "NoNewPrivs: 1"]);
      expect([root, file, namespace, hostname]).toEqual(["read-only", "kept", "default", "own-name"]);
      // The first of all processes of the pod is none of the container's.
      expect(first).toBe("sleep");
      expect(setting).toBe("1");
      expect(link).toContain("Operation not permitted");
      const user = JSON.parse(await field("secure", ".status.containerStatuses[?(@.name=='c')].user.linux"));
      expect(user).toEqual({ uid: 4_321, gid: 1_234, supplementalGroups: [1_234, 99, 5_678] });
      expect(await field("secure", ".status.containerStatuses[?(@.name=='c')].state.terminated.message")).toBe("why");
      await ok("delete", "pod", "secure", "--wait=false");
    });

    test("a volume without a file system is a device of the container's, and no other is", async () => {
      const file = join(data, "disk");
      writeFileSync(file, "first\n".padEnd(DISK_BYTES));
      disk = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
      const common = { accessModes: ["ReadWriteOnce"], volumeMode: "Block", storageClassName: "" };
      const hostname = await ok("get", "nodes", "-o", "jsonpath={.items[0].metadata.labels.kubernetes\\.io/hostname}");
      const terms = [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [hostname] }] }];
      const nodeAffinity = { required: { nodeSelectorTerms: terms } };
      const volume = { ...common, capacity: { storage: "1Mi" }, local: { path: disk }, nodeAffinity };
      const claim = { ...common, volumeName: "disk", resources: { requests: { storage: "1Mi" } } };
      const items = [
        { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "disk" }, spec: volume },
        { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "disk" }, spec: claim },
      ];
      await kubectl.ok(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
      const [major, minor] = execFileSync("stat", ["--format=%Hr %Lr", disk], { encoding: "utf8" }).trim().split(" ");
      const other = `mknod /tmp/other b ${major} ${Number(minor) + 1} && head -c 1 /tmp/other`;
      await apply("disk", {
        restartPolicy: "Never",
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: "disk" } }],
        containers: [
          sh(`head -n 1 /dev/xvda; echo second | dd of=/dev/xvda conv=notrunc,fsync 2>/dev/null; ${other} 2>&1; echo over`, {
            volumeDevices: [{ name: "v", devicePath: "/dev/xvda" }],
          }),
        ],
      });
      await kubectl.until("what it printed", async () => (await printed("disk")).endsWith("over"));
      expect(await printed("disk")).toMatch(/^first\n.*Operation not permitted\nover$/);
      expect(readFileSync(disk, "latin1").slice(0, 7)).toBe("second\n");
      await ok("delete", "pod/disk", "pvc/disk", "pv/disk");
    });

    test("what is mounted in a volume is seen by whom it is to be, and by the machine, and goes no further", async () => {
      sharing = join(data, "sharing");
      mkdirSync(sharing);
      execFileSync("mount", ["-t", "tmpfs", "troupe-test", sharing]);
      execFileSync("mount", ["--make-shared", sharing]);
      const container = (name: string, mountPropagation: string, script: string): object => ({
        ...sh(`${script}; sleep 1000`, { securityContext: { privileged: true } }),
        name,
        volumeMounts: [{ name: "v", mountPath: "/shared", mountPropagation }],
      });
      await apply("shares", {
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: "v", hostPath: { path: sharing } }],
        containers: [
          container("heard", "HostToContainer", "until cat /shared/of-it/file; do sleep 0.1; done"),
          container("alone", "None", "true"),
          container("tells", "Bidirectional", "mkdir /shared/of-it && mount -t tmpfs its /shared/of-it && echo word >/shared/of-it/file"),
        ],
      });
      await kubectl.until("that it is heard", async () => (await printed("shares", "-c", "heard")).endsWith("word"));
      expect(await ok("exec", "shares", "-c", "alone", "--", "ls", "/shared/of-it")).toBe("");
      expect(readFileSync(join(sharing, "of-it/file"), "utf8")).toBe("word\n");
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toMatch(new RegExp(`${await field("shares", ".metadata.uid")}\\S*/root `));
      await ok("delete", "pod", "shares");
    });

    test("an OCI image has its own root, user and command, and what it writes is its own", async () => {
      const programs = ["sh", "id", "ls", "touch", "sleep", "hostname"].map(
        (name): Member => ({ name: `bin/${name}`, type: "symlink", linkname: "busybox" }),
      );
      const text = readFileSync(execFileSync("sh", ["-c", "command -v busybox"], { env: { PATH: path }, encoding: "utf8" }).trim());
      const users = "app:x:7:8:the app:/home/app:/bin/sh\n";
      const layers: Member[][] = [
        [{ name: "bin/busybox", mode: 0o755, text }, ...programs, { name: "gone", text: "x" }],
        [
          { name: "etc/passwd", text: users },
          { name: "etc/group", text: "app:x:8:\nweb:x:60:app\n" },
          { name: ".wh.gone" },
          { name: "work", type: "directory", mode: 0o777 },
        ],
      ];
      const config = {
        Env: ["PATH=/bin"],
        Entrypoint: ["/bin/sh", "-c"],
        Cmd: ["id; ls /; touch written; ls; sleep 1000"],
        WorkingDir: "/work",
        User: "app",
      };
      await layout("example.com/tiny:1", join(data, "images/tiny"), layers, { config });
      await ok("run", "tiny", "--image=example.com/tiny:1");
      await kubectl.until("all that it prints", async () => (await printed("tiny")).endsWith("written"));
      const [who, ...names] = (await printed("tiny")).split("\n");
      // The groups of its user are those of the image.
      expect(who).toMatch(/^uid=7\(app\) gid=8\(app\) groups=.*60\(web\)/);
      for (const name of ["bin", "etc", "proc", "work"]) expect(names).toContain(name);
      for (const name of ["gone", "root", "home"]) expect(names).not.toContain(name);
      expect(await field("tiny", ".status.containerStatuses[0].imageID")).toMatch(/^sha256:/);
      await ok("run", "absent", "--image=example.com/tiny:2");
      await kubectl.until("why there is none", async () => (await ok("events", "--for=pod/absent")).includes("there is no image"));
      await ok("delete", "pod", "tiny", "absent", "--wait=false");
    });

    test("exec, a terminal, copies, forwarded ports", async () => {
      await apply("into", { containers: [sh("exec httpd -f -p 8080 -h /etc")] });
      await ready("into");
      expect(await ok("exec", "into", "--", "sh", "-c", "ls /proc/1/exe >/dev/null && hostname")).toBe("into");
      expect((await kubectl.run(["exec", "into", "--", "sh", "-c", "exit 5"])).stderr).toContain("exit code 5");
      // kubectl says the size when it has begun, and on a busy machine the command may be there before.
      const sized = 'until /usr/bin/stty size | grep "40 111"; do sleep 0.1; done';
      const terminal = await kubectl.inTerminal(`exec -it into -- sh -c 'tty; ${sized}; echo "$TERM $(whoami)"; exit 4'`);
      expect([terminal.code, terminal.stdout]).toEqual([4, expect.stringMatching(/\/dev\/pts\/\d+\n40 111\nxterm root\n/)]);
      const follows = "until /usr/bin/stty size | grep '^30 9'; do sleep 0.1; done";
      // A size that changes while kubectl begins to look for changes is none that it tells.
      const grows = "for n in 1 2 3 4 5 6 7 8 9; do sleep 1; stty rows 30 cols 9$n </dev/tty || exit; done";
      expect((await kubectl.inTerminal(`exec -it into -- sh -c "${follows}"`, { meanwhile: grows })).code).toBe(0);
      const typed = await kubectl.inTerminal(
        "run typed -it --rm --restart=Never --image=busybox -- sh -c 'read line; echo got $line; exit 3'",
        {
          stdin: "word\n",
        },
      );
      expect([typed.code, typed.stdout]).toEqual([3, expect.stringContaining("got word")]);
      const file = join(troupe.home("kubectl"), "copy");
      await ok("cp", "into:/etc/hostname", file);
      expect(readFileSync(file, "utf8")).toBe("into\n");
      const forwarding = kubectl.follow(["port-forward", "pod/into", ":8080"]);
      const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
      const [nsenter = "", ...words] = network.words;
      const { stdout } = await promisify(execFile)(
        nsenter,
        [...words, "busybox", "wget", "-q", "-O-", `http://127.0.0.1:${port}/hostname`],
        { env: { PATH: path } },
      );
      expect(stdout).toBe("into\n");
      await forwarding.stop();
      await ok("delete", "pod", "into", "--wait=false");
    });
  });

  test("they go on when Troupe is killed, and are found again", async () => {
    await apply("stays", {
      terminationGracePeriodSeconds: 1,
      containers: [sh("echo begun; exec sleep 1000", { resources: { limits: { memory: "32Mi" } } })],
    });
    await ready("stays");
    const [id, address] = [await field("stays", ".status.containerStatuses[0].containerID"), await field("stays", ".status.podIP")];
    await troupe.kill9();
    // From here on by the kernel, where that may be.
    await up(...(nft === undefined ? [] : ["--service-proxy", "nftables"]));
    await ready("stays");
    expect(await field("stays", ".status.containerStatuses[0].containerID")).toBe(id);
    expect([await printed("stays"), await field("stays", ".status.podIP")]).toEqual(["begun", address]);
    expect(await ok("exec", "stays", "--", "hostname")).toBe("stays");
  });

  test.skipIf(nft === undefined)("the kernel leads from pod to pod", async () => {
    await apply("served", { terminationGracePeriodSeconds: 1, containers: [sh("cd /etc; exec httpd -f -p 80")] });
    await ready("served");
    await ok("expose", "pod", "served", "--port=80");
    const [nsenter = "", ...words] = network.words;
    const rules = async (): Promise<string> => (await promisify(execFile)(nsenter, [...words, nft ?? "", "list", "ruleset"])).stdout;
    const address = await field("served", ".status.podIP");
    await kubectl.until("the rules", async () => (await rules()).includes(`${address} . 80`));
    expect(await ok("exec", "stays", "--", "wget", "-q", "-O-", "http://served/hostname")).toBe("served");
    await ok("delete", "pod/served", "service/served", "--wait=false");
  });

  test("a pod that loses its sandbox gets another one, and its containers begin anew", async () => {
    const uid = await field("stays", ".metadata.uid");
    process.kill(Number(readFileSync(join(data, "pods", uid, "containers/.sandbox-0/pid"), "utf8")), "SIGKILL");
    await kubectl.until("another run", async () => (await field("stays", ".status.containerStatuses[0].restartCount")) === "1");
    await ready("stays");
    expect(await ok("exec", "stays", "--", "hostname")).toBe("stays");
    expect(await ok("events", "--for=pod/stays")).toContain("Pod sandbox changed, it will be killed and re-created.");
  });

  test("reset leaves nothing of them on the machine", async () => {
    expect((await runTroupe(["reset", "--data", data, "--force"])).code).toBe(0);
    await troupe.nothingLeft();
    expect(groupsOf(data)).toEqual([]);
  });
});
