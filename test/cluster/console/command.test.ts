import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { parseConsoleFlags } from "../../../cluster/console/command/flags.ts";
import { openerOf } from "../../../cluster/console/command/open-in-browser.ts";
import { runConsole } from "../../../cluster/console/command/run.ts";
import { startGateway, type TestGateway } from "../gateway/harness.ts";

let server: TestGateway;
let directory: string;
beforeAll(async () => {
  server = await startGateway();
  directory = mkdtempSync(join(tmpdir(), "troupe-console-test-"));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await server.stop();
});

/** A kubeconfig of the test's server for a user with these fields. */
function kubeconfigOf(user: object): string {
  const file = join(directory, "kubeconfig");
  const config = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: server.url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ttl_ms = 600_000;

describe("troupe console", () => {
  test("takes the kubeconfig of the data directory, for eight hours, unless it is told otherwise", () => {
    expect(parseConsoleFlags([])).toEqual({ kubeconfig: ".troupe/kubeconfig", ttl_ms: 8 * 3_600_000, opens: true, format: "table" });
    expect(parseConsoleFlags(["--data", "d", "--ttl", "10m", "--print-only"])).toEqual({
      kubeconfig: "d/kubeconfig",
      ttl_ms,
      opens: false,
      format: "table",
    });
    expect(parseConsoleFlags(["--kubeconfig", "k"]).kubeconfig).toBe("k");
    expect(() => parseConsoleFlags(["--open"])).toThrow(WrongUsage);
  });

  test("trades a certificate for a session of its user", async () => {
    const { key, cert } = await server.authority.client("jane", ["dev"]);
    const kubeconfig = kubeconfigOf({ "client-certificate-data": base64(cert), "client-key-data": base64(key) });
    const [address, token = ""] = (await runConsole({ kubeconfig, ttl_ms, opens: false })).split("#token=");
    expect(address).toBe(`${server.url}/console/`);
    const who = await server.client(undefined)(
      "POST",
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      {},
      { authorization: `Bearer ${token}` },
    );
    expect(who.json().status.userInfo.username).toBe("jane");
  });

  test("hands on a token that is one already", async () => {
    const kubeconfig = kubeconfigOf({ token: "a.b+c" });
    expect(await runConsole({ kubeconfig, ttl_ms, opens: false })).toBe(`${server.url}/console/#token=a.b%2Bc`);
  });

  test("says what to do where there is no cluster", async () => {
    await expect(runConsole({ kubeconfig: join(directory, "none"), ttl_ms, opens: false })).rejects.toThrow(/none.*is Troupe running\?/);
  });

  test.each<[NodeJS.Platform, NodeJS.ProcessEnv, string | undefined]>([
    ["linux", {}, undefined],
    ["linux", { DISPLAY: "" }, undefined],
    ["linux", { DISPLAY: ":0" }, "xdg-open"],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }, "xdg-open"],
    ["darwin", {}, "open"],
  ])("on %s with %o, files are opened by %s", (platform, env, opener) => {
    expect(openerOf(platform, env)).toBe(opener);
  });
});
