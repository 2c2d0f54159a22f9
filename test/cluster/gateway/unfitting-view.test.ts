import { expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { EventsEventKind } from "../../../actors/kinds/events/event.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { NetworkPolicyKind } from "../../../actors/kinds/networking/network-policy.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import { negotiate, PLAIN_JSON } from "../../../cluster/gateway/accept.ts";
import type { Answer } from "../../../cluster/gateway/answer.ts";
import { refuseUnfitting } from "../../../cluster/gateway/unfitting-view.ts";

const ONE = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const MANY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const CUSTOM = { group: "example.com", kind: "Thing", custom: {} } as Kind;

function refusal(type: "list" | "object", kind: Kind, accept: string): string | undefined {
  try {
    refuseUnfitting({ type, kind } as Answer, negotiate(accept) ?? PLAIN_JSON);
    return undefined;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    expect([error.status.code, error.status.reason]).toEqual([406, "NotAcceptable"]);
    return error.status.message;
  }
}

test.each<["list" | "object", Kind, string, string | undefined]>([
  ["list", ConfigMapKind as Kind, MANY, undefined],
  ["object", ConfigMapKind as Kind, ONE, undefined],
  ["list", ConfigMapKind as Kind, "application/json", undefined],
  ["list", ConfigMapKind as Kind, ONE, "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"],
  [
    "object",
    NetworkPolicyKind as Kind,
    MANY,
    "you requested PartialObjectMetadataList, but the requested object is not a list (*networking.NetworkPolicy)",
  ],
  ["list", EventsEventKind, ONE, "you requested PartialObjectMetadata, but the requested object is a list (*core.EventList)"],
  ["list", CUSTOM, ONE, "you requested PartialObjectMetadata, but the requested object is a list (*unstructured.UnstructuredList)"],
  ["object", CUSTOM, MANY, "you requested PartialObjectMetadataList, but the requested object is not a list (*unstructured.Unstructured)"],
])("a %s of %s as %s", (type, kind, accept, words) => {
  expect(refusal(type, kind, accept)).toBe(words);
});
