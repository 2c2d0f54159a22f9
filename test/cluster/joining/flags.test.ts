import { describe, expect, test } from "vitest";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { parseCertsFlags, parseInitFlags, parseJoinFlags, parseResetFlags, parseTokenFlags } from "../../../cluster/joining/flags.ts";
import { newToken, tokenText } from "../../../cluster/joining/token.ts";

const TOKEN = "abcdef.0123456789abcdef";
const HASH = `sha256:${"0a".repeat(32)}`;
const JOIN = ["10.0.0.1:6443", "--token", TOKEN, "--discovery-token-ca-cert-hash", HASH];

describe("init", () => {
  test("takes the flags of up, and the token's", () => {
    const flags = parseInitFlags([
      "--advertise-address",
      "127.0.0.1",
      "--token",
      TOKEN,
      "--nodes",
      "2",
      "--token-ttl=1h30m",
      "--nats-port",
      "0",
    ]);
    expect(flags).toMatchObject({ token: { id: "abcdef", secret: "0123456789abcdef" }, ttl_ms: 5_400_000 });
    expect(flags.up).toMatchObject({ advertiseAddress: "127.0.0.1", nodes: 2, natsPort: 0 });
  });

  test("without a token makes one for a day", () => {
    const [one, other] = [1, 2].map(() => parseInitFlags(["--advertise-address", "::1"]));
    expect(one?.ttl_ms).toBe(86_400_000);
    expect(one?.token).not.toEqual(other?.token);
    expect(tokenText(newToken())).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  });

  test.each([
    [["--token", "abc"], /the token is none such as/],
    [["--advertise-address", "host"], /is no IP address/],
    [["--advertise-address", "127.0.0.1", "--only", "api"], /has no controllers/],
    [
      ["--advertise-address", "127.0.0.1", "--nats", "nats://x:1", "--nats-port", "1"],
      /--nats-port is for --advertise-address, without --nats/,
    ],
    [["--token-ttl", "soon", "--advertise-address", "127.0.0.1"], /is not a duration/],
    [["--unknown"], /Unknown option/],
  ])("%j is wrong", (args, words) => {
    expect(() => parseInitFlags(args)).toThrow(WrongUsage);
    expect(() => parseInitFlags(args)).toThrow(words);
  });
});

describe("join", () => {
  test("takes the line that init prints", () => {
    const flags = parseJoinFlags([...JOIN, "--node-name", "b", "--data", "/d"]);
    expect(flags).toMatchObject({
      data: "/d",
      cluster: { server: "https://10.0.0.1:6443", token: { id: "abcdef" }, authorityHashes: [HASH], node: "b" },
    });
  });

  test("takes the runtime of its pods and whether services are forwarded", () => {
    const flags = parseJoinFlags([
      ...JOIN,
      "--runtime",
      "process",
      "--service-proxy",
      "off",
      "--kubelet-port",
      "0",
      "--node-ip",
      "192.0.2.1",
    ]);
    expect(flags).toMatchObject({ runtime: { name: "process" }, proxy: undefined, dns: undefined, kubeletPort: 0, nodeIp: "192.0.2.1" });
    expect(parseJoinFlags(JOIN)).toMatchObject({ runtime: { name: "hollow" }, proxy: "userspace", kubeletPort: undefined });
  });

  test("goes on without one", () => {
    expect(parseJoinFlags(["--data", "/d"]).cluster).toBeUndefined();
  });

  test.each([
    [["10.0.0.1:6443"], /wants --token/],
    [["10.0.0.1:6443", "--token", TOKEN], /wants --discovery-token-ca-cert-hash/],
    [["10.0.0.1:6443/x", "--token", TOKEN], /is no HOST:PORT/],
    [["me@10.0.0.1", "--token", TOKEN], /is no HOST:PORT/],
    [[...JOIN.slice(0, 4), "sha256:12"], /is not sha256: and 64 hexadecimal digits/],
    [[...JOIN, "--node-name", "Not A Name"], /--node-name Not A Name/],
    [[...JOIN, "--kubelet-port", "70000"], /from 0 to 65535/],
    [[...JOIN, "--node-ip", "here"], /is no IP address/],
    [[...JOIN, "--catalog", "f"], /is for real processes/],
    [[...JOIN, "--service-proxy", "maybe"], /is none of on, off and nftables/],
    [["a", "b"], /wants one HOST:PORT/],
  ])("%j is wrong", (args, words) => {
    expect(() => parseJoinFlags(args)).toThrow(WrongUsage);
    expect(() => parseJoinFlags(args)).toThrow(words);
  });

  test("repeats no token that has a slip in it", () => {
    expect(() => parseJoinFlags([JOIN[0] ?? "", "--token", "secret.secret", ...JOIN.slice(3)])).toThrow(/^(?!.*secret)/);
  });
});

test("token creates, lists and deletes", () => {
  expect(parseTokenFlags(["create", "--ttl", "0", "--print-join-command"]).command).toMatchObject({
    do: "create",
    ttl_ms: 0,
    printJoin: true,
  });
  expect(parseTokenFlags(["create", TOKEN, "--groups", "system:bootstrappers:a,system:bootstrappers:b"]).command).toMatchObject({
    token: { id: "abcdef" },
    groups: ["system:bootstrappers:a", "system:bootstrappers:b"],
  });
  expect(parseTokenFlags(["list", "-o", "json", "--data", "/d"])).toEqual({
    kubeconfig: "/d/kubeconfig",
    format: "json",
    command: { do: "list" },
  });
  expect(parseTokenFlags(["delete", "abcdef", TOKEN.replace("abcdef", "fedcba")]).command).toEqual({
    do: "delete",
    ids: ["abcdef", "fedcba"],
  });
  for (const args of [[], ["make"], ["delete"], ["create", "--groups", "system:masters"], ["list", "-o", "xml"]])
    expect(() => parseTokenFlags(args), args.join(" ")).toThrow(WrongUsage);
});

test("certs are checked or renewed; what is reset is said", () => {
  expect(parseCertsFlags(["check"])).toEqual({ do: "check", data: ".troupe", format: "table" });
  expect(() => parseCertsFlags(["show"])).toThrow(WrongUsage);
  expect(parseResetFlags(["--data", "/d", "--force"])).toEqual({ data: "/d", force: true, format: "table" });
  expect(() => parseResetFlags([])).toThrow(/wants --data DIR/);
});
