import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { parseKubeconfigFlags } from "../../../cluster/kubeconfig/flags.ts";
import { mergeInto } from "../../../cluster/kubeconfig/merge.ts";

const ACCESS = { context: "troupe", cluster: { server: "https://127.0.0.1:6443" }, user: { token: "t" }, namespace: "shop" };
const OTHERS = `# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: work # do not touch
    cluster: { server: "https://work.example" }
  - name: troupe
    cluster: { server: "https://127.0.0.1:1" }
users: []
contexts: null
current-context: work
`;

describe("merging into a kubeconfig", () => {
  test("what is there stays, comments too; what has the name is replaced; the context is the current one", () => {
    const document = parseDocument(OTHERS);
    mergeInto(document, ACCESS);
    expect(document.toString({ lineWidth: 0 })).toBe(`# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: work # do not touch
    cluster: { server: "https://work.example" }
  - name: troupe
    cluster:
      server: https://127.0.0.1:6443
users:
  - name: troupe
    user:
      token: t
contexts:
  - name: troupe
    context:
      cluster: troupe
      user: troupe
      namespace: shop
current-context: troupe
`);
  });

  test("a second time changes nothing", () => {
    const document = parseDocument(OTHERS);
    mergeInto(document, ACCESS);
    const once = document.toString();
    mergeInto(document, ACCESS);
    expect(document.toString()).toBe(once);
  });

  test("what is no list is left alone", () => {
    expect(() => mergeInto(parseDocument("clusters: none"), ACCESS)).toThrow("clusters are no list");
  });
});

describe("flags", () => {
  test("say for whom, and where to", () => {
    expect(parseKubeconfigFlags(["--user", "ada", "--group", "a", "--group", "b", "--ttl", "2h", "--merge"])).toMatchObject({
      kubeconfig: ".troupe/kubeconfig",
      who: { is: "user", user: "ada", groups: ["a", "b"], ttl_ms: 7_200_000 },
      to: "merge",
    });
    expect(parseKubeconfigFlags(["--service-account", "ci/deployer", "--file", "f"])).toMatchObject({
      who: { is: "account", namespace: "ci", account: "deployer" },
      to: { file: "f" },
    });
    expect(parseKubeconfigFlags(["--service-account", "robot"]).who).toMatchObject({ namespace: "default", account: "robot" });
  });

  test.each([
    ["--user a --token t", "give one"],
    ["--group g", "--group is for --user"],
    ["--merge --file f", "give one"],
    ["--service-account a/b/c", "is neither NAME nor NAMESPACE/NAME"],
    ["-o table", "-o table is none of yaml, json"],
  ])("refuse %s", (line, words) => {
    expect(() => parseKubeconfigFlags(line.split(" "))).toThrow(WrongUsage);
    expect(() => parseKubeconfigFlags(line.split(" "))).toThrow(words);
  });
});
