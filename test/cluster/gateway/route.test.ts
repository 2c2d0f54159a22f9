import { describe, expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import type { Page } from "../../../cluster/gateway/route.ts";
import { parseRequest } from "../../../cluster/gateway/route.ts";
import { targetOf } from "../../../cluster/gateway/target.ts";

/** method, url, then verb, group/version, namespace, resource, name, subresource. */
const RESOURCES: readonly (readonly [string, string, string, string, string, string, string, string])[] = [
  ["GET", "/api/v1/pods", "list", "/v1", "", "pods", "", ""],
  ["GET", "/api/v1/pods?watch=true", "watch", "/v1", "", "pods", "", ""],
  ["GET", "/api/v1/pods?watch=0", "list", "/v1", "", "pods", "", ""],
  ["HEAD", "/api/v1/namespaces/a/pods/b", "get", "/v1", "a", "pods", "b", ""],
  ["GET", "/api/v1/namespaces/a/pods/b?watch=1", "get", "/v1", "a", "pods", "b", ""],
  ["GET", "/api/v1/namespaces/a/pods/b/status", "get", "/v1", "a", "pods", "b", "status"],
  ["GET", "/api/v1/namespaces/a/pods/b/proxy/x/y", "get", "/v1", "a", "pods", "b", "proxy"],
  ["POST", "/api/v1/namespaces/a/pods/b/binding", "create", "/v1", "a", "pods", "b", "binding"],
  ["POST", "/apis/apps/v1/namespaces/a/deployments", "create", "apps/v1", "a", "deployments", "", ""],
  ["PUT", "/apis/apps/v1/namespaces/a/deployments/b/scale", "update", "apps/v1", "a", "deployments", "b", "scale"],
  ["PATCH", "/apis/apps/v1/namespaces/a/deployments/b", "patch", "apps/v1", "a", "deployments", "b", ""],
  ["DELETE", "/api/v1/namespaces/a/pods", "deletecollection", "/v1", "a", "pods", "", ""],
  ["DELETE", "/api/v1/namespaces/a", "delete", "/v1", "a", "namespaces", "a", ""],
  ["GET", "/api/v1/namespaces", "list", "/v1", "", "namespaces", "", ""],
  ["PUT", "/api/v1/namespaces/a/finalize", "update", "/v1", "a", "namespaces", "a", "finalize"],
  ["PUT", "/api/v1/namespaces/a/status", "update", "/v1", "a", "namespaces", "a", "status"],
  ["GET", "/api/v1/watch/namespaces/a/pods", "watch", "/v1", "a", "pods", "", ""],
  ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", "list", "/v1", "", "pods", "x", ""],
  ["GET", "/api/v1/namespaces/a%20b/pods/c%2Fd", "get", "/v1", "a b", "pods", "c/d", ""],
  ["GET", "/api/v1/nodes/n1/", "get", "/v1", "", "nodes", "n1", ""],
  ["OPTIONS", "/api/v1/pods", "", "/v1", "", "pods", "", ""],
];

const PAGES: readonly (readonly [string, Page])[] = [
  ["/", { page: "root" }],
  ["/api", { page: "core-versions" }],
  ["/api/", { page: "core-versions" }],
  ["/api/v1", { page: "resources", group: "", version: "v1" }],
  ["/apis", { page: "groups" }],
  ["/apis/apps", { page: "group", group: "apps" }],
  ["/apis/apps/v1/", { page: "resources", group: "apps", version: "v1" }],
  ["/openapi/v2", { page: "openapi-v2" }],
  ["/openapi/v3", { page: "openapi-v3" }],
  ["/openapi/v3/apis/apps/v1?hash=1", { page: "openapi-v3-document", document: "apis/apps/v1" }],
  ["/version", { page: "version" }],
  ["/healthz", { page: "health", endpoint: "healthz", check: "" }],
  ["/readyz/store", { page: "health", endpoint: "readyz", check: "store" }],
  ["/metrics", { page: "metrics" }],
  ["/metrics/", { page: "none" }],
  ["/metrics/slis", { page: "slis" }],
  ["/healthz/", { page: "none" }],
  ["/openapi/v3/", { page: "none" }],
  ["/version/", { page: "version" }],
  ["/apis/", { page: "groups" }],
  ["/apis/apps/v1/", { page: "resources", group: "apps", version: "v1" }],
  ["https://example.com:6443/version?x=1", { page: "version" }],
  ["http://example.com", { page: "root" }],
  ["/debug/api_priority_and_fairness/dump_queues", { page: "fairness", dump: "dump_queues" }],
  ["/debug/api_priority_and_fairness/dump_nothing", { page: "none" }],
  ["/console/", { page: "console", rest: "" }],
  ["/console/nodes/a%2Fb", { page: "console", rest: "nodes/a/b" }],
  ["/openapi/v4", { page: "none" }],
  ["/versions", { page: "none" }],
  ["/api//v1", { page: "none" }],
  ["/api/v1/namespaces/%zz/pods", { page: "none" }],
  ["*", { page: "root" }],
];

describe("parseRequest", () => {
  test.each(RESOURCES)("%s %s", (method, url, verb, groupVersion, namespace, resource, name, subresource) => {
    const info = parseRequest(method, url);
    if (info.type !== "resource") return expect.fail(`parsed as page ${info.page.page}`);
    const got = [info.verb, `${info.group}/${info.version}`, info.namespace, info.resource, info.name, info.subresource];
    expect(got).toEqual([verb, groupVersion.includes("/") ? groupVersion : `/${groupVersion}`, namespace, resource, name, subresource]);
  });

  test.each(PAGES)("GET %s", (url, page) => {
    expect(parseRequest("GET", url)).toMatchObject({ type: "page", method: "get", page });
  });

  test("a name from a field selector does not make the request one of a single object", () => {
    expect(parseRequest("GET", "/api/v1/pods?fieldSelector=a%3Db,metadata.name%3D%3Dx")).toMatchObject({ name: "x", named: false });
  });
});

describe("targetOf", () => {
  const kinds = new KindTable();
  test.each([
    ["GET", "/api/v1/namespaces/a/configmaps/b", "object"],
    ["GET", "/api/v1/configmaps", "object"],
    ["GET", "/api/v1/configmaps?watch=1", "object"],
    ["DELETE", "/api/v1/configmaps", "no-method"],
    ["POST", "/api/v1/configmaps", "no-method"],
    ["PUT", "/api/v1/namespaces/a/configmaps", "no-method"],
    ["POST", "/api/v1/namespaces/a/configmaps/b", "no-method"],
    ["OPTIONS", "/api/v1/namespaces/a/configmaps", "no-method"],
    ["DELETE", "/api/v1/namespaces", "no-method"],
    ["GET", "/api/v1/configmaps/b", "no-resource"],
    ["GET", "/api/v1/namespaces/a/configmaps/b/status", "no-resource"],
    ["GET", "/api/v1/namespaces/a/nothings", "no-resource"],
    ["GET", "/apis/nope.io/v1/things", "no-page"],
    ["GET", "/api/v7/pods", "no-page"],
    ["GET", "/api/v1/namespaces/a", "object"],
    ["PUT", "/api/v1/namespaces/a/finalize", "subresource"],
    ["GET", "/api/v1/namespaces/a/finalize", "no-method"],
    ["POST", "/api/v1/namespaces/a/bindings", "virtual"],
    ["GET", "/api/v1/namespaces/a/bindings", "no-method"],
  ])("%s %s -> %s", (method, url, target) => {
    const info = parseRequest(method, url);
    if (info.type !== "resource") return expect.fail(`parsed as page ${info.page.page}`);
    expect(targetOf(info, kinds).target).toBe(target);
  });

  test("finds the kind", () => {
    const info = parseRequest("GET", "/api/v1/namespaces/a/configmaps/b");
    if (info.type !== "resource") return expect.fail("parsed as page");
    expect(targetOf(info, kinds)).toMatchObject({ kind: ConfigMapKind });
  });
});
