import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContainerSpec, SandboxSpec } from "../../../../actors/node/container-runtime.ts";
import { groupsByFiles } from "../../../../actors/node/cri/cri-groups.ts";
import { type CriOptions, CriRuntime } from "../../../../actors/node/cri/cri-runtime.ts";
import { rotated } from "../../../../actors/node/cri/log-rotation.ts";
import { findCri } from "../../../../actors/node/cri/machine.ts";
import { CGROUP_DRIVER, CONTAINER_STATE, NAMESPACE, PROPAGATION } from "../../../../actors/node/cri/messages.ts";
import { keepEndpoint, releaseCri } from "../../../../actors/node/cri/release.ts";
import { until } from "../../../../cluster/chaos/until.ts";
import { type Clock, systemClock, virtualClock } from "../../../../runtime/mod.ts";
import { Refused } from "../grpc/socket.ts";
import { PLAIN, PLAIN_POD } from "../process/container-spec.ts";
import { FakeCri } from "./fake-cri.ts";

const UID = "11111111-2222-3333-4444-555555555555";
const POD: SandboxSpec = { ...PLAIN_POD, uid: UID, address: "10.244.0.9", labels: { app: "p" }, hostname: "own" };
const CONTAINER: ContainerSpec = {
  ...PLAIN,
  image: "i",
  imageId: "sha256:i",
  command: ["run"],
  terminationMessage: { path: "/dev/termination-log", fallsBackToLog: true },
};

let directory: string;
let cri: FakeCri;
let runtime: CriRuntime;
const begun: CriRuntime[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "troupe-cri-"));
  cri = new FakeCri();
  cri.images.set("sha256:i", { id: "sha256:i", uid: { value: 0 } });
  await cri.listen();
  runtime = await begin();
});
afterEach(async () => {
  for (const each of begun.splice(0)) await each.close();
  await cri.close();
  rmSync(directory, { recursive: true, force: true });
});

async function begin(options: Partial<CriOptions> = {}): Promise<CriRuntime> {
  const { socket } = cri;
  const usual: CriOptions = {
    directory,
    clock: systemClock(),
    socket,
    imageSocket: socket,
    seccompDirectory: "/profiles",
    groups: groupsByFiles(undefined),
    machine: { hugePageSizes: ["2MB"], killsTogether: true },
    scheme: "fake",
  };
  const made = await CriRuntime.begin({ ...usual, ...options });
  begun.push(made);
  return made;
}

async function started(spec: ContainerSpec = CONTAINER, pod: SandboxSpec = POD): Promise<string> {
  const sandbox = await runtime.runSandbox(pod);
  const id = await runtime.createContainer(sandbox.id, spec);
  await runtime.startContainer(id);
  return id;
}

describe("a pod", () => {
  test("is told whole, lives, says how it ended, and leaves nothing", async () => {
    const id = await started();
    const [sandbox] = cri.sandboxes.values();
    expect(sandbox?.config).toMatchObject({
      metadata: { name: "p", namespace: "d", uid: UID, attempt: 0 },
      hostname: "own",
      logDirectory: join(directory, UID, "logs"),
      labels: { app: "p", "io.kubernetes.pod.uid": UID, "io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "d" },
    });
    const run = (await runtime.observe(UID)).containers[0];
    expect(run).toMatchObject({
      id,
      name: "c",
      image: "i",
      imageId: "ref of sha256:i",
      state: "running",
      logPath: join(directory, UID, "logs/c/0.log"),
    });
    expect((await runtime.observe(UID)).sandboxes).toMatchObject([{ attempt: 0, ready: true, address: "10.0.0.7" }]);
    cri.exit(id, 3, "Error", "last words");
    const ended = (await runtime.observe(UID)).containers[0];
    expect(ended).toMatchObject({ state: "exited", exitCode: 3, reason: "Error", message: "last words\n" });
    await runtime.removePod(UID);
    expect([cri.sandboxes.size, cri.containers.size, existsSync(join(directory, UID))]).toEqual([0, 0, false]);
  });

  test("says its last words in a file before those in its log", async () => {
    const id = await started();
    const mount = cri.containers.get(id)?.config.mounts.find(({ containerPath }) => containerPath === "/dev/termination-log");
    writeFileSync(mount?.hostPath ?? "", "why");
    cri.exit(id, 1, "Error", "printed");
    expect((await runtime.observe(UID)).containers[0]?.message).toBe("why");
  });

  test("has the address of its node in the machine's network, and namespaces as it wants them", async () => {
    cri.answers.PodSandboxStatus = ({ podSandboxId }) => ({ status: { id: podSandboxId, network: { ip: "" } } });
    const pod = { ...POD, hostname: "", hostNetwork: true, hostPID: true, hostIPC: true };
    expect((await runtime.runSandbox(pod)).address).toBe("10.244.0.9");
    const { linux, hostname } = [...cri.sandboxes.values()][0]?.config ?? {};
    expect([hostname, linux?.securityContext?.namespaceOptions]).toEqual([
      "",
      { network: NAMESPACE.node, pid: NAMESPACE.node, ipc: NAMESPACE.node, targetId: "" },
    ]);
  });

  test("a container of it is who it is to be, and held to what it may take", async () => {
    const first = await started();
    const { sandboxes } = await runtime.observe(UID);
    const spec: ContainerSpec = {
      ...CONTAINER,
      name: "d",
      target: "c",
      cdiDevices: ["vendor.test/gpu=1"],
      mounts: [
        { hostPath: "/data/v", subPath: "", containerPath: "/v", readOnly: true, propagation: "HostToContainer", volume: "v" },
        { hostPath: "/data/device", subPath: "", containerPath: "/dev/x", readOnly: true, volume: "w", isDevice: true },
      ],
      user: { uid: 5, gid: 6, groups: [7], mustNotBeRoot: true, mayGainPrivileges: false },
      security: {
        isPrivileged: false,
        readOnlyRoot: true,
        capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
        seccomp: { type: "Localhost", path: "a.json" },
        showsAllOfProc: true,
      },
      qosClass: "Burstable",
      size: { ...CONTAINER.size, requests: { cpu: 500 }, limits: { cpu: 1_500, memory: 4_096 } },
    };
    const id = await runtime.createContainer(sandboxes[0]?.id ?? "", spec);
    const { mounts, devices, linux, cdiDevices } = cri.containers.get(id)?.config ?? {};
    expect(mounts?.find(({ containerPath }) => containerPath === "/v")).toMatchObject({
      hostPath: "/data/v",
      readonly: true,
      propagation: PROPAGATION.HostToContainer,
    });
    expect([mounts?.length, devices]).toEqual([3, [{ hostPath: "/data/device", containerPath: "/dev/x", permissions: "mr" }]]);
    expect(cdiDevices).toEqual([{ name: "vendor.test/gpu=1" }]);
    expect(linux).toMatchObject({
      resources: {
        cpuShares: 512,
        cpuPeriod: 100_000,
        cpuQuota: 150_000,
        memoryLimitInBytes: 4_096,
        unified: { "memory.oom.group": "1" },
        hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
      },
      securityContext: {
        runAsUser: { value: 5 },
        runAsGroup: { value: 6 },
        supplementalGroups: [7],
        noNewPrivs: true,
        readonlyRootfs: true,
        maskedPaths: [],
        capabilities: { addCapabilities: ["NET_ADMIN"], dropCapabilities: ["ALL"] },
        namespaceOptions: { pid: NAMESPACE.target, targetId: first },
        seccomp: { localhostRef: "/profiles/a.json" },
      },
    });
  });

  test("an image's user that may be root is not let in where nobody may be", async () => {
    const sandbox = await runtime.runSandbox(POD);
    const spec = { ...CONTAINER, user: { ...CONTAINER.user, mustNotBeRoot: true } };
    await expect(runtime.createContainer(sandbox.id, spec)).rejects.toMatchObject({
      reason: "CreateContainerConfigError",
      message: expect.stringContaining("image will run as root"),
    });
    cri.images.set("sha256:i", { id: "sha256:i", username: "web" });
    await expect(runtime.createContainer(sandbox.id, spec)).rejects.toMatchObject({
      message: expect.stringContaining("image has non-numeric user (web)"),
    });
    const id = await runtime.createContainer(sandbox.id, CONTAINER);
    expect(cri.containers.get(id)?.config.linux?.securityContext).toMatchObject({ runAsUser: null, runAsUsername: "web" });
  });

  test("gets another sandbox when it has lost the first, which is kept for the logs of what ran in it", async () => {
    const id = await started();
    const [first] = cri.sandboxes.keys();
    cri.exit(id, 0, "Completed");
    await runtime.runSandbox({ ...POD, attempt: 1 });
    expect((await runtime.observe(UID)).sandboxes.map(({ attempt, ready }) => [attempt, ready])).toEqual([
      [1, true],
      [0, false],
    ]);
    await runtime.removeContainer(id);
    await runtime.runSandbox({ ...POD, attempt: 2 });
    expect(cri.did).toContain(`remove ${first}`);
    expect(cri.sandboxes.size).toBe(1);
  });

  test("what the runtime has lost sight of is ended before another takes its place", async () => {
    const id = await started();
    Object.assign(cri.containers.get(id) ?? {}, { state: CONTAINER_STATE.unknown });
    expect((await runtime.observe(UID)).containers[0]).toMatchObject({ state: "exited", exitCode: 137 });
    expect(cri.did).toContain(`stop ${id} 0s`);
  });
});

describe("other lives", () => {
  test("a Troupe after this one finds its pods, and nobody else's", async () => {
    const id = await started();
    await runtime.close();
    runtime = await begin();
    expect(await runtime.pods()).toEqual([UID]);
    expect((await runtime.observe(UID)).containers[0]?.id).toBe(id);
    const other = await begin({ directory: mkdtempSync(join(tmpdir(), "troupe-cri-")) });
    expect(await other.pods()).toEqual([]);
    await keepEndpoint(directory, cri.socket);
    await releaseCri(directory);
    expect([cri.sandboxes.size, cri.containers.size, existsSync(directory)]).toEqual([0, 0, false]);
  });

  test("a runtime that is away is said to be, and found again; what happened meanwhile is told", async () => {
    const id = await started();
    let told = 0;
    const watching = runtime.watch(UID, () => told++);
    await until("the first look", () => told > 0);
    await cri.goAway();
    await expect(runtime.observe(UID)).rejects.toMatchObject({ reason: "RuntimeUnavailable" });
    await expect(runtime.startContainer(id)).rejects.toMatchObject({ reason: "RuntimeUnavailable" });
    cri.exit(id, 1, "Error");
    const before = told;
    await cri.listen();
    await until("that it was told", () => told > before);
    expect((await runtime.observe(UID)).containers[0]?.state).toBe("exited");
    watching.cancel();
  });

  test("that a container was killed for want of memory may be known after its end only, and is told then", async () => {
    const id = await started();
    let reason: string | undefined;
    const look = async (): Promise<void> => {
      reason = (await runtime.observe(UID)).containers[0]?.reason;
    };
    const watching = runtime.watch(UID, () => void look());
    cri.exit(id, 137, "Error");
    await until("its end", () => reason === "Error");
    Object.assign(cri.containers.get(id) ?? {}, { reason: "OOMKilled" });
    await until("why", () => reason === "OOMKilled");
    watching.cancel();
  });

  test("where the runtime tells of events itself, they are heeded at once", async () => {
    let happen = (): void => {};
    const happened = new Promise<void>((resolve) => {
      happen = resolve;
    });
    cri.answers.GetContainerEvents = async function* (_, signal) {
      yield {};
      await happened;
      yield {};
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    // Of the clock nothing comes: it stands still but for what gathers events.
    const clock = virtualClock();
    runtime = await begin({ clock });
    const id = await started();
    let told = 0;
    const watching = runtime.watch(UID, () => told++);
    const looked = (): Promise<boolean> => clock.run(10).then(() => told > 0);
    await until("the first look", looked);
    told = 0;
    cri.exit(id, 0, "Completed");
    happen();
    await until("that it was told", looked);
    watching.cancel();
  });
});

describe("calls", () => {
  test("commands say how they ended, that they took too long, and that they could not be run", async () => {
    cri.answers.ExecSync = ({ cmd: [word = ""], timeout }) => {
      if (word === "late") throw new Refused("DEADLINE_EXCEEDED", `timeout ${timeout}s exceeded`);
      if (word === "wrong") throw new Refused("UNKNOWN", "no such file");
      return { stdout: Buffer.from("out"), stderr: Buffer.from("err"), exitCode: 4 };
    };
    const id = await started();
    const limits = { timeout_ms: 1_500, output_bytes: 5 };
    expect(await runtime.exec(id, ["x"], limits)).toEqual({ exitCode: 4, output: "outer", timedOut: false });
    expect((await runtime.exec(id, ["late"], limits)).timedOut).toBe(true);
    await expect(runtime.exec(id, ["wrong"], limits)).rejects.toMatchObject({ reason: "ExecError", message: "no such file" });
  });

  test("images are found, brought with one credential after the other, and refused in kubelet's words", async () => {
    cri.images.set("here:latest", { id: "sha256:here" });
    expect(await runtime.ensureImage({ image: "here", policy: "IfNotPresent", hasCommand: true })).toEqual({
      id: "sha256:here",
      present: true,
    });
    const credentials = ["one", "two"].map((username) => ({
      username,
      password: "",
      serverAddress: "",
      identityToken: "",
      registryToken: "",
    }));
    const wanted = { image: "there:1", policy: "IfNotPresent", hasCommand: true, credentials };
    await expect(runtime.ensureImage(wanted)).rejects.toMatchObject({
      reason: "ErrImagePull",
      message: expect.stringMatching(/^\[rpc error: code = NotFound.*, rpc error/),
    });
    expect(cri.did).toEqual(["pull there:1 as one", "pull there:1 as two"]);
    await runtime.clearImages();
    expect(cri.did).toHaveLength(2);
    await expect(runtime.ensureImage({ ...wanted, policy: "Never" })).rejects.toMatchObject({ reason: "ErrImageNeverPull" });
    for (const image of ["Upper", "a b", "x:", ":tag", "a//b", `${"a".repeat(300)}:1`])
      await expect(runtime.ensureImage({ ...wanted, image })).rejects.toMatchObject({ reason: "InvalidImageName" });
    for (const image of ["localhost:5000/a/b:1.2", "gcr.io/x@sha256:".concat("0".repeat(64)), "a__b.c-d"])
      await expect(runtime.ensureImage({ ...wanted, image, policy: "Never" })).rejects.toMatchObject({ reason: "ErrImageNeverPull" });
  });

  test("what runs is held to other limits, but not to less than it uses, and that is remembered", async () => {
    const id = await started();
    const size = { ...CONTAINER.size, resources: { limits: { cpu: "2", memory: "2k" } }, limits: { cpu: 2_000, memory: 2_000 } };
    await runtime.resizeContainer(id, size);
    expect(cri.did).toContain(`update ${id} 200000 2000`);
    expect((await (await begin()).observe(UID)).containers[0]?.resources).toEqual(size.resources);
    await expect(runtime.resizeContainer(id, { ...size, limits: { memory: 999 } })).rejects.toMatchObject({ reason: "ResizeError" });
  });

  test("use is what the runtime says, or the rate of what it has counted", async () => {
    let seconds = 0;
    cri.answers.ListContainerStats = () => {
      seconds += 10;
      const cpu = { timestamp: seconds * 1e9, usageCoreNanoSeconds: { value: seconds * 5e8 } };
      return {
        stats: [
          { attributes: { id: "x", metadata: { name: "c" } }, cpu, memory: { workingSetBytes: { value: 7 } } },
          { attributes: { id: "ended" } },
        ],
      };
    };
    const clock: Clock & { run(ms: number): Promise<void> } = virtualClock();
    runtime = await begin({ clock });
    const watching = runtime.watch(UID, () => {});
    const used = (): Promise<number | undefined> => clock.run(10_000).then(() => runtime.usage().get("x")?.cpu_nanocores || undefined);
    expect(await until("two measurements", used)).toBe(5e8);
    expect([...runtime.usage()]).toEqual([["x", { name: "c", cpu_nanocores: 5e8, memory_bytes: 7 }]]);
    watching.cancel();
  });
});

describe("health", () => {
  test("is what the runtime says of itself, and that it is down when it says nothing for long", async () => {
    let networkReady = true;
    cri.answers.Status = () => ({
      status: {
        conditions: [
          { type: "RuntimeReady", status: true },
          { type: "NetworkReady", status: networkReady, reason: "NetworkPluginNotReady", message: "no plugin" },
        ],
      },
    });
    cri.images.set("a", { id: "a", repoTags: ["a:1"], size: 5 });
    const clock = virtualClock();
    runtime = await begin({ clock });
    const health = await runtime.health();
    expect([health.version, health.trouble, health.images]).toEqual(["fake://1.0", undefined, [{ names: ["a:1"], sizeBytes: 5 }]]);
    networkReady = false;
    const trouble = (): Promise<string | undefined> => clock.run(5_000).then(() => health.trouble);
    expect(await until("the trouble", trouble)).toBe(
      "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no plugin",
    );
    await cri.goAway();
    await until("that it is down", async () => (await trouble()) === "container runtime is down");
  });

  test("who it is, and who makes its control groups, is found out once", async () => {
    const wanted = {
      directory,
      pods: "10.0.0.0/18",
      podPidsMax: undefined,
      forPods: { cpu_milli: 1, memory_bytes: 1, pids: 1 },
      clock: systemClock(),
    };
    cri.answers.RuntimeConfig = () => ({ linux: { cgroupDriver: CGROUP_DRIVER.systemd } });
    cri.answers.UpdateRuntimeConfig = ({ runtimeConfig }) => {
      cri.did.push(`range ${runtimeConfig?.networkConfig?.podCidr}`);
      return {};
    };
    const { scheme, groups } = await findCri(cri.socket, wanted);
    expect([scheme, cri.did]).toEqual(["fake", ["range 10.0.0.0/18"]]);
    expect(groups.parentOf({ uid: "a-b", qosClass: "BestEffort" })).toMatch(/^troupe-[0-9a-f]{8}-kubepods-besteffort-poda_b\.slice$/);
  });
});

test("a log that is full is put aside when its writer begins another one, and stays when it does not", async () => {
  const log = join(directory, "0.log");
  const limits = { fileBytes: 3, files: 2 };
  const reopen = async (): Promise<void> => writeFileSync(log, "");
  for (const [index, text] of ["ab", "abc", "abcd"].entries()) {
    writeFileSync(log, text);
    await rotated(log, reopen, `2026-01-01T00:00:0${index}Z`, limits);
  }
  expect(
    readdirSync(directory)
      .filter((name) => name.startsWith("0.log"))
      .sort(),
  ).toEqual(["0.log", "0.log.20260101T000002Z"]);
  writeFileSync(log, "abcde");
  const refused = rotated(log, () => Promise.reject(new Error("not running")), "2026-01-01T00:00:09Z", limits);
  await expect(refused).rejects.toThrow("not running");
  expect(statSync(log).size).toBe(5);
});
