import { describe, expect, test } from "vitest";
import { machineRange } from "../../../actors/node/cidr.ts";
import { parseUpFlags } from "../../../cluster/command-line/flags.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";

const SERVICES = {
  range: "10.96.0.0/16",
  proxy: undefined,
  dns: false,
  clusterDomain: "cluster.local",
  dnsUpstreams: undefined,
  balancerAddresses: [],
  ingressAddress: undefined,
};

describe("parseUpFlags", () => {
  test("has authorizers from a file, or from flags", () => {
    expect(parseUpFlags(["--authorization-config", "/a.yaml"]).access.authorizationConfig).toBe("/a.yaml");
    for (const more of [
      ["--authorization-mode", "RBAC"],
      ["--authorization-webhook-config-file", "/w"],
    ])
      expect(() => parseUpFlags(["--authorization-config", "/a.yaml", ...more])).toThrow(WrongUsage);
  });

  test("has the documented defaults", () => {
    expect(parseUpFlags([])).toEqual({
      nodes: undefined,
      data: ".troupe",
      apiPort: 6443,
      natsPort: 4222,
      natsLeafPort: undefined,
      nats: undefined,
      threads: undefined,
      only: undefined,
      schedulerConfig: undefined,
      schedulers: undefined,
      seed: 0,
      stages: [],
      controllers: { clusterCidrs: [], csiSockets: [], endedPodsMax: undefined, autoscalerPeriod_ms: undefined },
      services: SERVICES,
      runtime: {
        name: "hollow",
        catalog: undefined,
        volumesDirectory: undefined,
        reserved: { cpu_milli: 100, memory_bytes: 512 * 1_024 * 1_024, storage_bytes: 0, pids: 0 },
        eviction: expect.anything(),
        podCidr: "10.244.0.0/16",
        unsafeSysctls: [],
      },
      access: { issuer: "https://k", authorizers: ["Node", "RBAC"] },
      format: "table",
    });
  });

  test("takes every flag", () => {
    const flags = parseUpFlags(
      "--nodes 100 --data /x --api-port 0 --nats nats://a:1,nats://b:2 --threads 3 --runtime hollow --only api --service-account-issuer https://i --token-auth-file /t --authorization-mode AlwaysAllow".split(
        " ",
      ),
    );
    expect(flags).toEqual({
      nodes: 100,
      data: "/x",
      apiPort: 0,
      natsPort: 4222,
      natsLeafPort: undefined,
      nats: ["nats://a:1", "nats://b:2"],
      threads: 3,
      only: "api",
      schedulerConfig: undefined,
      schedulers: undefined,
      seed: 0,
      stages: [],
      controllers: { clusterCidrs: [], csiSockets: [], endedPodsMax: undefined, autoscalerPeriod_ms: undefined },
      services: SERVICES,
      runtime: {
        name: "hollow",
        reserved: { cpu_milli: 100, memory_bytes: 512 * 1_024 * 1_024, storage_bytes: 0, pids: 0 },
        eviction: expect.anything(),
        podCidr: "10.244.0.0/16",
        unsafeSysctls: [],
      },
      access: { issuer: "https://i", tokenFile: "/t", authorizers: ["AlwaysAllow"] },
      format: "table",
    });
  });

  test("lets pods have what they may of the kernel", () => {
    const flags = ["--runtime", "sandbox", "--allowed-unsafe-sysctls", "net.core.*,kernel/msgmax"];
    expect(parseUpFlags(flags).runtime.unsafeSysctls).toEqual(["net.core.*", "kernel/msgmax"]);
  });

  test("reserves of the machine what is said, for the system and for itself", () => {
    const line =
      "--runtime process --catalog /c.yaml --volumes-directory /v --kube-reserved cpu=250m --system-reserved cpu=1,memory=1Gi,pid=100 --eviction-hard memory.available<200Mi,nodefs.available<5%";
    expect(parseUpFlags(line.split(" ")).runtime).toEqual({
      name: "process",
      catalog: "/c.yaml",
      volumesDirectory: "/v",
      reserved: { cpu_milli: 1_250, memory_bytes: 1_024 ** 3, storage_bytes: 0, pids: 100 },
      podCidr: "10.244.0.0/16",
      eviction: {
        thresholds: [
          { signal: "memory.available", value: { amount: 200 * 1_024 ** 2 }, grace_ms: 0 },
          { signal: "nodefs.available", value: { part: 0.05 }, grace_ms: 0 },
        ],
        transition_ms: 300_000,
        softGrace_s: 0,
      },
      unsafeSysctls: [],
    });
  });

  test("evicts as kubelet does where nothing is said, and bears what is said for as long", () => {
    const { thresholds } = parseUpFlags(["--runtime", "process"]).runtime.eviction;
    expect(thresholds.map(({ signal }) => signal)).toEqual([
      "memory.available",
      "nodefs.available",
      "nodefs.inodesFree",
      "imagefs.available",
      "imagefs.inodesFree",
    ]);
    const soft =
      "--eviction-hard pid.available<0% --eviction-soft memory.available<1Gi --eviction-soft-grace-period memory.available=1m30s";
    const more =
      "--eviction-minimum-reclaim memory.available=500Mi --eviction-max-pod-grace-period 30 --eviction-pressure-transition-period 30s";
    expect(parseUpFlags(["--runtime", "process", ...soft.split(" "), ...more.split(" ")]).runtime.eviction).toEqual({
      thresholds: [
        { signal: "memory.available", value: { amount: 1_024 ** 3 }, grace_ms: 90_000, minReclaim: { amount: 500 * 1_024 ** 2 } },
      ],
      transition_ms: 30_000,
      softGrace_s: 30,
    });
  });

  test.each([
    ["--cluster-cidr 10.244.0.0/16", [{ cidr: "10.244.0.0/16", maskSize: 24 }]],
    ["--cluster-cidr 10.244.0.0/16 --node-cidr-mask-size 26", [{ cidr: "10.244.0.0/16", maskSize: 26 }]],
    [
      "--cluster-cidr 10.244.0.0/16,fd00::/48",
      [
        { cidr: "10.244.0.0/16", maskSize: 24 },
        { cidr: "fd00::/48", maskSize: 64 },
      ],
    ],
    [
      "--cluster-cidr fd00::/108,10.0.0.0/8 --node-cidr-mask-size-ipv6 120 --node-cidr-mask-size-ipv4 22",
      [
        { cidr: "fd00::/108", maskSize: 120 },
        { cidr: "10.0.0.0/8", maskSize: 22 },
      ],
    ],
  ])("ranges for nodes: %s", (line, clusterCidrs) => {
    expect(parseUpFlags(line.split(" ")).controllers.clusterCidrs).toEqual(clusterCidrs);
  });

  test("services that are forwarded are on loopback, and have names, unless it is said otherwise", () => {
    const services = (line: string): unknown => parseUpFlags(line.split(" ")).services;
    const balancerAddresses = [{ first: 0x7f610001, last: 0x7f6100fe }];
    expect(services("--service-proxy on")).toEqual({
      ...SERVICES,
      range: "127.96.0.0/16",
      proxy: "userspace",
      dns: true,
      balancerAddresses,
      ingressAddress: "127.97.1.1",
    });
    expect(services("--service-proxy nftables")).toMatchObject({ range: "127.96.0.0/16", proxy: "nftables", dns: true });
    expect(
      services(
        "--service-proxy on --dns off --service-cluster-ip-range 127.3.0.0/24 --cluster-domain Example.ORG. --dns-upstream 192.0.2.1,192.0.2.2:5353 --load-balancer-addresses 127.4.0.1-127.4.0.2,127.5.0.0/31 --ingress-address off",
      ),
    ).toEqual({
      range: "127.3.0.0/24",
      proxy: "userspace",
      dns: false,
      clusterDomain: "example.org",
      dnsUpstreams: [
        { address: "192.0.2.1", port: 53 },
        { address: "192.0.2.2", port: 5_353 },
      ],
      balancerAddresses: [
        { first: 0x7f040001, last: 0x7f040002 },
        { first: 0x7f050000, last: 0x7f050001 },
      ],
      ingressAddress: undefined,
    });
  });

  test("pods that have ended and are kept", () => {
    expect(parseUpFlags(["--terminated-pod-gc-threshold", "0"]).controllers.endedPodsMax).toBe(0);
  });

  test("says in one line that a value is missing", () => {
    expect(() => parseUpFlags(["--nodes", "-1"])).toThrow(/^Option '--nodes' argument is ambiguous; see troupe help up$/);
    expect(() => parseUpFlags(["--nodes"])).toThrow(/^Option '--nodes <value>' argument missing; see troupe help up$/);
  });

  test.each([
    ["--nodes many", "--nodes many is not a whole number from 0 to 16384"],
    ["--nodes=-1", "--nodes -1 is not a whole number"],
    ["--api-port 70000", "--api-port 70000 is not a whole number from 0 to 65535"],
    ["--threads 0", "--threads 0 is not a whole number from 1 to 64"],
    ["--nats http://x", "--nats http://x is not a NATS URL"],
    ["--runtime docker", "--runtime docker is none of hollow, process, sandbox, cri"],
    ["--runtime process --images /x", "--images is for sandboxes; say --runtime sandbox too"],
    ["--runtime sandbox --pod-cidr 10.1.0.0/20", "--pod-cidr 10.1.0.0/20 is not an IPv4 prefix such as 10.244.0.0/16"],
    ["--runtime sandbox --pod-max-pids 0", "--pod-max-pids 0"],
    ["--runtime process --eviction-hard memory<1Gi", "--eviction-hard memory is none of memory.available, nodefs.available"],
    ["--runtime process --eviction-hard memory.available=1Gi", "--eviction-hard memory.available=1Gi is not of the form SIGNAL<VALUE"],
    ["--runtime process --eviction-hard nodefs.available<110%", "--eviction-hard 110% is not a part from 0% to 100%"],
    ["--runtime process --eviction-hard memory.available<0", "is no threshold: it must be positive"],
    ["--runtime process --eviction-soft memory.available<1Gi", "say in --eviction-soft-grace-period for how long it is borne"],
    ["--eviction-hard memory.available<1Gi", "--eviction-hard is for real processes"],
    ["--runtime process --allowed-unsafe-sysctls net.core.somaxconn", "--allowed-unsafe-sysctls is for sandboxes"],
    ["--runtime sandbox --allowed-unsafe-sysctls vm.swappiness", "--allowed-unsafe-sysctls vm.swappiness is nothing that pods can have"],
    ["--catalog images.yaml", "--catalog is for real processes; say --runtime process or sandbox too"],
    ["--runtime process --nodes 65", "--nodes 65 is more than 64"],
    ["--runtime process --kube-reserved disk=1", "--kube-reserved disk=1 is not an amount such as cpu=200m"],
    ["--runtime process --system-reserved cpu=much", "--system-reserved cpu=much: "],
    ["--only web", "--only web is unknown"],
    ["--authorization-mode ABAC", "--authorization-mode ABAC: ABAC is none of Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny"],
    ["--authorization-mode RBAC,RBAC", "names one of them twice"],
    ["--authorization-mode RBAC,Webhook", "--authorization-mode Webhook and --authorization-webhook-config-file FILE go together"],
    ["--authorization-webhook-config-file /f", "--authorization-mode Webhook and --authorization-webhook-config-file FILE go together"],
    ["--oidc-issuer-url https://i", "--oidc-issuer-url and --oidc-client-id go together"],
    ["--oidc-username-claim sub", "--oidc-username-claim needs --oidc-issuer-url and --oidc-client-id"],
    ["--oidc-issuer-url http://i --oidc-client-id c", "--oidc-issuer-url http://i is not a URL of https"],
    ["--oidc-issuer-url https://i --oidc-client-id c --oidc-signing-algs HS256", "--oidc-signing-algs: HS256 is none of RS256"],
    ["--oidc-issuer-url https://i --oidc-client-id c --oidc-required-claim x", "--oidc-required-claim x is not claim=value"],
    ["--authentication-config /f --anonymous-auth false", "--authentication-config says what --oidc-... and --anonymous-auth would say"],
    ["--audit-policy-file /f", "--audit-policy-file FILE and --audit-log-path FILE go together"],
    ["--audit-log-maxsize 5", "--audit-log-maxsize needs --audit-policy-file and --audit-log-path"],
    ["--audit-policy-file /f --audit-log-path /l --audit-log-maxage x", "--audit-log-maxage x is not a whole number"],
    ["--anonymous-auth no", "--anonymous-auth no is neither true nor false"],
    ["--authentication-token-webhook-config-file /f --authentication-token-webhook-cache-ttl 2", "cache-ttl 2 is not a duration"],
    ["--ingress-address here", "--ingress-address here is neither an address such as 127.97.1.1 nor off"],
    ["--service-proxy yes", "--service-proxy yes is none of on, off and nftables"],
    ["--service-cluster-ip-range 10.96.0.0", "--service-cluster-ip-range 10.96.0.0: the service range"],
    [
      "--service-cluster-ip-range 10.96.0.0/29",
      "--service-cluster-ip-range 10.96.0.0/29: the service range 10.96.0.0/29 has no 10 addresses",
    ],
    ["--cluster-domain x..y", "--cluster-domain x..y is not a domain"],
    ["--dns-upstream dns.example", "--dns-upstream dns.example is not the address of a nameserver"],
    ["--load-balancer-addresses 127.4.0.9-127.4.0.1", "--load-balancer-addresses 127.4.0.9-127.4.0.1 is neither a range"],
    ["--node 5", "Unknown option '--node'"],
    ["--cluster-cidr 10.0.0.0", "--cluster-cidr 10.0.0.0 is not a range of addresses such as 10.244.0.0/16"],
    ["--cluster-cidr 10.0.0.0/16,10.1.0.0/16", "has two ranges of one family"],
    ["--cluster-cidr 10.0.0.0/16,fd00::/48 --node-cidr-mask-size 24", "--node-cidr-mask-size is for one family"],
    [
      "--cluster-cidr 10.0.0.0/16 --node-cidr-mask-size 8",
      "pieces of /8 cannot be cut out of 10.0.0.0/16; choose another --node-cidr-mask-size",
    ],
    ["--cluster-cidr fd00::/32", "fd00::/32 has more than 2^16 pieces of /64"],
    ["--horizontal-pod-autoscaler-sync-period 100ms", "--horizontal-pod-autoscaler-sync-period 100ms is less than a second"],
    ["--terminated-pod-gc-threshold -1", "Option '--terminated-pod-gc-threshold' argument is ambiguous"],
    ["5", "Unexpected argument '5'"],
  ])("refuses %s in words", (line, words) => {
    expect(() => parseUpFlags(line.split(" "))).toThrow(WrongUsage);
    expect(() => parseUpFlags(line.split(" "))).toThrow(words);
  });
});

describe("sandboxes", () => {
  test("have a range for their pods, and one beside it for what is the machine's own", () => {
    const { runtime, services } = parseUpFlags(["--runtime", "sandbox", "--pod-cidr", "10.88.0.0/16"]);
    expect(runtime.podCidr).toBe("10.88.0.0/16");
    expect(runtime.sandbox).toMatchObject({ podPidsMax: 4_096, images: undefined });
    expect(services).toMatchObject({ range: "10.96.0.0/16", proxy: "userspace", dns: true, ingressAddress: "10.88.66.1" });
    expect(parseUpFlags(["--runtime", "sandbox", "--pod-max-pids=-1"]).runtime.sandbox?.podPidsMax).toBeUndefined();
    const { first, joined, pods, own, addresses } = machineRange("10.88.7.0/16") ?? expect.fail("no range");
    expect([first, joined, pods, own, addresses.podCidrOf(1), addresses.nodeAddressOf(0)]).toEqual([
      "10.88.0.0/17",
      "10.88.128.0/17",
      "10.88.0.0/18",
      "10.88.64.0/18",
      "10.88.1.0/24",
      "10.88.64.1",
    ]);
    expect(machineRange("10.88.0.0/17")?.joined).toBeUndefined();
    expect(machineRange("10.0.0.0/8")?.joined).toBe("10.128.0.0/9");
    expect([machineRange("10.88.0.0/18"), machineRange("10.88.0.300/16"), machineRange("x")]).toEqual([undefined, undefined, undefined]);
  });
});

describe("container runtimes", () => {
  test("are behind a socket, which is containerd's if nothing else is said, and have a range beside that of their pods", () => {
    const { runtime, services } = parseUpFlags(["--runtime", "cri"]);
    const socket = "/run/containerd/containerd.sock";
    expect(runtime.cri).toEqual({ socket, imageSocket: socket, podPidsMax: 4_096 });
    expect([runtime.sandbox, services.ingressAddress]).toEqual([undefined, "10.244.66.1"]);
    const other = parseUpFlags(["--runtime=cri", "--container-runtime-endpoint=unix:///a", "--image-service-endpoint=/b"]).runtime.cri;
    expect([other?.socket, other?.imageSocket]).toEqual(["/a", "/b"]);
  });

  test.each([
    ["--container-runtime-endpoint /a", "--container-runtime-endpoint is for container runtimes; say --runtime cri too"],
    ["--runtime cri --catalog x", "--catalog is for real processes; say --runtime process or sandbox too"],
    ["--runtime cri --cni-bin-dir /x", "--cni-bin-dir is for sandboxes; say --runtime sandbox too"],
    ["--runtime process --pod-cidr 10.0.0.0/16", "--pod-cidr is for sandboxes; say --runtime sandbox or cri too"],
    [
      "--runtime cri --container-runtime-endpoint tcp://1.2.3.4:5",
      "is not a socket of this machine such as unix:///run/containerd/containerd.sock",
    ],
    ["--runtime docker", "--runtime docker is none of hollow, process, sandbox, cri"],
  ])("refuses %s in words", (line, words) => {
    expect(() => parseUpFlags(line.split(" "))).toThrow(words);
  });
});
