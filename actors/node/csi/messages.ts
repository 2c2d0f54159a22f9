/**
 * What Kubernetes uses of the Container Storage Interface, version 1, and of kubelet's registration of plugins, version 1. Sources: the numbers and types in
 * csi.proto (container-storage-interface/spec 1.11) and in k8s.io/kubelet's pluginregistration/v1.
 */
import { type Service, serviceOf } from "../grpc/messages.ts";

const MESSAGES = {
  GetPluginInfoRequest: {},
  GetPluginInfoResponse: { name: "1 string", vendorVersion: "2 string" },
  GetPluginCapabilitiesRequest: {},
  GetPluginCapabilitiesResponse: { capabilities: "1 repeated PluginCapability" },
  PluginCapability: { service: "1 Typed", volumeExpansion: "2 Typed" },
  /** Of a capability: which it is. */
  Typed: { type: "1 int32" },
  Capability: { rpc: "1 Typed" },

  VolumeCapability: { block: "1 BlockVolume", mount: "2 MountVolume", accessMode: "3 AccessMode" },
  BlockVolume: {},
  MountVolume: { fsType: "1 string", mountFlags: "2 repeated string", volumeMountGroup: "3 string" },
  AccessMode: { mode: "1 int32" },
  CapacityRange: { requiredBytes: "1 int64", limitBytes: "2 int64" },
  Topology: { segments: "1 map" },
  TopologyRequirement: { requisite: "1 repeated Topology", preferred: "2 repeated Topology" },

  CreateVolumeRequest: {
    name: "1 string",
    capacityRange: "2 CapacityRange",
    volumeCapabilities: "3 repeated VolumeCapability",
    parameters: "4 map",
    secrets: "5 map",
    accessibilityRequirements: "7 TopologyRequirement",
  },
  CreateVolumeResponse: { volume: "1 Volume" },
  Volume: { capacityBytes: "1 int64", volumeId: "2 string", volumeContext: "3 map", accessibleTopology: "5 repeated Topology" },
  DeleteVolumeRequest: { volumeId: "1 string", secrets: "2 map" },
  DeleteVolumeResponse: {},
  ControllerPublishVolumeRequest: {
    volumeId: "1 string",
    nodeId: "2 string",
    volumeCapability: "3 VolumeCapability",
    readonly: "4 bool",
    secrets: "5 map",
    volumeContext: "6 map",
  },
  ControllerPublishVolumeResponse: { publishContext: "1 map" },
  ControllerUnpublishVolumeRequest: { volumeId: "1 string", nodeId: "2 string", secrets: "3 map" },
  ControllerUnpublishVolumeResponse: {},
  ControllerExpandVolumeRequest: {
    volumeId: "1 string",
    capacityRange: "2 CapacityRange",
    secrets: "3 map",
    volumeCapability: "4 VolumeCapability",
  },
  ControllerExpandVolumeResponse: { capacityBytes: "1 int64", nodeExpansionRequired: "2 bool" },
  ControllerGetCapabilitiesRequest: {},
  ControllerGetCapabilitiesResponse: { capabilities: "1 repeated Capability" },
  GetCapacityRequest: { volumeCapabilities: "1 repeated VolumeCapability", parameters: "2 map", accessibleTopology: "3 Topology" },
  GetCapacityResponse: { availableCapacity: "1 int64", maximumVolumeSize: "2 Int64Value" },
  Int64Value: { value: "1 int64" },

  NodeGetInfoRequest: {},
  NodeGetInfoResponse: { nodeId: "1 string", maxVolumesPerNode: "2 int64", accessibleTopology: "3 Topology" },
  NodeGetCapabilitiesRequest: {},
  NodeGetCapabilitiesResponse: { capabilities: "1 repeated Capability" },
  NodeStageVolumeRequest: {
    volumeId: "1 string",
    publishContext: "2 map",
    stagingTargetPath: "3 string",
    volumeCapability: "4 VolumeCapability",
    secrets: "5 map",
    volumeContext: "6 map",
  },
  NodeStageVolumeResponse: {},
  NodeUnstageVolumeRequest: { volumeId: "1 string", stagingTargetPath: "2 string" },
  NodeUnstageVolumeResponse: {},
  NodePublishVolumeRequest: {
    volumeId: "1 string",
    publishContext: "2 map",
    stagingTargetPath: "3 string",
    targetPath: "4 string",
    volumeCapability: "5 VolumeCapability",
    readonly: "6 bool",
    secrets: "7 map",
    volumeContext: "8 map",
  },
  NodePublishVolumeResponse: {},
  NodeUnpublishVolumeRequest: { volumeId: "1 string", targetPath: "2 string" },
  NodeUnpublishVolumeResponse: {},
  NodeExpandVolumeRequest: {
    volumeId: "1 string",
    volumePath: "2 string",
    capacityRange: "3 CapacityRange",
    stagingTargetPath: "4 string",
    volumeCapability: "5 VolumeCapability",
    secrets: "6 map",
  },
  NodeExpandVolumeResponse: { capacityBytes: "1 int64" },
} as const;

const IDENTITY_METHODS = {
  GetPluginInfo: ["GetPluginInfoRequest", "GetPluginInfoResponse"],
  GetPluginCapabilities: ["GetPluginCapabilitiesRequest", "GetPluginCapabilitiesResponse"],
} as const;

const CONTROLLER_METHODS = {
  CreateVolume: ["CreateVolumeRequest", "CreateVolumeResponse"],
  DeleteVolume: ["DeleteVolumeRequest", "DeleteVolumeResponse"],
  ControllerPublishVolume: ["ControllerPublishVolumeRequest", "ControllerPublishVolumeResponse"],
  ControllerUnpublishVolume: ["ControllerUnpublishVolumeRequest", "ControllerUnpublishVolumeResponse"],
  ControllerExpandVolume: ["ControllerExpandVolumeRequest", "ControllerExpandVolumeResponse"],
  ControllerGetCapabilities: ["ControllerGetCapabilitiesRequest", "ControllerGetCapabilitiesResponse"],
  GetCapacity: ["GetCapacityRequest", "GetCapacityResponse"],
} as const;

const NODE_METHODS = {
  NodeStageVolume: ["NodeStageVolumeRequest", "NodeStageVolumeResponse"],
  NodeUnstageVolume: ["NodeUnstageVolumeRequest", "NodeUnstageVolumeResponse"],
  NodePublishVolume: ["NodePublishVolumeRequest", "NodePublishVolumeResponse"],
  NodeUnpublishVolume: ["NodeUnpublishVolumeRequest", "NodeUnpublishVolumeResponse"],
  NodeExpandVolume: ["NodeExpandVolumeRequest", "NodeExpandVolumeResponse"],
  NodeGetCapabilities: ["NodeGetCapabilitiesRequest", "NodeGetCapabilitiesResponse"],
  NodeGetInfo: ["NodeGetInfoRequest", "NodeGetInfoResponse"],
} as const;

const REGISTRATION_MESSAGES = {
  InfoRequest: {},
  PluginInfo: { type: "1 string", name: "2 string", endpoint: "3 string", supportedVersions: "4 repeated string" },
  RegistrationStatus: { pluginRegistered: "1 bool", error: "2 string" },
  RegistrationStatusResponse: {},
} as const;

const REGISTRATION_METHODS = {
  GetInfo: ["InfoRequest", "PluginInfo"],
  NotifyRegistrationStatus: ["RegistrationStatus", "RegistrationStatusResponse"],
} as const;

export type CsiMessages = typeof MESSAGES;
export type RegistrationMessages = typeof REGISTRATION_MESSAGES;

export const IDENTITY: Service<CsiMessages, typeof IDENTITY_METHODS> = serviceOf("csi.v1.Identity", MESSAGES, IDENTITY_METHODS);
export const CONTROLLER: Service<CsiMessages, typeof CONTROLLER_METHODS> = serviceOf("csi.v1.Controller", MESSAGES, CONTROLLER_METHODS);
export const NODE: Service<CsiMessages, typeof NODE_METHODS> = serviceOf("csi.v1.Node", MESSAGES, NODE_METHODS);
export const REGISTRATION: Service<RegistrationMessages, typeof REGISTRATION_METHODS> = serviceOf(
  "pluginregistration.Registration",
  REGISTRATION_MESSAGES,
  REGISTRATION_METHODS,
);
