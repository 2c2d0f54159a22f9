/** What numbers mean in messages of CSI, version 1, as far as Kubernetes uses them. */

/** Source: VolumeCapability.AccessMode.Mode. */
export const ACCESS_MODE = {
  SINGLE_NODE_WRITER: 1,
  MULTI_NODE_READER_ONLY: 3,
  MULTI_NODE_MULTI_WRITER: 5,
  SINGLE_NODE_SINGLE_WRITER: 6,
  SINGLE_NODE_MULTI_WRITER: 7,
} as const;

/** Source: NodeServiceCapability.RPC.Type. */
export const NODE_CAPABILITY = { stage: 1, expand: 3, singleNodeMultiWriter: 5, volumeMountGroup: 6 } as const;
/** Source: ControllerServiceCapability.RPC.Type. */
export const CONTROLLER_CAPABILITY = {
  createDelete: 1,
  publish: 2,
  capacity: 4,
  publishReadonly: 8,
  expand: 9,
  singleNodeMultiWriter: 13,
} as const;
/** Source: PluginCapability.Service.Type. */
export const PLUGIN_CAPABILITY = { topology: 2 } as const;
