import { HOLLOW_ADDRESSES } from "../cidr.ts";
import type { NodeForm, NodeShape } from "../node-form.ts";
import { numberedName } from "../node-indexes.ts";
import { RUNTIME_LABEL } from "../runtime.ts";

const SHAPE: NodeShape = { cpu: "32", memory: "256Gi", ephemeralStorage: "1Ti", pods: "110" };
/** Nodes are dealt out to these zones. */
const ZONES = "abc";

export const HOLLOW_FORM: NodeForm = {
  label: RUNTIME_LABEL,
  runtime: "hollow",
  nodeName: numberedName,
  addresses: HOLLOW_ADDRESSES,
  labels: (index) => ({
    "topology.kubernetes.io/region": "hollow",
    "topology.kubernetes.io/zone": `hollow-${ZONES[index % ZONES.length]}`,
  }),
  architecture: "amd64",
  capacity: SHAPE,
  allocatable: SHAPE,
  isImagined: true,
  info: (name) => ({
    machineID: name,
    systemUUID: name,
    bootID: name,
    kernelVersion: "hollow",
    osImage: "Troupe hollow node",
    containerRuntimeVersion: "hollow://1",
    architecture: "amd64",
  }),
};
