import { describe, expect, test } from "vitest";
import { ingressStatusController } from "../../../../actors/controllers/services/ingress-status.ts";
import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from "../../../../actors/kinds/generated/types.ts";
import { IngressKind } from "../../../../actors/kinds/networking/ingress.ts";
import { IngressClassKind } from "../../../../actors/kinds/networking/ingress-class.ts";
import { type IngressWorld, remembering, routingTableOf } from "../../../../actors/node/ingress/ingress-rules.ts";
import { atHost, backendFor } from "../../../../actors/node/ingress/routing-table.ts";
import { Transcript } from "../../controllers/transcript.ts";

const META = { namespace: "d", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" };
const PORTS = [
  { name: "http", port: 80 },
  { name: "admin", port: 81 },
];
const WORLD: IngressWorld = {
  ingressClass: (name) =>
    ({
      ours: { metadata: { name }, spec: { controller: "troupe.dev/ingress" } },
      theirs: { metadata: { name }, spec: { controller: "example.com/x" } },
    })[name] as IngressClass | undefined,
  service: (_namespace, name) => (name === "absent" ? undefined : ({ metadata: { name, ...META }, spec: { ports: PORTS } } as Service)),
  slices: (_namespace, service) => [
    {
      metadata: { name: "s", ...META },
      addressType: "IPv4",
      endpoints: [{ addresses: [service === "b" ? "127.1.0.2" : "127.1.0.1"], conditions: { ready: service !== "ill" } }],
      ports: [
        { name: "http", port: 8_080, protocol: "TCP" },
        { name: "admin", port: 8_081, protocol: "TCP" },
      ],
    } as EndpointSlice,
  ],
  secret: (_namespace, name) =>
    name === "tls"
      ? ({ metadata: { name, ...META }, data: { "tls.crt": btoa("certificate"), "tls.key": btoa("key") } } as Secret)
      : undefined,
};

const service = (name: string, port: object = { number: 80 }): object => ({ service: { name, port } });
const path = (at: string, name: string, pathType = "Prefix"): object => ({ path: at, pathType, backend: service(name) });
const rule = (host: string | undefined, ...paths: object[]): object => ({ ...(host === undefined ? {} : { host }), http: { paths } });

function ingress(spec: object, rest: object = {}): Ingress {
  return { metadata: { name: "i", ...META, ...rest }, spec: { ingressClassName: "ours", ...spec } } as Ingress;
}

/** The service that a request to `host/path` is for. */
function ledTo(ingresses: readonly Ingress[], url: string): string | undefined {
  const slash = url.indexOf("/");
  return backendFor(routingTableOf(ingresses, WORLD), url.slice(0, slash), url.slice(slash))?.name;
}

describe("paths, as the documentation of Kubernetes has them", () => {
  test.each<[string, string, string, boolean]>([
    ["Prefix", "/", "/anything", true],
    ["Exact", "/foo", "/foo", true],
    ["Exact", "/foo", "/bar", false],
    ["Exact", "/foo", "/foo/", false],
    ["Exact", "/foo/", "/foo", false],
    ["Prefix", "/foo", "/foo", true],
    ["Prefix", "/foo", "/foo/", true],
    ["Prefix", "/foo/", "/foo", true],
    ["Prefix", "/foo/", "/foo/", true],
    ["Prefix", "/aaa/bb", "/aaa/bbb", false],
    ["Prefix", "/aaa/bbb", "/aaa/bbb", true],
    ["Prefix", "/aaa/bbb/", "/aaa/bbb", true],
    ["Prefix", "/aaa/bbb", "/aaa/bbb/", true],
    ["Prefix", "/aaa/bbb", "/aaa/bbb/ccc", true],
    ["Prefix", "/aaa/bbb", "/aaa/bbbxyz", false],
    ["Prefix", "/aaa", "/AAA", false],
    ["ImplementationSpecific", "/foo", "/foo/bar", true],
  ])("%s %s and a request for %s", (pathType, at, asked, is) => {
    expect(ledTo([ingress({ rules: [rule("h", path(at, "a", pathType))] })], `h${asked}`) !== undefined).toBe(is);
  });

  test.each<[string, string]>([
    ["/x/y/z", "d/b:80"],
    ["/x/q", "d/a:80"],
    ["/x/y", "d/exact:80"],
    ["/other", "d/root:80"],
  ])("of several that match %s the longest counts, and an exact one first", (asked, expected) => {
    const paths = [path("/", "root"), path("/x", "a"), path("/x/y", "b"), path("/x/y", "exact", "Exact")];
    expect(ledTo([ingress({ rules: [rule("h", ...paths)] })], `h${asked}`)).toBe(expected);
  });
});

describe("hosts", () => {
  const rules = [rule("foo.example", path("/only", "exact")), rule("*.foo.example", path("/", "wild")), rule(undefined, path("/", "any"))];
  test.each<[string, string | undefined]>([
    ["foo.example/only", "d/exact:80"],
    ["FOO.example:8080/only", "d/exact:80"],
    ["foo.example/else", undefined],
    ["bar.foo.example/", "d/wild:80"],
    ["baz.bar.foo.example/", "d/any:80"],
    ["other.example/", "d/any:80"],
  ])("%s", (url, expected) => {
    expect(ledTo([ingress({ rules })], url)).toBe(expected);
  });

  test("what no rule is for goes to the default backend; without one to nobody", () => {
    expect(ledTo([ingress({ rules }), ingress({ defaultBackend: service("a", { name: "admin" }) })], "foo.example/else")).toBe("d/a:admin");
    expect(ledTo([], "foo.example/")).toBeUndefined();
  });

  test("of two ingresses that say something of the same place the older counts", () => {
    const young = ingress({ rules: [rule("h", path("/", "a"))] }, { creationTimestamp: "2026-02-01T00:00:00Z" });
    const old = ingress({ rules: [rule("h", path("/", "b"))] });
    expect(ledTo([young, old], "h/")).toBe("d/b:80");
  });
});

test("only ingresses of classes that are served here count", () => {
  const rules = [rule("h", path("/", "a"))];
  expect(ledTo([ingress({ rules, ingressClassName: "theirs" })], "h/")).toBeUndefined();
  expect(ledTo([ingress({ rules, ingressClassName: undefined })], "h/")).toBeUndefined();
  expect(ledTo([ingress({ rules, ingressClassName: undefined }, { annotations: { "kubernetes.io/ingress.class": "ours" } })], "h/")).toBe(
    "d/a:80",
  );
});

test("a backend is the endpoints of the service's port, by number or name", () => {
  const targets = (backend: object): unknown => routingTableOf([ingress({ defaultBackend: backend })], WORLD).defaultBackend?.targets;
  expect(targets(service("a"))).toEqual([{ address: "127.1.0.1", port: 8_080 }]);
  expect(targets(service("b", { name: "admin" }))).toEqual([{ address: "127.1.0.2", port: 8_081 }]);
  expect(targets(service("a", { number: 8_080 }))).toEqual([]);
  expect(targets(service("absent"))).toEqual([]);
  expect(targets(service("ill"))).toEqual([]);
  expect(targets({ resource: { kind: "Bucket", name: "x" } })).toEqual([]);
});

test("certificates are those of secrets, by the hosts that they are said for", () => {
  const tls = [
    { hosts: ["foo.example", "*.foo.example"], secretName: "tls" },
    { hosts: ["bar.example"], secretName: "absent" },
  ];
  const { certificates } = routingTableOf([ingress({ tls })], WORLD);
  expect([...certificates.keys()]).toEqual(["foo.example", "*.foo.example"]);
  expect(atHost(certificates, "a.foo.example")).toEqual({ cert: "certificate", key: "key" });
  expect(atHost(certificates, "a.b.foo.example")).toBeUndefined();
});

test("what was looked up is remembered", () => {
  const asked = new Set<string>();
  routingTableOf([ingress({ rules: [rule("h", path("/", "a"))], tls: [{ hosts: ["h"], secretName: "tls" }] })], remembering(WORLD, asked));
  expect([...asked].sort()).toEqual(["ingressclasses.networking.k8s.io/ours", "secrets/d/tls", "services/d/a"]);
});

test("an ingress says where it is served, and no more when it is of another class", () => {
  const transcript = new Transcript(ingressStatusController("127.97.1.1"));
  const put = (ingressClassName: string, loadBalancer: object): Transcript =>
    transcript.put(IngressKind, { metadata: { name: "i" }, spec: { ingressClassName }, status: { loadBalancer } });
  for (const [name, controller] of [
    ["ours", "troupe.dev/ingress"],
    ["theirs", "example.com/x"],
  ] as const)
    transcript.put(IngressClassKind, { metadata: { name }, spec: { controller } });
  const said = { ingress: [{ ip: "127.97.1.1" }] };
  expect(put("ours", {}).decide()).toEqual(['status Ingress/i {"loadBalancer":{"ingress":[{"ip":"127.97.1.1"}]}}']);
  expect(put("ours", said).decide()).toEqual([]);
  expect(put("theirs", said).decide()).toEqual(['status Ingress/i {"loadBalancer":{"ingress":null}}']);
  expect(put("theirs", { ingress: [{ ip: "192.0.2.1" }] }).decide()).toEqual([]);
});
