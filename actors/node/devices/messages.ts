/** What kubelet says to drivers of devices, version 1 and 1beta1, which have the same messages. Source: the numbers in k8s.io/kubelet's pkg/apis/dra. */
import { type Service, serviceOf } from "../grpc/messages.ts";

const MESSAGES = {
  Claim: { namespace: "1 string", uid: "2 string", name: "3 string" },
  NodePrepareResourcesRequest: { claims: "1 repeated Claim" },
  NodePrepareResourcesResponse: { claims: "1 map NodePrepareResourceResponse" },
  NodePrepareResourceResponse: { devices: "1 repeated Device", error: "2 string" },
  Device: { requestNames: "1 repeated string", poolName: "2 string", deviceName: "3 string", cdiDeviceIds: "4 repeated string" },
  NodeUnprepareResourcesRequest: { claims: "1 repeated Claim" },
  NodeUnprepareResourcesResponse: { claims: "1 map NodeUnprepareResourceResponse" },
  NodeUnprepareResourceResponse: { error: "1 string" },
} as const;

const METHODS = {
  NodePrepareResources: ["NodePrepareResourcesRequest", "NodePrepareResourcesResponse"],
  NodeUnprepareResources: ["NodeUnprepareResourcesRequest", "NodeUnprepareResourcesResponse"],
} as const;

export type DraMessages = typeof MESSAGES;
export type DraService = Service<DraMessages, typeof METHODS>;

/** By what a plugin says that it offers, the one that is wanted most first. */
export const DRA_SERVICES: Readonly<Record<string, DraService>> = {
  "v1.DRAPlugin": serviceOf("k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin", MESSAGES, METHODS),
  "v1beta1.DRAPlugin": serviceOf("k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin", MESSAGES, METHODS),
};
