import fc from "fast-check";
import { headers, type MsgHdrs } from "nats";
import { describe, expect, test } from "vitest";
import { requestSubject as clientRequestSubject, watchSubject as clientWatchSubject } from "../../../client/subjects.ts";
import { parseRequest, type ResourceRequest } from "../../../cluster/gateway/route.ts";
import { requestSubject, watchSubject } from "../../../cluster/nats/subjects.ts";
import { askedBy, VERBS } from "../../../cluster/nats-api/asked.ts";

const METHODS: Readonly<Record<string, string>> = {
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};
const preferred = (group: string): string => (group === "autoscaling" ? "v2" : "v1");

function said(given: Readonly<Record<string, string | readonly string[]>> = {}): MsgHdrs {
  const made = headers();
  for (const [name, values] of Object.entries(given)) for (const value of [values].flat()) made.append(name, value);
  return made;
}

/** What HTTP would have asked for. */
function byHttp(verb: string, target: string): ResourceRequest {
  const info = parseRequest(METHODS[verb] ?? "GET", target);
  if (info.type !== "resource") throw new Error(`${target} is a page`);
  return info;
}

const withoutQuery = ({ query, path: _path, ...rest }: ResourceRequest): object => ({ ...rest, query: String(query) });

describe("a subject and its headers say the same as a method and a path", () => {
  test.each([
    ["get.core.pods.default.web", {}, "/api/v1/namespaces/default/pods/web"],
    ["get.core.pods.default.web.with.dots", {}, "/api/v1/namespaces/default/pods/web.with.dots"],
    ["get.core.nodes._.n1", {}, "/api/v1/nodes/n1"],
    ["get.core.namespaces._.kube-system", {}, "/api/v1/namespaces/kube-system"],
    ["get.core.namespaces.kube-system.kube-system", {}, "/api/v1/namespaces/kube-system"],
    ["update.core.namespaces/finalize._.x", {}, "/api/v1/namespaces/x/finalize"],
    ["list.apps.deployments._._", { labelSelector: "app=web", limit: "5" }, "/apis/apps/v1/deployments?labelSelector=app%3Dweb&limit=5"],
    ["list.core.pods.default._", { fieldSelector: "metadata.name=a" }, "/api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Da"],
    ["watch.core.pods._._", { resourceVersion: "7" }, "/api/v1/watch/pods?resourceVersion=7"],
    [
      "get.core.pods/log.default.web",
      { container: "c", tailLines: "3" },
      "/api/v1/namespaces/default/pods/web/log?container=c&tailLines=3",
    ],
    ["create.core.pods/eviction.default.web", {}, "/api/v1/namespaces/default/pods/web/eviction"],
    ["patch.apps.deployments/scale.default.web", { dryRun: "All" }, "/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All"],
    ["get.autoscaling.horizontalpodautoscalers.a.h", {}, "/apis/autoscaling/v2/namespaces/a/horizontalpodautoscalers/h"],
    [
      "get.autoscaling.horizontalpodautoscalers.a.h",
      { "Api-Version": "autoscaling/v1" },
      "/apis/autoscaling/v1/namespaces/a/horizontalpodautoscalers/h",
    ],
    ["get.rbac_authorization_k8s_io.clusterroles._.system:node", {}, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"],
    ["create.core.pods/exec.default.web", { command: ["ls", "-l"] }, "/api/v1/namespaces/default/pods/web/exec?command=ls&command=-l"],
    ["delete.core.configmaps.default.a%20b%2A", {}, "/api/v1/namespaces/default/configmaps/a%20b*"],
    ["deletecollection.core.pods.default._", {}, "/api/v1/namespaces/default/pods"],
  ] as const)("%s %j", (subject, given, target) => {
    const asked = askedBy(`troupe.api.${subject}`, said(given), preferred);
    const verb = subject.split(".")[0] ?? "";
    expect(withoutQuery(asked.info as ResourceRequest)).toEqual(withoutQuery(byHttp(verb, target)));
  });

  test("why a pod waits, and where pods would go, are pages of HTTPS'", () => {
    expect(askedBy("troupe.api.get.core.pods/why.a.p", undefined, preferred).info).toEqual(
      parseRequest("GET", "/troupe/why?namespace=a&pod=p"),
    );
    expect(askedBy("troupe.api.create.core.pods/what-if.a._", undefined, preferred).info).toEqual(
      parseRequest("POST", "/troupe/what-if?namespace=a"),
    );
  });

  test("headers with a capital are HTTP's; NATS' own are nobody's", () => {
    const {
      headers: http,
      rawHeaders,
      info,
    } = askedBy(
      "troupe.api.create.core.pods.default._",
      said({ "Content-Type": "application/yaml", "Impersonate-Group": ["a", "b"], "Nats-Request-Info": "{}", fieldManager: "me" }),
      preferred,
    );
    expect(http).toEqual({ "content-type": "application/yaml", "impersonate-group": "a, b" });
    expect(rawHeaders).toEqual(["Content-Type", "application/yaml", "Impersonate-Group", "a", "Impersonate-Group", "b"]);
    expect(String(info.query)).toBe("fieldManager=me");
  });

  test.each([
    ["troupe.api.exec.core.pods.default.web", {}, /with one of the verbs get, list/],
    ["troupe.api.get.core.pods.default", {}, /is no troupe.api/],
    ["troupe.api.get.core.namespaces.a.b", {}, /is in no namespace/],
    ["troupe.api.get.core.pods.default.web", { "Api-Version": "apps/v1" }, /of another group/],
  ])("%s %j is refused", (subject, given, message) => {
    expect(() => askedBy(subject, said(given), preferred)).toThrow(message);
  });

  test("every verb is one of the API", () => {
    for (const verb of VERBS) expect(askedBy(`troupe.api.${verb}.core.pods.default.x`, undefined, preferred).info).toMatchObject({ verb });
  });
});

test("the client writes the subjects that the door reads", () => {
  const names = fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), fc.constantFrom("a.b", ".", "a..b", "*", "x y", "system:node"));
  fc.assert(
    fc.property(names, fc.constantFrom("", "default"), fc.constantFrom("", "apps", "cert-manager.io"), (name, namespace, group) => {
      fc.pre(name.isWellFormed());
      const resource = group === "" ? "widgets" : `widgets.${group}`;
      const parts = { group, resource: "widgets", namespace, name };
      expect(clientRequestSubject("get", resource, namespace, name)).toBe(requestSubject("get", parts));
      expect(clientWatchSubject(resource, namespace, name)).toBe(watchSubject(parts));
      expect(clientRequestSubject("get", group === "" ? "widgets/x" : `widgets.${group}/x`, namespace, name)).toBe(
        requestSubject("get", { ...parts, resource: "widgets/x" }),
      );
    }),
  );
});
