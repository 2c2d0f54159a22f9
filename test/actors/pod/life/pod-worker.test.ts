import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { RuntimeFailure } from "../../../../actors/node/container-runtime.ts";
import { DeviceFailure } from "../../../../actors/node/devices/pod-devices.ts";
import { VolumeFailure } from "../../../../actors/node/pod-volumes.ts";
import { Lived } from "./lived.ts";

let lived: Lived;
beforeEach(async () => {
  lived = await Lived.begin();
});
afterEach(() => lived.stop());

const C = { name: "c", image: "i" };
const MINUTE_MS = 60_000;

/** Of the queue of microtasks. */
async function later(steps: number, act: () => void): Promise<void> {
  for (let step = 0; step < steps; step++) await undefined;
  act();
}

describe("restarts", () => {
  test("a container that fails is started again at once, then after 10 s, 20 s, 40 s, ... at most 5 min", async () => {
    lived.runtime.scripts.set("c", [{ run_ms: 1_000, exitCode: 3 }]);
    await lived.pod({ containers: [C] });
    const starts: number[] = [0];
    const begin_ms = lived.clock.now_ms();
    for (let second = 0; second < 1_800; second++) {
      const before = lived.runtime.did.length;
      await lived.clock.run(1_000);
      if (lived.runtime.did.length > before) starts.push((lived.clock.now_ms() - begin_ms) / 1_000);
    }
    const waits = starts.slice(1).map((at, index) => at - (starts[index] ?? 0) - 1);
    expect(waits.slice(0, 8).map(Math.round)).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(lived.now?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: starts.length - 1,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 3, reason: "Error", containerID: `scripted://c-${starts.length - 1}` } },
    });
    expect(lived.now?.status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^back-off 5m0s restarting failed container=c pod=p_d\(.*\)$/,
    );
  }, 30_000);

  test("a pod goes through its states in order", async () => {
    lived.runtime.scripts.set("c", [{ run_ms: 500, exitCode: 1 }, {}]);
    await lived.pod({ containers: [C] });
    expect(await lived.statesDuring(2_000)).toEqual(["Running | c: running*", "Running | c: Error:1", "Running | c: running* (1)"]);
    expect(lived.condition("Ready")).toBe("True");
    for (const reason of ["Pulled", "Created", "Started"]) expect(lived.events(reason), reason).toHaveLength(1);
  });

  test("what happens at whichever step of a look is seen", async () => {
    await lived.pod({ containers: [C] });
    const { runtime } = lived;
    const observe = runtime.observe.bind(runtime);
    const restarts = (): number => lived.now?.status?.containerStatuses?.[0]?.restartCount ?? 0;
    for (let steps = 0; steps < 40; steps++) {
      await lived.clock.run(6 * MINUTE_MS);
      const before = restarts();
      let isFirst = true;
      runtime.observe = async (uid) => {
        const observed = await observe(uid);
        if (isFirst) void later(steps, () => runtime.exit(`c-${before}`, 1));
        isFirst = false;
        return observed;
      };
      lived.tellWorker({ type: "look" });
      await lived.clock.run(6 * MINUTE_MS);
      expect.soft(restarts(), `${steps} steps after what runs was looked at`).toBe(before + 1);
    }
  });

  test.each([
    ["Never", 0, "Succeeded | c: Completed:0"],
    ["Never", 5, "Failed | c: Error:5"],
    ["OnFailure", 0, "Succeeded | c: Completed:0"],
  ])("policy %s, exit code %i: %s", async (restartPolicy, exitCode, state) => {
    lived.runtime.scripts.set("c", [{ run_ms: 100, exitCode }]);
    await lived.pod({ restartPolicy, containers: [C] });
    await lived.clock.run(5_000);
    expect(lived.state).toBe(state);
    expect(lived.condition("PodReadyToStartContainers")).toBe("False");
    expect(lived.runtime.did).toEqual(["sandbox", "start c-0", "stop sandbox"]);
  });

  test("a command that cannot be run is told, and backed off from", async () => {
    lived.runtime.scripts.set("c", [{ refused: "no such file" }]);
    await lived.pod({ containers: [C] });
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Running | c: CrashLoopBackOff (1)");
    expect(lived.now?.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: "ContainerCannotRun" });
    expect(lived.events("Failed")).toEqual(["Error: no such file x2"]);
  });

  test("an image that nobody has is ErrImagePull, then ImagePullBackOff, and is tried again until it is there", async () => {
    lived.runtime.missing.add("i");
    await lived.pod({ containers: [C] });
    expect(await lived.statesDuring(8_000)).toEqual(["Pending | c: ErrImagePull", "Pending | c: ImagePullBackOff"]);
    expect(lived.events("BackOff")).toEqual(['Back-off pulling image "i"']);
    lived.runtime.missing.clear();
    await lived.clock.run(MINUTE_MS);
    expect(lived.state).toBe("Running | c: running*");
  });

  test("what a container's environment wants and is not there is waited for", async () => {
    const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "cm", key: "a" } } }];
    await lived.pod({ containers: [{ ...C, env }] });
    expect(lived.state).toBe("Pending | c: CreateContainerConfigError");
    expect(lived.now?.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe('configmap "cm" not found');
  });
});

test("what is wrong with how a pod asks about names is told", async () => {
  await lived.pod({ containers: [C], dnsPolicy: "ClusterFirst" });
  await lived.clock.run(1_000);
  expect(lived.events("MissingClusterDNS").join()).toMatch(
    /^pod: "p_d\(.*\)"\. kubelet does not have ClusterDNS IP configured .*"Default" policy\.$/,
  );
});

test("a name that is longer than the kernel takes is told, and the pod waits", async () => {
  await lived.pod({ containers: [C], hostname: "h".repeat(40), subdomain: "s".repeat(20), setHostnameAsFQDN: true });
  await lived.clock.run(1_500);
  expect(lived.events("FailedCreatePodSandBox").join()).toMatch(
    /^Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, FQDN h{40}\.s{20}\.d\.svc\.cluster\.local is too long \(64 characters is the max, 81 characters requested\)/,
  );
  expect(lived.state).toBe("Pending | c: ContainerCreating");
});

test("a sandbox that cannot be had is asked for ever less often, at last every 15 s, and begins when it can", async () => {
  const { runtime, clock } = lived;
  const begin = runtime.runSandbox.bind(runtime);
  const asked: number[] = [];
  runtime.runSandbox = async () => {
    asked.push(Math.round(clock.now_ms() / 1_000));
    throw new RuntimeFailure("CreatePodSandboxError", "no address is left");
  };
  await lived.pod({ containers: [C] });
  await clock.run(70_000);
  const [first = 0] = asked;
  expect(asked.map((at) => at - first)).toEqual([0, 1, 3, 7, 15, 30, 45, 60]);
  expect(lived.events("FailedCreatePodSandBox").join()).toBe("Failed to create pod sandbox: no address is left x8");
  runtime.runSandbox = begin;
  await clock.run(15_000);
  expect(lived.state).toMatch(/^Running/);
});

describe("devices", () => {
  const claims = {
    resourceClaims: [{ name: "gpu", resourceClaimName: "a" }],
    containers: [
      { ...C, env: [{ name: "GPU", value: "none" }], resources: { claims: [{ name: "gpu" }] } },
      { name: "d", image: "i" },
    ],
  };

  test("are prepared before anything runs, and given to the containers that claim them", async () => {
    lived.devices = { ...lived.devices, prepare: () => Promise.reject(new DeviceFailure("there is no driver")) };
    await lived.pod(claims);
    await lived.clock.run(3_000);
    expect(lived.runtime.did).toEqual([]);
    expect(lived.events("FailedPrepareDynamicResources").join()).toMatch(/^there is no driver/);
    lived.devices = {
      ...lived.devices,
      prepare: async () => new Map([["gpu", [{ requests: [], cdiIds: ["v/c=d"] }]]]),
      edits: async (_pod, [id = ""]) => ({ env: [{ name: "GPU", value: id }], mounts: [] }),
    };
    await lived.clock.run(3_000);
    expect(lived.state).toBe("Running | c: running* | d: running*");
    const gpu = (id: string): readonly string[] =>
      (lived.runtime.specs.get(id)?.env ?? []).flatMap(({ name, value }) => (name === "GPU" ? [value] : []));
    expect([gpu("c-0"), gpu("d-0")]).toEqual([["v/c=d"], []]);
  });

  test("are let go of before the pod is over, whatever it takes", async () => {
    lived.runtime.scripts.set("c", [{ run_ms: 100, exitCode: 0 }]);
    let isHeld = true;
    const over: string[] = [];
    lived.devices = {
      ...lived.devices,
      unprepare: async (_pod, hasRun) => {
        over.push(`${lived.now?.status?.phase} ${hasRun}`);
        if (isHeld) throw new DeviceFailure("it is hot");
      },
    };
    await lived.pod({ ...claims, containers: claims.containers.slice(0, 1), restartPolicy: "Never" });
    await lived.clock.run(5_000);
    expect(lived.now?.status?.phase).toBe("Running");
    isHeld = false;
    await lived.clock.run(5_000);
    expect(lived.now?.status?.phase).toBe("Succeeded");
    expect([...new Set(over)]).toEqual(["Running true"]);
    const calls = over.length;
    await lived.delete();
    await lived.clock.run(5_000);
    expect([lived.now, over.length]).toEqual([undefined, calls]);
  });
});

describe("volumes", () => {
  const mounts = {
    volumes: [{ name: "v", emptyDir: {} }],
    containers: [{ ...C, volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a/b" }] }],
  };

  test("are waited for, and mounted where the container wants them", async () => {
    lived.mount = async () => Promise.reject(new VolumeFailure("it is on no machine"));
    await lived.pod(mounts);
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Pending | c: ContainerCreating");
    expect(lived.events("FailedMount").join()).toMatch(/^it is on no machine x\d$/);
    lived.mount = async () => new Map([["v", { path: "/data/v", readOnly: false }]]);
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Running | c: running*");
    expect(lived.runtime.specs.get("c-0")?.mounts).toEqual([
      {
        hostPath: "/data/v",
        subPath: "a/b",
        containerPath: "/v",
        readOnly: false,
        recursiveReadOnly: false,
        propagation: "None",
        volume: "v",
      },
    ]);
  });

  test("that are on their way are waited for in silence, for two minutes", async () => {
    lived.mount = async () => Promise.reject(VolumeFailure.expecting("pv"));
    await lived.pod(mounts);
    await lived.clock.run(120_000);
    expect(lived.events("FailedMount")).toEqual([]);
    await lived.clock.run(5_000);
    expect(lived.events("FailedMount").join()).toBe('Unable to attach or mount volumes: volume "pv" is not attached to the node yet');
  });

  test("that failed are asked for again when that is due, whatever happens meanwhile", async () => {
    let asked = 0;
    lived.mount = async () => {
      asked++;
      throw new VolumeFailure("the driver is busy").retriedAfter(30_000);
    };
    await lived.pod(mounts);
    await lived.clock.run(1_000);
    lived.tellWorker({ type: "look" });
    await lived.clock.run(20_000);
    expect(asked).toBe(1);
    await lived.clock.run(10_000);
    expect(asked).toBe(2);
  });

  test("are let go of when the pod has ended, though its object stays, and again until that works", async () => {
    let failures = 1;
    const unmounted: string[] = [];
    lived.unmount = async ({ metadata }) => {
      if (failures-- > 0) throw new Error("the driver is away");
      unmounted.push(metadata.name);
    };
    lived.runtime.scripts.set("c", [{ run_ms: 1_000, exitCode: 0 }]);
    await lived.pod({ ...mounts, restartPolicy: "Never", containers: [C] });
    await lived.clock.run(10_000);
    expect(lived.state).toContain("Succeeded");
    expect(unmounted.at(0)).toBe("p");
  });

  test("a path that leads out of its volume is refused", async () => {
    lived.mount = async () => new Map([["v", { path: "/data/v", readOnly: false }]]);
    const volumeMounts = [{ name: "v", mountPath: "/v", subPathExpr: "$(UP)" }];
    await lived.pod({ ...mounts, containers: [{ ...C, env: [{ name: "UP", value: "../.." }], volumeMounts }] });
    expect(lived.state).toBe("Pending | c: CreateContainerConfigError");
  });
});

describe("a worker that comes after another", () => {
  test("goes on with what runs, and with what was on its way out", async () => {
    lived.runtime.scripts.set("c", [{ stop_ms: 10_000 }]);
    await lived.pod({ containers: [C, { name: "d", image: "i" }] });
    await lived.clock.run(1_000);
    await lived.another();
    expect(lived.state).toBe("Running | c: running* | d: running*");
    await lived.delete();
    await lived.clock.run(1_000);
    await lived.another();
    await lived.clock.run(12_000);
    expect(lived.now).toBeUndefined();
    expect(lived.runtime.did.filter((each) => each.startsWith("start"))).toEqual(["start c-0", "start d-0"]);
    expect(lived.runtime.workers).toBe(3);
  });
});

describe("init containers and sidecars", () => {
  const side = { name: "side", image: "i", restartPolicy: "Always" };

  test("run one after the other, sidecars go on beside, main containers come last", async () => {
    lived.runtime.scripts.set("one", [{ run_ms: 1_000 }]);
    lived.runtime.scripts.set("two", [{ run_ms: 1_000 }]);
    await lived.pod({ initContainers: [{ name: "one", image: "i" }, side, { name: "two", image: "i" }], containers: [C] });
    expect(lived.condition("Initialized")).toBe("False: ContainersNotInitialized: containers with incomplete status: [one side two]");
    await lived.clock.run(5_000);
    expect(lived.runtime.did).toEqual(["sandbox", "start one-0", "start side-0", "start two-0", "start c-0"]);
    expect(lived.state).toBe("Running | one: Completed:0* | side: running* | two: Completed:0* | c: running*");
    expect(lived.condition("Initialized")).toBe("True");
  });

  test("an init container that fails is tried again, or fails the pod", async () => {
    lived.runtime.scripts.set("one", [{ run_ms: 100, exitCode: 1 }, { run_ms: 100 }]);
    await lived.pod({ initContainers: [{ name: "one", image: "i" }], containers: [C] });
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Running | one: Completed:0* (1) | c: running*");
  });

  test("with the policy Never the pod fails, and its main containers never run", async () => {
    lived.runtime.scripts.set("one", [{ run_ms: 100, exitCode: 1 }]);
    await lived.pod({ restartPolicy: "Never", initContainers: [{ name: "one", image: "i" }], containers: [C] });
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Failed | one: Error:1 | c: PodInitializing");
    expect(lived.runtime.did).not.toContain("start c-0");
  });

  test("what follows a sidecar waits for its startup probe, and a job's pod ends though its sidecar would go on", async () => {
    let started = false;
    lived.runtime.exits = () => (started ? 0 : 1);
    lived.runtime.scripts.set("c", [{ run_ms: 1_000 }]);
    const startupProbe = { exec: { command: ["ready"] }, periodSeconds: 1, failureThreshold: 100 };
    await lived.pod({ restartPolicy: "Never", initContainers: [{ ...side, startupProbe }], containers: [C] });
    await lived.clock.run(5_000);
    expect(lived.state).toBe("Pending | side: running | c: PodInitializing");
    started = true;
    await lived.clock.run(1_500);
    expect(lived.state).toBe("Running | side: running* | c: running*");
    await lived.clock.run(5_000);
    expect(lived.state).toBe("Succeeded | side: Error:143 | c: Completed:0");
  });
});

describe("probes", () => {
  test("readiness comes and goes with the probe, after as many results in a row as are wanted", async () => {
    let status = 500;
    lived.reach = { ...lived.reach, http: async () => ({ status, body: "", location: undefined }) };
    const readinessProbe = { httpGet: { port: 80, path: "/ready" }, periodSeconds: 2, successThreshold: 2, failureThreshold: 2 };
    await lived.pod({ containers: [{ ...C, readinessProbe }] });
    await lived.clock.run(5_000);
    expect(lived.state).toBe("Running | c: running");
    expect(lived.condition("Ready")).toBe("False: ContainersNotReady: containers with unready status: [c]");
    expect(lived.events("Unhealthy").join()).toMatch(/^Readiness probe failed: HTTP probe failed with statuscode: 500 x\d$/);
    status = 200;
    expect(await lived.statesDuring(5_000)).toEqual(["Running | c: running", "Running | c: running*"]);
    status = 503;
    expect(await lived.statesDuring(3_000)).toEqual(["Running | c: running*"]);
    await lived.clock.run(2_000);
    expect(lived.state).toBe("Running | c: running");
  });

  test("a container that fails its liveness probe is ended within the probe's grace period and started again", async () => {
    lived.runtime.scripts.set("c", [{ stop_ms: Number.POSITIVE_INFINITY }, {}]);
    lived.reach = { ...lived.reach, tcp: async () => Promise.reject(new Error("dial tcp 10.0.0.1:80: connect: connection refused")) };
    const livenessProbe = { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 3, terminationGracePeriodSeconds: 7 };
    await lived.pod({ containers: [{ ...C, livenessProbe }] });
    await lived.clock.run(3_500);
    expect(lived.runtime.did.at(-1)).toBe("stop c-0 7s");
    expect(lived.events("Killing")).toEqual(["Container c failed liveness probe, will be restarted"]);
    await lived.clock.run(6_500);
    expect(lived.runtime.did.at(-1)).toBe("start c-1");
    expect(lived.now?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
  });

  test("other probes wait for the startup probe, whose failure ends the container", async () => {
    const asked: string[] = [];
    lived.runtime.exits = (id, command) => {
      asked.push(`${id} ${command}`);
      return command === "up" && id === "c-0" ? 1 : 0;
    };
    const container = {
      ...C,
      startupProbe: { exec: { command: ["up"] }, periodSeconds: 1, failureThreshold: 2 },
      livenessProbe: { exec: { command: ["alive"] }, periodSeconds: 1 },
      readinessProbe: { exec: { command: ["ready"] }, periodSeconds: 1 },
    };
    await lived.pod({ containers: [container] });
    await lived.clock.run(1_500);
    expect(lived.events("Killing")).toEqual(["Container c failed startup probe, will be restarted"]);
    await lived.clock.run(4_000);
    expect(asked.slice(0, 3)).toEqual(["c-0 up", "c-0 up", "c-1 up"]);
    expect(asked.slice(3)).toEqual(expect.arrayContaining(["c-1 alive", "c-1 ready"]));
    expect(asked.filter((each) => each === "c-1 up")).toHaveLength(1);
    expect(lived.state).toBe("Running | c: running* (1)");
  });

  test("gRPC, and a delay at the beginning", async () => {
    const asked: number[] = [];
    const begin_ms = lived.clock.now_ms();
    lived.reach = {
      ...lived.reach,
      grpcHealth: async (_host, port, service) => {
        asked.push(lived.clock.now_ms() - begin_ms);
        expect([port, service]).toEqual([9_000, "s"]);
        return "NOT_SERVING";
      },
    };
    await lived.pod({ containers: [{ ...C, readinessProbe: { grpc: { port: 9_000, service: "s" }, initialDelaySeconds: 5 } }] });
    await lived.clock.run(8_000);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThanOrEqual(5_000);
    expect(lived.events("Unhealthy")).toEqual(['Readiness probe failed: service unhealthy (responded with "NOT_SERVING")']);
  });
});

describe("the end", () => {
  test("a deleted pod has its hook and its grace period, and goes", async () => {
    const commands: string[] = [];
    lived.runtime.exits = (_id, command) => {
      commands.push(command);
      return 0;
    };
    lived.runtime.scripts.set("c", [{ stop_ms: 1_000 }]);
    const lifecycle = { preStop: { exec: { command: ["bye"] } } };
    await lived.pod({ terminationGracePeriodSeconds: 20, containers: [{ ...C, lifecycle }] });
    await lived.delete();
    await lived.clock.run(500);
    expect(commands).toEqual(["bye"]);
    expect(lived.runtime.did.at(-1)).toBe("stop c-0 20s");
    expect(lived.now).toBeDefined();
    await lived.clock.run(2_000);
    expect(lived.now).toBeUndefined();
    expect(lived.runtime.did.slice(-2)).toEqual(["stop sandbox", "remove pod"]);
    expect(lived.events("Killing")).toEqual(["Stopping container c"]);
  });

  test("a container is asked to end once, however old what is seen of it is", async () => {
    const commands: string[] = [];
    lived.runtime.exits = (_id, command) => {
      commands.push(command);
      return 0;
    };
    lived.runtime.scripts.set("c", [{ stop_ms: 1_000 }]);
    await lived.pod({ containers: [{ ...C, lifecycle: { preStop: { exec: { command: ["bye"] } } } }] });
    const { runtime } = lived;
    const observe = runtime.observe.bind(runtime);
    runtime.observe = async (uid) => {
      const observed = await observe(uid);
      await new Promise<void>((resolve) => lived.clock.after(300, resolve));
      return observed;
    };
    await lived.delete();
    for (let look = 0; look < 200 && lived.now !== undefined; look++) {
      lived.tellWorker({ type: "look" });
      await lived.clock.run(100);
    }
    expect(lived.now).toBeUndefined();
    expect([commands, lived.events("Killing")]).toEqual([["bye"], ["Stopping container c"]]);
  });

  test("a hook that sleeps takes of the grace period, of which two seconds are left at the least", async () => {
    lived.runtime.scripts.set("c", [{ stop_ms: Number.POSITIVE_INFINITY }]);
    await lived.pod({ terminationGracePeriodSeconds: 5, containers: [{ ...C, lifecycle: { preStop: { sleep: { seconds: 4 } } } }] });
    await lived.delete();
    await lived.clock.run(3_000);
    expect(lived.runtime.did.at(-1)).toBe("start c-0");
    await lived.clock.run(1_500);
    expect(lived.runtime.did.at(-1)).toBe("stop c-0 2s");
  });

  test("who deletes again with less patience is heard", async () => {
    lived.runtime.scripts.set("c", [{ stop_ms: Number.POSITIVE_INFINITY }]);
    await lived.pod({ terminationGracePeriodSeconds: 600, containers: [C] });
    await lived.delete();
    await lived.clock.run(1_000);
    await lived.delete(5);
    await lived.clock.run(6_000);
    expect(lived.now).toBeUndefined();
  });

  test("sidecars end after the main containers, the last one first", async () => {
    lived.runtime.scripts.set("c", [{ stop_ms: 1_000 }]);
    const sides = ["a", "b"].map((name) => ({ name, image: "i", restartPolicy: "Always" }));
    await lived.pod({ initContainers: sides, containers: [C] });
    await lived.clock.run(500);
    await lived.delete();
    await lived.clock.run(5_000);
    const stops = lived.runtime.did.filter((each) => each.startsWith("stop ") && each !== "stop sandbox").map((each) => each.split(" ")[1]);
    expect(stops).toEqual(["c-0", "b-0", "a-0"]);
  });

  test("a pod that is on its node for longer than it may is ended and has failed", async () => {
    await lived.pod({ activeDeadlineSeconds: 5, containers: [C] });
    await lived.clock.run(7_000);
    expect(lived.state).toBe("Failed/DeadlineExceeded | c: Error:143");
    expect(lived.events("DeadlineExceeded")).toEqual(["Pod was active on the node longer than the specified deadline"]);
  });

  test("a postStart hook that fails ends the container, which is started again", async () => {
    lived.runtime.exits = (id) => (id === "c-0" ? 1 : 0);
    await lived.pod({ containers: [{ ...C, lifecycle: { postStart: { exec: { command: ["begin"] } } } }] });
    await lived.clock.run(3_000);
    expect(lived.events("FailedPostStartHook")).toEqual(["PostStartHook failed"]);
    expect(lived.events("Killing")).toEqual(["FailedPostStartHook"]);
    expect(lived.state).toBe("Running | c: running* (1)");
  });

  test("another image is another run, whatever the restart policy says", async () => {
    await lived.pod({ restartPolicy: "Never", containers: [C] });
    await lived.during(() =>
      lived.registry.modify(PodKind, "d", "p", (pod) => ({
        ...pod,
        spec: { ...pod.spec, containers: pod.spec.containers.map((each) => ({ ...each, image: "j" })) },
      })),
    );
    await lived.clock.run(2_000);
    expect(lived.events("Killing")).toEqual(["Container c definition changed, will be restarted"]);
    expect(lived.now?.status?.containerStatuses?.[0]).toMatchObject({ image: "j", restartCount: 1, state: { running: {} } });
  });
});

describe("a resize", () => {
  const small = { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } };
  const large = { requests: { cpu: "200m", memory: "64Mi" }, limits: { memory: "128Mi" } };
  const resize = (resources: object): Promise<unknown> =>
    lived.during(() =>
      lived.registry.modify(
        PodKind,
        "d",
        "p",
        (pod) => ({ ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map((each) => ({ ...each, resources })) } }),
        { subresource: "resize" },
      ),
    );
  const status = (): object | undefined => lived.now?.status?.containerStatuses?.[0];

  test("holds a container that runs to what it asks for now, and its status says what it is held to", async () => {
    await lived.pod({ containers: [{ ...C, resources: small }] });
    expect(status()).toMatchObject({ resources: small });
    await resize(large);
    await lived.clock.run(1_000);
    expect(lived.runtime.did).toContain("resize c-0");
    expect(status()).toMatchObject({ resources: large, allocatedResources: large.requests, restartCount: 0 });
    expect(lived.runtime.did.filter((done) => done.startsWith("resize"))).toHaveLength(1);
  });

  test("that cannot be done is told and tried again, and what is in force is said until then", async () => {
    lived.runtime.tooSmall.add("c-0");
    await lived.pod({ containers: [{ ...C, resources: large }] });
    await resize(small);
    await lived.clock.run(1_000);
    expect(status()).toMatchObject({ resources: large, allocatedResources: small.requests });
    expect(lived.condition("PodResizeInProgress")).toBe("True: Error: it uses more");
    expect(lived.events("ResizeError").join()).toContain("Failed to resize container c: it uses more");
    lived.runtime.tooSmall.clear();
    await lived.clock.run(11_000);
    expect(status()).toMatchObject({ resources: small });
    expect(lived.condition("PodResizeInProgress")).toBe("");
    expect(lived.events("ResizeCompleted")).toEqual([
      `Pod resize completed: ${JSON.stringify({ containers: [{ name: "c", resources: small }] })}`,
    ]);
  });

  test("for which the node has no room leaves the container as it is, restarted or not", async () => {
    lived.runtime.scripts.set("c", [{ run_ms: 5_000 }, {}]);
    await lived.pod({ containers: [{ ...C, resources: small }] });
    await resize({ ...small, requests: { cpu: "1000", memory: "64Mi" } });
    await lived.clock.run(1_000);
    expect(lived.condition("PodResizePending")).toBe(
      "True: Infeasible: Node didn't have enough capacity: cpu, requested: 1000000, capacity: 32000",
    );
    await lived.clock.run(10_000);
    expect(status()).toMatchObject({ resources: small, allocatedResources: small.requests, restartCount: 1 });
    expect(lived.runtime.specs.get("c-1")?.size.requests.cpu).toBe(100);
    await resize(small);
    await lived.clock.run(1_000);
    expect(lived.condition("PodResizePending")).toBe("");
  });

  test("restarts the container where its policy says so", async () => {
    const resizePolicy = [
      { resourceName: "cpu", restartPolicy: "NotRequired" },
      { resourceName: "memory", restartPolicy: "RestartContainer" },
    ];
    await lived.pod({ containers: [{ ...C, resources: small, resizePolicy }] });
    await resize({ ...small, requests: large.requests });
    await lived.clock.run(1_000);
    expect(status()).toMatchObject({ restartCount: 0, resources: { requests: large.requests } });
    await resize(large);
    await lived.clock.run(2_000);
    expect(lived.events("Killing")).toEqual(["Container c resize requires restart, will be restarted"]);
    expect(status()).toMatchObject({ restartCount: 1, resources: large });
  });
});

test("a pod that its node does not take has failed, and nothing of it has run", async () => {
  await lived.pod({ containers: [C], nodeSelector: { disk: "other" } });
  await lived.clock.run(1_000);
  expect(lived.state).toBe("Failed/NodeAffinity");
  expect(lived.now?.status?.message).toBe(
    "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  );
  expect(lived.events("NodeAffinity")).toEqual(["Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"]);
  expect(lived.runtime.did).toEqual([]);
});

test("a pod that its node has no room for any more ends within the time that it is given, and is no failure of its own", async () => {
  lived.runtime.scripts.set("c", [{ stop_ms: Number.POSITIVE_INFINITY }]);
  await lived.pod({ containers: [C], terminationGracePeriodSeconds: 300 });
  await lived.clock.run(1_000);
  lived.tellWorker({ type: "evict", message: "The node was low on resource: memory. ", grace_s: 3, isDisruption: true });
  await lived.clock.run(2_000);
  expect(lived.state).toBe("Failed/Evicted | c: running*");
  await lived.clock.run(3_000);
  expect(lived.state).toBe("Failed/Evicted | c: Error:137");
  expect(lived.condition("DisruptionTarget")).toBe("True: TerminationByKubelet: The node was low on resource: memory. ");
  expect(lived.runtime.did.slice(-2)).toEqual(["stop sandbox", "remove pod"]);
});

test("a pod that fills a volume over its limit is evicted, within a second", async () => {
  lived.runtime.scripts.set("c", [{ stop_ms: Number.POSITIVE_INFINITY }]);
  await lived.pod({ containers: [C], terminationGracePeriodSeconds: 300 });
  await lived.clock.run(1_000);
  lived.exceeded("too much");
  await lived.clock.run(5_000);
  expect(lived.state).toBe("Failed/Evicted | c: Error:137");
  expect(lived.now?.status?.message).toBe("too much");
  expect(lived.events("Evicted")).toEqual(["too much"]);
});
