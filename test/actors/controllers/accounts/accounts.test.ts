import { describe, expect, test } from "vitest";
import { clusterRoleAggregationController } from "../../../../actors/controllers/accounts/cluster-role-aggregation.ts";
import { rootCaPublisher } from "../../../../actors/controllers/accounts/root-ca-publisher.ts";
import { serviceAccountController } from "../../../../actors/controllers/accounts/service-account.ts";
import { serviceAccountTokensController } from "../../../../actors/controllers/accounts/service-account-tokens.ts";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { SecretKind } from "../../../../actors/kinds/core/secret.ts";
import { ServiceAccountKind } from "../../../../actors/kinds/core/service-account.ts";
import { ClusterRoleKind } from "../../../../actors/kinds/rbac/cluster-role.ts";
import { Transcript } from "../transcript.ts";

const namespace = (phase: string) => ({ metadata: { name: "d" }, spec: {}, status: { phase } });

describe("the account of every namespace", () => {
  const started = (phase: string) => new Transcript(serviceAccountController).put(NamespaceKind, namespace(phase));

  test("is made, and made again", () => {
    const transcript = started("Active");
    expect(transcript.decide()).toEqual(["create ServiceAccount/default"]);
    transcript.put(ServiceAccountKind, { metadata: { name: "default" } });
    expect(transcript.decide()).toEqual([]);
    expect(transcript.remove(ServiceAccountKind, "default").decide()).toEqual(["create ServiceAccount/default"]);
  });

  test("is not made where the namespace is going, and others are nobody's business", () => {
    expect(started("Terminating").decide()).toEqual([]);
    const transcript = started("Active").put(ServiceAccountKind, { metadata: { name: "default" } });
    transcript.decide();
    transcript.put(ServiceAccountKind, { metadata: { name: "mine" } }).remove(ServiceAccountKind, "mine");
    expect(transcript.decide()).toEqual([]);
  });
});

describe("the authority's certificate", () => {
  const started = (phase = "Active") => new Transcript(rootCaPublisher("PEM")).put(NamespaceKind, namespace(phase));
  const map = (data: object, annotations: object = {}) => ({ metadata: { name: "kube-root-ca.crt", annotations }, data });

  test("is in every namespace that is not going", () => {
    expect(started().decide()).toEqual(["create ConfigMap/kube-root-ca.crt"]);
    expect(started("Terminating").decide()).toEqual([]);
  });

  test("is put right when somebody has changed it, with all else that it holds", () => {
    const transcript = started().put(ConfigMapKind, map({ "ca.crt": "PEM" }, { "kubernetes.io/description": "what it is" }));
    expect(transcript.decide()).toEqual([]);
    transcript.put(ConfigMapKind, map({ "ca.crt": "PEM" }));
    expect(transcript.decide()).toEqual([expect.stringContaining('{"kubernetes.io/description":"Contains a CA bundle')]);
    transcript.put(ConfigMapKind, map({ "ca.crt": "other", more: "1" }));
    expect(transcript.decide()).toEqual([
      expect.stringMatching(/^modify ConfigMap\/kube-root-ca.crt .*"data":\{"ca.crt":"PEM","more":null\}/),
    ]);
  });

  test("comes back when it was deleted", () => {
    const transcript = started().put(ConfigMapKind, map({ "ca.crt": "PEM" }));
    transcript.decide();
    expect(transcript.remove(ConfigMapKind, "kube-root-ca.crt").decide()).toEqual(["create ConfigMap/kube-root-ca.crt"]);
  });
});

describe("secrets for tokens", () => {
  const KEY = "secrets/d/s";
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const sign = async (where: string, secret: string, { name, uid }: { name: string; uid: string }): Promise<string> =>
    `${where}/${secret} ${name} ${uid}`;
  const started = () => new Transcript(serviceAccountTokensController({ sign, caCertificate: "PEM" }));
  const account = { metadata: { name: "a" } };
  const secret = (annotations: object, data: object = {}, type = "kubernetes.io/service-account-token") => ({
    metadata: { name: "s", annotations },
    type,
    data,
  });
  const NAME = { "kubernetes.io/service-account.name": "a" };
  const UID = { "kubernetes.io/service-account.uid": "uid-a" };
  const filled = { "ca.crt": base64("PEM"), namespace: base64("d"), token: base64("d/s a uid-a") };

  test.each([
    ["an empty one is filled", secret(NAME), [`modify Secret/s ${JSON.stringify({ metadata: { annotations: UID }, data: filled })}`]],
    ["one that is full is left", secret({ ...NAME, ...UID }, filled), []],
    [
      "what is missing is added, what is there stays",
      secret({ ...NAME, ...UID }, { token: "mine" }),
      [`modify Secret/s ${JSON.stringify({ data: { "ca.crt": filled["ca.crt"], namespace: filled.namespace } })}`],
    ],
    [
      "another authority's certificate is not left",
      secret({ ...NAME, ...UID }, { ...filled, "ca.crt": "other" }),
      [`modify Secret/s ${JSON.stringify({ data: { "ca.crt": filled["ca.crt"] } })}`],
    ],
    [
      "one of an earlier account of the name goes",
      secret({ ...NAME, "kubernetes.io/service-account.uid": "earlier" }),
      ["delete Secret/s"],
    ],
    ["one of no account goes", secret({ "kubernetes.io/service-account.name": "b" }), ["delete Secret/s"]],
    ["others are left", secret(NAME, {}, "Opaque"), []],
  ])("%s", async (_what, object, expected) => {
    const transcript = started().put(ServiceAccountKind, account).put(SecretKind, object);
    const lines = await transcript.lookAndWork(KEY);
    // Members of `data` come in the order in which they are merged.
    expect(lines.map((line) => sorted(line))).toEqual(expected.map((line) => sorted(line)));
  });

  test("goes with its account", async () => {
    const transcript = started()
      .put(ServiceAccountKind, account)
      .put(SecretKind, secret({ ...NAME, ...UID }, filled));
    transcript.decide();
    expect(transcript.remove(ServiceAccountKind, "a").decide()).toEqual(["delete Secret/s"]);
  });

  test("is forgotten by its account when it goes, and others are not", () => {
    const secrets = [{ name: "s" }, { name: "pull" }];
    const transcript = started()
      .put(ServiceAccountKind, { ...account, secrets })
      .put(SecretKind, secret({ ...NAME, ...UID }, filled))
      .put(SecretKind, { metadata: { name: "pull" }, type: "kubernetes.io/dockercfg", data: {} });
    transcript.decide();
    expect(transcript.remove(SecretKind, "pull").decide()).toEqual([]);
    expect(transcript.remove(SecretKind, "s").decide()).toEqual(['modify ServiceAccount/a {"secrets":[{"name":"pull"}]}']);
  });

  function sorted(line: string): string {
    return [...line].sort().join("");
  }
});

describe("cluster roles of others", () => {
  const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
  const part = (name: string, labels: object, ...resources: readonly string[]) => ({
    metadata: { name, labels },
    rules: resources.map(rule),
  });
  const whole = (rules: readonly object[], ...labels: readonly object[]) => ({
    metadata: { name: "whole" },
    aggregationRule: { clusterRoleSelectors: labels.map((matchLabels) => ({ matchLabels })) },
    rules,
  });
  const decide = (...roles: readonly object[]): readonly string[] => {
    const transcript = new Transcript(clusterRoleAggregationController);
    for (const role of roles) transcript.put(ClusterRoleKind, role);
    return transcript.decide();
  };
  const has = (...resources: readonly string[]): readonly string[] => [
    `modify ClusterRole/whole ${JSON.stringify({ rules: resources.map(rule) })}`,
  ];

  test.each([
    [
      "takes the rules of all that it selects",
      [part("a", { x: "1" }, "pods"), part("b", { x: "1" }, "nodes"), part("c", { y: "1" }, "secrets"), whole([], { x: "1" })],
      has("pods", "nodes"),
    ],
    [
      "by any of its selectors",
      [part("a", { x: "1" }, "pods"), part("b", { y: "1" }, "nodes"), whole([], { x: "1" }, { y: "1" })],
      has("pods", "nodes"),
    ],
    [
      "each rule once",
      [part("a", { x: "1" }, "pods"), part("b", { x: "1" }, "pods", "nodes"), whole([], { x: "1" })],
      has("pods", "nodes"),
    ],
    ["is left when it has them", [part("a", { x: "1" }, "pods"), whole([rule("pods")], { x: "1" })], []],
    [
      "loses what somebody has written into it",
      [part("a", { x: "1" }, "pods"), whole([rule("pods"), rule("secrets")], { x: "1" })],
      has("pods"),
    ],
    [
      "does not take its own",
      [{ ...whole([rule("pods")], { x: "1" }), metadata: { name: "whole", labels: { x: "1" } } }],
      ['modify ClusterRole/whole {"rules":[]}'],
    ],
    ["roles of their own rules are left", [part("a", { x: "1" }, "pods")], []],
  ])("%s", (_what, roles, expected) => {
    expect(decide(...roles)).toEqual(expected);
  });
});
