import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { readKubeconfig } from "../../../bench/driver/kubeconfig.ts";
import { kubeconfigText } from "../../../cluster/pki/kubeconfig.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-kubeconfig-"));
  path = join(directory, "config");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const config = (cluster: object, user: object, context: object = { cluster: "c", user: "u" }): object => ({
  "current-context": "x",
  contexts: [{ name: "x", context }],
  clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:6443/", ...cluster } }],
  users: [{ name: "u", user }],
});

describe("access by a kubeconfig", () => {
  test("our own, with everything embedded", () => {
    writeFileSync(path, kubeconfigText({ server: "https://127.0.0.1:6443", authority: "CA", user: { cert: "CERT", key: "KEY" } }));
    expect(readKubeconfig(path)).toEqual({
      origin: "https://127.0.0.1:6443",
      path: "/",
      authority: "CA",
      serverName: undefined,
      insecure: false,
      clientCertificate: "CERT",
      clientKey: "KEY",
      token: undefined,
    });
  });

  test("files beside it, a token, no checking", () => {
    writeFileSync(join(directory, "token"), "secret\n");
    writeFileSync(join(directory, "ca.crt"), "CA");
    writeFileSync(path, stringify(config({ "certificate-authority": "ca.crt", "insecure-skip-tls-verify": true }, { tokenFile: "token" })));
    expect(readKubeconfig(path)).toMatchObject({ authority: "CA", insecure: true, token: "secret", clientKey: undefined });
  });

  test.each([
    ["no YAML", "a: [", /cannot read the kubeconfig/],
    ["no context", stringify({ "current-context": "y", contexts: [] }), /has no context named y/],
    ["no user", stringify(config({}, {}, { cluster: "c", user: "v" })), /has no user named v/],
    ["no server", stringify(config({ server: "nowhere" }, {})), /names no server that is a URL/],
    ["a plug-in", stringify(config({}, { exec: { command: "login" } })), /logs in by a plug-in/],
    [
      "a missing file",
      stringify(config({ "certificate-authority": "absent.crt" }, {})),
      /absent\.crt, which the kubeconfig names \(ENOENT\)/,
    ],
  ])("wrong: %s", (_what, content, words) => {
    writeFileSync(path, content);
    expect(() => readKubeconfig(path)).toThrow(words);
  });

  test("wrong: no file", () => {
    expect(() => readKubeconfig(join(directory, "none"))).toThrow(/ENOENT/);
  });
});
