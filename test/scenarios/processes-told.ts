import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Pod, PodSpec } from "../../actors/kinds/generated/types.ts";
import { until } from "../../cluster/chaos/until.ts";
import type { Kubectl } from "./kubectl.ts";

/** What a container says at its end is in its pod's status: many pods are looked at by one question. */
const SAYS = 'exec >"$TROUPE_TERMINATION_LOG" 2>&1;';
const LABEL = "told";
const says = (script: string, rest: object = {}): object => ({
  name: "c",
  image: "busybox",
  command: ["sh", "-c", `${SAYS} ${script}`],
  ...rest,
});
const field = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const amount = (name: string, resource: string): object => ({ name, valueFrom: { resourceFieldRef: { resource } } });
const work = { volumes: [{ name: "work", emptyDir: {} }] };
const inWork = (rest: object): object => ({ volumeMounts: [{ name: "work", mountPath: "/kept" }], ...rest });
const parts = (value: string): object => ({
  ...work,
  containers: [
    says("true", { env: [{ name: "PART", value }], volumeMounts: [{ name: "work", mountPath: "/part", subPathExpr: "$(PART)" }] }),
  ],
});
/** Only root can be others. */
const nobody = process.getuid?.() === 0 ? { securityContext: { runAsUser: 10_000 } } : {};

const messageOf = ({ status }: Pod, init = false): string | undefined =>
  (init ? status?.initContainerStatuses : status?.containerStatuses)?.[0]?.state?.terminated?.message;
const linesOf = (pod: Pod): readonly string[] => messageOf(pod)?.trimEnd().split("\n") ?? [];
const waitingOf = ({ status }: Pod): readonly unknown[] => {
  const { reason, message } = status?.containerStatuses?.[0]?.state?.waiting ?? {};
  return [reason, message];
};
const endOf = ({ status }: Pod): readonly unknown[] => [status?.phase, status?.reason, status?.message];

interface Told {
  readonly spec: object;
  /** Whether it has got so far as to be looked at. */
  readonly isReady?: (pod: Pod) => boolean;
  readonly holds: (pod: Pod) => void;
}

const hasEnded = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
const waits = (pod: Pod): boolean => waitingOf(pod)[0] === "CreateContainerConfigError";

const PODS: Readonly<Record<string, Told>> = {
  "variables of config maps and secrets, whatever their names": {
    spec: {
      containers: [
        // What a shell does not take for a variable it does not pass on.
        says("tr '\\0' '\\n' </proc/$$$$/environ", {
          env: [
            { name: "ONE", valueFrom: { configMapKeyRef: { name: "told", key: "data-1" } } },
            { name: "KEY", valueFrom: { secretKeyRef: { name: "told", key: "key" } } },
            { name: "BOTH", value: "$(ONE);;$(KEY)" },
            { name: "!\"#%&'()", value: "odd" },
          ],
          envFrom: [
            { prefix: "p-", configMapRef: { name: "told" } },
            { prefix: "#_", secretRef: { name: "told" } },
          ],
        }),
      ],
    },
    holds: (pod) =>
      expect(linesOf(pod)).toEqual(
        expect.arrayContaining(["ONE=value-1", "BOTH=value-1;;s3cret", "p-data-1=value-1", "#_key=s3cret", "!\"#%&'()=odd"]),
      ),
  },
  "what a pod is told of itself": {
    spec: {
      containers: [
        says('printf "%s\\n" "$NAME" "$NS" "$IP" "$IPS" "$HOST" "$HOSTS" "$ID" "$ACCOUNT" "$CL" "$ML" "$CR" "$MR"', {
          resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "1250m", memory: "64Mi" } },
          env: [
            field("NAME", "metadata.name"),
            field("NS", "metadata.namespace"),
            field("IP", "status.podIP"),
            field("IPS", "status.podIPs"),
            field("HOST", "status.hostIP"),
            field("HOSTS", "status.hostIPs"),
            field("ID", "metadata.uid"),
            field("ACCOUNT", "spec.serviceAccountName"),
            amount("CL", "limits.cpu"),
            amount("ML", "limits.memory"),
            amount("CR", "requests.cpu"),
            amount("MR", "requests.memory"),
          ],
        }),
      ],
    },
    holds: (pod) => {
      const { podIP = "", hostIP = "" } = pod.status ?? {};
      const { name, namespace = "", uid } = pod.metadata;
      const own = [name, namespace, podIP, podIP, hostIP, hostIP, uid, "default"];
      expect(linesOf(pod)).toEqual([...own, "2", String(64 * 1_024 ** 2), "1", String(32 * 1_024 ** 2)]);
    },
  },
  "words in a file of its own, of a user that is not root": {
    spec: { containers: [says("printf DONE", { terminationMessagePath: "/dev/termination-custom-log", ...nobody })] },
    holds: (pod) => expect([pod.status?.phase, messageOf(pod)]).toEqual(["Succeeded", "DONE"]),
  },
  "the end of its log, where it has failed": {
    spec: {
      containers: [
        { name: "c", image: "busybox", command: ["sh", "-c", "printf DONE; false"], terminationMessagePolicy: "FallbackToLogsOnError" },
      ],
    },
    holds: (pod) => expect([pod.status?.phase, messageOf(pod)]).toEqual(["Failed", "DONE"]),
  },
  "no words of one that went well and left none": {
    spec: {
      containers: [
        { name: "c", image: "busybox", command: ["sh", "-c", "printf DONE"], terminationMessagePolicy: "FallbackToLogsOnError" },
      ],
    },
    holds: (pod) => expect([pod.status?.phase, messageOf(pod)]).toEqual(["Succeeded", undefined]),
  },
  "a failure that is tried again, and then is none": {
    spec: {
      ...work,
      restartPolicy: "OnFailure",
      containers: [says('cd "$TROUPE_PATH_KEPT"; echo x >>runs; [ "$(wc -l <runs)" -eq 2 ]', inWork({}))],
    },
    holds: ({ status }) => expect([status?.phase, status?.containerStatuses?.[0]?.restartCount]).toEqual(["Succeeded", 1]),
  },
  "init containers, one after the other": {
    spec: {
      ...work,
      initContainers: [
        { ...says("true"), name: "one" },
        { ...says("true"), name: "two" },
      ],
      containers: [says("true")],
    },
    holds: ({ status }) => {
      expect(status?.initContainerStatuses?.map(({ ready, state }) => [ready, state?.terminated?.reason])).toEqual([
        [true, "Completed"],
        [true, "Completed"],
      ]);
      expect(status?.conditions?.find(({ type }) => type === "Initialized")?.status).toBe("True");
    },
  },
  "an init container that fails, and the pod with it": {
    spec: {
      initContainers: [
        { ...says("true"), name: "one" },
        { ...says("false"), name: "two" },
      ],
      containers: [says("true")],
    },
    holds: ({ status }) => {
      expect([status?.phase, status?.containerStatuses?.[0]?.state]).toEqual(["Failed", { waiting: { reason: "PodInitializing" } }]);
      const { status: initialized, message } = status?.conditions?.find(({ type }) => type === "Initialized") ?? {};
      expect([initialized, message]).toEqual(["False", "containers with incomplete status: [two]"]);
    },
  },
  "hosts of its own, and names for others": {
    spec: { hostAliases: [{ ip: "123.45.67.89", hostnames: ["foo", "bar"] }], containers: [says('cat "$TROUPE_PATH_ETC_HOSTS"')] },
    holds: (pod) => {
      expect(messageOf(pod)).toMatch(/^# Kubernetes-managed hosts file\.\n/);
      expect(messageOf(pod)).toContain("123.45.67.89\tfoo\tbar");
    },
  },
  "a part of a volume, named by a variable": {
    spec: {
      ...work,
      containers: [
        says('[ -d "$TROUPE_PATH_KEPT/foo" ] && echo there', {
          env: [{ name: "PART", value: "foo" }],
          volumeMounts: [
            { name: "work", mountPath: "/part", subPathExpr: "$(PART)" },
            { name: "work", mountPath: "/kept" },
          ],
        }),
      ],
    },
    holds: (pod) => expect(linesOf(pod)).toEqual(["there"]),
  },
  "no part that leads out of its volume": {
    spec: parts(".."),
    isReady: waits,
    holds: (pod) => expect(waitingOf(pod)[1]).toBe("unable to provision SubPath `..`: must not contain '..'"),
  },
  "no part by a path of the machine": {
    spec: parts("/tmp"),
    isReady: waits,
    holds: (pod) => expect(waitingOf(pod)[1]).toBe("error SubPath `/tmp` must not be an absolute path"),
  },
  "no setting of the kernel, which all share": {
    spec: { securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] }, containers: [says("true")] },
    holds: (pod) =>
      expect(endOf(pod)).toEqual([
        "Failed",
        "SysctlForbidden",
        'Pod was rejected: forbidden sysctl: "kernel.shm_rmid_forced" not allowlisted',
      ]),
  },
  "no image whose name is none": {
    spec: { containers: [{ name: "c", image: "UPPER" }] },
    isReady: (pod) => waitingOf(pod)[0] === "InvalidImageName",
    holds: (pod) => expect(waitingOf(pod)[1]).toContain('couldn\'t parse image name "UPPER": invalid reference format'),
  },
};

/** What pods are told, and what they say; all at once, each as one of Kubernetes' conformance tests has it. */
export function describeTold(kubectlOf: () => Kubectl, data: string): void {
  describe("pods are told and say", () => {
    const names = Object.keys(PODS);
    let seen: readonly Pod[] = [];
    const look = async (): Promise<void> => {
      const { items } = await kubectlOf().json<{ items: Pod[] }>(["get", "pods", "-l", LABEL, "-o", "json"]);
      seen = items;
    };
    const podOf = (name: string): Pod | undefined => seen.find(({ metadata }) => metadata.name === `told-${names.indexOf(name)}`);

    beforeAll(async () => {
      const items: object[] = Object.values(PODS).map(({ spec }, index) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `told-${index}`, labels: { [LABEL]: "" } },
        spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, ...(spec as PodSpec) },
      }));
      items.unshift(
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "told" }, data: { "data-1": "value-1" } },
        { apiVersion: "v1", kind: "Secret", metadata: { name: "told" }, stringData: { key: "s3cret" } },
      );
      await kubectlOf().ok(["apply", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
    });

    test.each(Object.entries(PODS))("%s", async (name, { isReady = hasEnded, holds }) => {
      const pod = await until(name, async () => {
        if (podOf(name) === undefined || !isReady(podOf(name) as Pod)) await look();
        const found = podOf(name);
        return found !== undefined && isReady(found) && found;
      });
      holds(pod as Pod);
    });

    test("hooks by HTTP and by commands are called when a container has begun, and before it is asked to end", async () => {
      const server =
        "require('http').createServer((q, s) => { require('fs').appendFileSync(process.env.TROUPE_PATH_KEPT + '/calls', q.url + '\\n'); s.end(); }).listen(8080, process.env.POD_IP)";
      const call = (word: string): object => ({ httpGet: { path: `/echo?msg=${word}`, port: 8080 } });
      const write = (word: string): object => ({ exec: { command: ["sh", "-c", `echo ${word} >>"$TROUPE_PATH_KEPT/calls"`] } });
      const directory = join(data, "told");
      const spec = {
        terminationGracePeriodSeconds: 5,
        volumes: [{ name: "work", hostPath: { path: directory, type: "DirectoryOrCreate" } }],
        initContainers: [
          {
            name: "server",
            image: "node",
            restartPolicy: "Always",
            command: [process.execPath, "-e", server],
            startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
            ...inWork({}),
          },
        ],
        containers: [
          {
            name: "c",
            image: "busybox",
            command: ["sleep", "1000"],
            lifecycle: { postStart: call("poststart"), preStop: call("prestop") },
          },
          {
            name: "d",
            image: "busybox",
            command: ["sleep", "1000"],
            lifecycle: { postStart: write("begun"), preStop: write("ends") },
            ...inWork({}),
          },
        ],
      };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "hooks" }, spec };
      await kubectlOf().ok(["apply", "-f", "-"], { stdin: JSON.stringify(pod) });
      await kubectlOf().ok(["wait", "--for=condition=Ready", "pod/hooks", "--timeout=120s"]);
      const calls = (): readonly string[] => readFileSync(join(directory, "calls"), "utf8").trimEnd().split("\n");
      expect(calls()).toEqual(["/echo?msg=poststart", "begun"]);
      await kubectlOf().ok(["delete", "pod", "hooks"]);
      expect(calls().toSorted()).toEqual(["/echo?msg=poststart", "/echo?msg=prestop", "begun", "ends"]);
    });
  });
}
