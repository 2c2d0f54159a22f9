import { expect, test } from "vitest";
import { negotiate } from "../../../cluster/gateway/accept.ts";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

test.each([
  [undefined, "json", "object", undefined],
  ["*/*", "json", "object", undefined],
  ["application/json;stream=watch", "json", "object", undefined],
  ["application/yaml", "yaml", "object", undefined],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json", "object", undefined],
  ["application/json;q=0.5,application/yaml;q=0.9", "yaml", "object", undefined],
  ["application/vnd.kubernetes.protobuf,application/json", "json", "object", undefined],
  ["application/vnd.kubernetes.protobuf, */*", "json", "object", undefined],
  ["application/vnd.kubernetes.protobuf", "protobuf", "object", undefined],
  ["application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "protobuf", "metadata", undefined],
  [`${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, "json", "table", undefined],
  ["application/json;as=Table;v=v1;g=other.io,application/json", "json", "object", undefined],
  [
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "json",
    "metadata",
    undefined,
  ],
  ["application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", "json", "object", "v2"],
  ["application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json", "json", "object", undefined],
])("%s", (header, encoding, as, aggregated) => {
  expect(negotiate(header)).toEqual({ encoding, as, viewVersion: "v1", aggregated });
});

test("metadata of a list is told from that of one object", () => {
  const many = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const header = `application/vnd.kubernetes.protobuf;${many},application/json;${many}`;
  expect(negotiate(header)).toEqual({ encoding: "json", as: "metadata", many: true, viewVersion: "v1", aggregated: undefined });
});

test("views come in the version that is asked for", () => {
  expect(negotiate("application/json;as=Table;v=v1beta1;g=meta.k8s.io")?.viewVersion).toBe("v1beta1");
});

const PROTOBUF_TABLE = "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1";

test.each(["text/html", PROTOBUF_TABLE, "application/cbor", "nonsense"])("nothing for %s", (header) => {
  expect(negotiate(header)).toBeUndefined();
});
