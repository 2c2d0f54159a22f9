import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layout, type Member } from "../actors/node/images/oci-layout.ts";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { fetchedContainerd } from "../clients/fetched-containerd.ts";
import { fetchedPrograms } from "../clients/fetched-programs.ts";
import { fetchedSandbox } from "../clients/fetched-sandbox.ts";
import { Containerd, PAUSE_IMAGE } from "./containerd.ts";
import { groupsOf } from "./control-groups.ts";
import { Kubectl } from "./kubectl.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { OwnNetwork } from "./own-network.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const programs = await fetchedPrograms();
const sandbox = await fetchedSandbox();
const fetched = await fetchedContainerd();
const why = [programs, sandbox, fetched].find((one) => typeof one === "string");

/** Of each hierarchy that holds it to one, microseconds in each period. */
function quotaOf(group: string): readonly (string | undefined)[] {
  return ["cpu/GROUP/cpu.cfs_quota_us", "GROUP/cpu.max"]
    .map((at) => join("/sys/fs/cgroup", at.replace("GROUP", group)))
    .filter((at) => existsSync(at))
    .map((at) => readFileSync(at, "utf8").trim().split(" ")[0]);
}

function busyboxOf(path: string): string {
  return execFileSync("sh", ["-c", "command -v busybox"], { env: { PATH: path }, encoding: "utf8" }).trim();
}

describe.skipIf(why !== undefined)(`containerd${why === undefined ? "" : ` (not here: ${why})`}`, () => {
  let network: OwnNetwork;
  let containerd: Containerd;
  let troupe: Troupe;
  let kubectl: Kubectl;
  let path: string;
  const data = freshDataDirectory();
  const ok = (...args: readonly string[]): Promise<string> => kubectl.ok(args);
  const apply = (name: string, spec: object): Promise<string> =>
    kubectl.ok(["apply", "-f", "-"], {
      stdin: JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec }),
    });
  const sh = (script: string, rest: object = {}): object => ({
    name: "c",
    image: "busybox",
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", script],
    ...rest,
  });
  const ready = (name: string): Promise<string> => ok("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
  const field = (name: string, path: string): Promise<string> => ok("get", "pod", name, "-o", `jsonpath={${path}}`);
  const printed = async (name: string, ...rest: readonly string[]): Promise<string> =>
    (await kubectl.run(["logs", name, ...rest])).stdout.trim();

  const up = async (): Promise<void> => {
    const flags = ["--runtime", "cri", "--container-runtime-endpoint", `unix://${containerd.socket}`, "--dns-upstream", "127.0.0.1:9"];
    troupe = await Troupe.up(data, flags, { within: network.words });
    kubectl = new Kubectl(
      troupe.kubeconfig,
      troupe.home("kubectl"),
      network.wrap(join(troupe.home("kubectl"), "kubectl"), kubectlBinary()),
    );
  };

  /** Busybox of the machine's, with all of its programs. */
  const loadImages = async (): Promise<void> => {
    const busybox = busyboxOf(path);
    const names = execFileSync(busybox, ["--list"], { encoding: "utf8" })
      .trim()
      .split("\n")
      .filter((name) => name !== "busybox");
    const links = names.map((name): Member => ({ name: `bin/${name}`, type: "symlink", linkname: "busybox" }));
    const files: Member[] = [
      { name: "tmp", type: "directory", mode: 0o1777 },
      { name: "bin/busybox", mode: 0o755, text: readFileSync(busybox) },
      ...links,
    ];
    const images = join(data, "../images");
    const config = { Env: ["PATH=/bin"], Cmd: ["sh"] };
    await layout("docker.io/library/busybox:latest", join(images, "busybox"), [files], { config });
    await layout(PAUSE_IMAGE, join(images, "pause"), [files], { config: { ...config, Entrypoint: ["/bin/sleep", "infinity"] } });
    for (const name of ["busybox", "pause"]) await containerd.load(join(images, name));
  };

  beforeAll(async () => {
    if (typeof programs === "string" || typeof sandbox === "string" || typeof fetched === "string") return;
    network = await OwnNetwork.make();
    containerd = await Containerd.start({ ...fetched, plugins: sandbox.plugins, within: network.words });
    path = [programs.path, process.env.PATH].join(delimiter);
    await loadImages();
    await up();
  }, FETCH_MS);
  afterAll(async () => {
    await runTroupe(["reset", "--data", data, "--force"]);
    await troupe?.discard();
    await containerd?.end();
    network?.end();
    if (typeof programs !== "string") rmSync(programs.directory, { recursive: true, force: true });
  });

  // They wait more than they work: all at once.
  describe.concurrent("at once", () => {
    test("init containers, a sidecar and the main one run in their order, are probed, restarted, and say what they have printed", async () => {
      await ok("create", "configmap", "words", "--from-literal=word=hello");
      const words = { name: "words", mountPath: "/word", subPath: "word" };
      const shared = { name: "shared", mountPath: "/shared" };
      await apply("life", {
        volumes: [
          { name: "words", configMap: { name: "words" } },
          { name: "shared", emptyDir: {} },
        ],
        initContainers: [
          sh("cat /word; echo; echo first >/shared/order", { name: "init", volumeMounts: [words, shared] }),
          sh("echo sidecar >>/shared/order; echo beside; sleep 1000", { name: "beside", restartPolicy: "Always", volumeMounts: [shared] }),
        ],
        containers: [
          sh(
            "echo run $(wc -l </shared/order); echo main >>/shared/order; [ $(wc -l </shared/order) -gt 3 ] || { echo why >/dev/termination-log; exit 7; }; sleep 1000",
            {
              volumeMounts: [shared],
              readinessProbe: { exec: { command: ["grep", "-q", "main", "/shared/order"] }, periodSeconds: 1 },
            },
          ),
        ],
      });
      await ready("life");
      expect(await ok("exec", "life", "-c", "beside", "--", "cat", "/shared/order")).toBe("first\nsidecar\nmain\nmain");
      expect(await printed("life", "-c", "init")).toBe("hello");
      expect(await printed("life", "-c", "beside")).toBe("beside");
      expect([await printed("life", "-c", "c"), await printed("life", "-c", "c", "--previous")]).toEqual(["run 3", "run 2"]);
      const terminated = JSON.parse(await field("life", ".status.containerStatuses[0].lastState.terminated"));
      expect(terminated).toMatchObject({ exitCode: 7, reason: "Error", message: "why\n" });
      expect(await field("life", ".status.containerStatuses[0].containerID")).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
      await ok("delete", "pod", "life", "--wait=false");
    });

    test("a container that takes too much memory is killed alone, and one that runs is held to other limits", async () => {
      const hog = sh("tail /dev/zero", { name: "hog", resources: { limits: { memory: "24Mi" } } });
      const calm = sh("sleep 1000", { name: "calm", resources: { limits: { cpu: "200m", memory: "32Mi" } } });
      await apply("limits", { restartPolicy: "OnFailure", containers: [hog, calm] });
      const status = (name: string, path: string): Promise<string> =>
        field("limits", `.status.containerStatuses[?(@.name=='${name}')]${path}`);
      // When containerd hears of the end before it hears why, it never says why (containerd issue 8180); of the next run it does.
      const killed = await kubectl.until("the end of the hog", async () => {
        const ends = await Promise.all([".state.terminated", ".lastState.terminated"].map((path) => status("hog", path)));
        return ends
          .filter((end) => end !== "")
          .map((end) => JSON.parse(end) as { readonly reason: string; readonly exitCode: number })
          .find(({ reason }) => reason === "OOMKilled");
      });
      expect([killed.exitCode, await status("calm", ".ready")]).toEqual([137, "true"]);
      const larger = { spec: { containers: [{ name: "calm", resources: { requests: { cpu: "300m" }, limits: { cpu: "300m" } } }] } };
      await ok("patch", "pod", "limits", "--subresource=resize", "-p", JSON.stringify(larger));
      await kubectl.until("the resize", async () => (await status("calm", ".resources.limits.cpu")) === "300m");
      expect(await status("calm", ".restartCount")).toBe("0");
      const id = (await status("calm", ".containerID")).replace("containerd://", "");
      const info = JSON.parse(await containerd.ctr("--namespace", "k8s.io", "containers", "info", id)) as {
        readonly Spec: { readonly linux: { readonly cgroupsPath: string } };
      };
      expect(quotaOf(info.Spec.linux.cgroupsPath)).toEqual(["30000"]);
      await ok("delete", "pod", "limits", "--wait=false");
    });

    test("why there is no image, or no container, is said in a kubelet's words", async () => {
      await apply("absent", { containers: [sh("true", { image: "localhost:9/absent:1" })] });
      await apply("nameless", { containers: [sh("true", { image: "Not/A:Name" })] });
      await apply("never", { containers: [sh("true", { image: "example.com/never:1", imagePullPolicy: "Never" })] });
      await apply("root", { containers: [sh("true", { securityContext: { runAsNonRoot: true } })] });
      await apply("unfound", { restartPolicy: "Never", containers: [sh("", { command: ["/bin/nothing"] })] });
      const waiting = async (name: string): Promise<readonly [string, string]> => {
        const { reason = "", message = "" } = JSON.parse((await field(name, ".status.containerStatuses[0].state.waiting")) || "{}");
        return [reason, message];
      };
      const waits = (name: string, reason: string): Promise<readonly [string, string]> =>
        kubectl.until(`${reason} of ${name}`, async () => {
          const waited = await waiting(name);
          return waited[0] === reason ? waited : undefined;
        });
      expect((await waits("nameless", "InvalidImageName"))[1]).toContain("couldn't parse image name");
      expect((await waits("never", "ErrImageNeverPull"))[1]).toContain("is not present with pull policy of Never");
      expect((await waits("root", "CreateContainerConfigError"))[1]).toContain("container has runAsNonRoot and image will run as root");
      await kubectl.until("the end of what is not there", async () => (await field("unfound", ".status.phase")) === "Failed");
      expect(await field("unfound", ".status.containerStatuses[0].state.terminated.exitCode")).toBe("128");
      expect((await waits("absent", "ImagePullBackOff"))[1]).toMatch(
        /^Back-off pulling image "localhost:9\/absent:1": ErrImagePull: .*failed to pull and unpack image/,
      );
      expect(await ok("events", "--for=pod/absent")).toContain("Pulling image");
      await ok("delete", "pod", "absent", "nameless", "never", "root", "unfound", "--wait=false");
    });

    test("it is who it is to be, may what it may, and sees whom it may", async () => {
      const seen = [
        "id -u; id -g; id -G",
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\\t ' ' '",
        "touch /no 2>/dev/null || echo read-only",
        "hostname",
        "cat /proc/1/comm",
        "ls /proc/acpi | wc -l",
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
          sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "80" }],
        },
        containers: [
          sh(seen, { securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } }),
          sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start; sleep 1000", { name: "beside" }),
        ],
      });
      await apply("outside", {
        hostNetwork: true,
        hostPID: true,
        containers: [sh("ip address show cni0 >/dev/null && echo in; cat /proc/1/comm; sleep 1000")],
      });
      await kubectl.until(
        "what it has seen",
        async () => (await field("secure", ".status.containerStatuses[?(@.name=='c')].state.terminated.exitCode")) !== "",
      );
      expect((await printed("secure", "-c", "c")).split("\n")).toEqual([
        "4321",
        "1234",
        "1234 99 5678",
        "CapEff: 0000000000000000",
        "NoNewPrivs: 1",
        "read-only",
        "own-name",
        "sleep",
        "0",
      ]);
      expect(await printed("secure", "-c", "beside")).toBe("80");
      await ready("outside");
      expect(await field("outside", ".status.podIP")).toBe(await field("outside", ".status.hostIP"));
      expect(await printed("outside")).toBe(`in\n${readFileSync("/proc/1/comm", "utf8").trim()}`);
      await ok("delete", "pod", "secure", "outside", "--wait=false");
    });

    test("services by name, commands in a terminal, copies, and ports that listen on the pod's loopback address alone", async () => {
      await apply("into", {
        containers: [sh("httpd -p 127.0.0.1:8080 -h /etc; exec httpd -f -p 80 -h /etc", { ports: [{ containerPort: 80 }] })],
      });
      await ready("into");
      await ok("expose", "pod", "into", "--port=80");
      await kubectl.until(
        "an answer by name",
        async () =>
          (await kubectl.run(["exec", "into", "--", "wget", "-q", "-O-", "http://into.default.svc.cluster.local/hostname"])).stdout ===
          "into\n",
      );
      expect((await kubectl.run(["exec", "into", "--", "sh", "-c", "exit 5"])).stderr).toContain("exit code 5");
      expect((await kubectl.run(["exec", "-i", "into", "--", "wc", "-c"], { stdin: "x".repeat(2_000_000) })).stdout.trim()).toBe("2000000");
      // kubectl says the size when it has begun, and on a busy machine the command may be there before.
      const terminal = await kubectl.inTerminal(
        `exec -it into -- sh -c 'tty; until stty size 2>/dev/null | grep "40 111"; do sleep 0.1; done; exit 4'`,
      );
      expect([terminal.code, terminal.stdout]).toEqual([4, expect.stringMatching(/\/dev\/pts\/\d+\n40 111\n/)]);
      const typed = await kubectl.inTerminal(
        "run typed -it --rm --restart=Never --image=busybox --image-pull-policy=IfNotPresent -- sh -c 'read line; echo got $line; exit 3'",
        { stdin: "word\n" },
      );
      expect([typed.code, typed.stdout]).toEqual([3, expect.stringContaining("got word")]);
      const file = join(troupe.home("kubectl"), "copy");
      await ok("cp", "into:/etc/hostname", file);
      expect(readFileSync(file, "utf8")).toBe("into\n");
      const forwarding = kubectl.follow(["port-forward", "pod/into", ":8080"]);
      const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
      const [nsenter = "", ...words] = network.words;
      const { stdout } = await promisify(execFile)(nsenter, [
        ...words,
        busyboxOf(path),
        "wget",
        "-q",
        "-O-",
        `http://127.0.0.1:${port}/hostname`,
      ]);
      expect(stdout).toBe("into\n");
      await forwarding.stop();
      await ok("delete", "pod", "into", "--wait=false");
    });
  });

  test("pods go on when containerd is killed, and when Troupe is", async () => {
    await apply("stays", { terminationGracePeriodSeconds: 1, containers: [sh("echo begun; exec sleep 1000")] });
    await ready("stays");
    const [id, address] = [await field("stays", ".status.containerStatuses[0].containerID"), await field("stays", ".status.podIP")];
    await containerd.kill9();
    expect((await kubectl.run(["exec", "stays", "--", "true"])).stderr).toContain("the container runtime cannot be reached");
    await containerd.start();
    await kubectl.until(
      "that it is reached again",
      async () => (await kubectl.run(["exec", "stays", "--", "hostname"])).stdout === "stays\n",
    );
    await troupe.kill9();
    await up();
    await ready("stays");
    expect([await field("stays", ".status.containerStatuses[0].containerID"), await field("stays", ".status.podIP")]).toEqual([
      id,
      address,
    ]);
    expect([await printed("stays"), await ok("exec", "stays", "--", "hostname")]).toEqual(["begun", "stays"]);
  });

  test("a pod that loses its sandbox gets another one, and its containers begin anew", async () => {
    const uid = await field("stays", ".metadata.uid");
    const sandboxes = await containerd.ctr(
      "--namespace",
      "k8s.io",
      "containers",
      "list",
      "--quiet",
      `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.uid"==${uid}`,
    );
    await containerd.ctr("--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", sandboxes.trim());
    await kubectl.until("another run", async () => (await field("stays", ".status.containerStatuses[0].restartCount")) === "1");
    await ready("stays");
    expect(await ok("exec", "stays", "--", "hostname")).toBe("stays");
  });

  test("reset leaves nothing of them", async () => {
    expect((await runTroupe(["reset", "--data", data, "--force"])).code).toBe(0);
    await troupe.nothingLeft();
    expect(await containerd.containers()).toEqual([]);
    expect(groupsOf(data)).toEqual([]);
  });
});
