import { describe, expect, test } from "vitest";
import { parseUpFlags, WrongUsage } from "../../../cluster/command-line/flags.ts";

describe("parseUpFlags", () => {
  test("has the documented defaults", () => {
    expect(parseUpFlags([])).toEqual({
      nodes: undefined,
      data: ".troupe",
      apiPort: 6443,
      nats: undefined,
      threads: undefined,
      only: undefined,
      schedulerConfig: undefined,
      schedulers: undefined,
      serviceAccountIssuer: "https://k",
      tokenFile: undefined,
      authorizationMode: "RBAC",
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
      nats: ["nats://a:1", "nats://b:2"],
      threads: 3,
      only: "api",
      schedulerConfig: undefined,
      schedulers: undefined,
      serviceAccountIssuer: "https://i",
      tokenFile: "/t",
      authorizationMode: "AlwaysAllow",
    });
  });

  test("says in one line that a value is missing", () => {
    expect(() => parseUpFlags(["--nodes", "-1"])).toThrow(/^Option '--nodes' argument is ambiguous; see npm start -- --help$/);
    expect(() => parseUpFlags(["--nodes"])).toThrow(/^Option '--nodes <value>' argument missing; see npm start -- --help$/);
  });

  test.each([
    ["--nodes many", "--nodes many is not a whole number from 0 to 16384"],
    ["--nodes=-1", "--nodes -1 is not a whole number"],
    ["--api-port 70000", "--api-port 70000 is not a whole number from 0 to 65535"],
    ["--threads 0", "--threads 0 is not a whole number from 1 to 64"],
    ["--nats http://x", "--nats http://x is not a NATS URL"],
    ["--runtime docker", "--runtime docker is none of hollow, process, sandbox, cri"],
    ["--runtime process", "--runtime process is not part of this version"],
    ["--only web", "--only web is unknown"],
    ["--node 5", "Unknown option '--node'"],
    ["5", "Unexpected argument '5'"],
  ])("refuses %s in words", (line, words) => {
    expect(() => parseUpFlags(line.split(" "))).toThrow(WrongUsage);
    expect(() => parseUpFlags(line.split(" "))).toThrow(words);
  });
});
