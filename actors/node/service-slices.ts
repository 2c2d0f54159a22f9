import { SERVICE_NAME } from "../kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice } from "../kinds/generated/types.ts";
import { partsOf } from "../kinds/kind.ts";
import { labelsOf } from "../kinds/metadata-text.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, IndexDefinition, ObjectView } from "../store/view.ts";
import { isReached, type Viewpoint } from "./loopback-reach.ts";

export const SLICES = "endpointslices.discovery.k8s.io";

/** The slices of a service, whoever keeps them. */
const slicesByService: IndexDefinition = {
  name: `service:${SLICES}`,
  resource: SLICES,
  values: ({ metadata }: KubeObject) => named(metadata.namespace, metadata.labels),
  valuesOfText: (entry) => named(partsOf(entry.key).namespace, labelsOf(entry.text)),
};

function named(namespace = "", labels: Readonly<Record<string, string>> | undefined): readonly string[] {
  const service = labels?.[SERVICE_NAME];
  return service === undefined ? [] : [`${namespace}/${service}`];
}

export function indexSlices(view: ObjectView): void {
  view.index(slicesByService);
}

/** Where the view was told to index them; with those of their endpoints that are reached from here. */
export function slicesOf(from: Viewpoint, namespace: string, service: string): readonly EndpointSlice[] {
  const { view } = from;
  return view.byIndex(slicesByService.name, `${namespace}/${service}`).map((entry) => {
    const slice = view.decode<EndpointSlice>(entry);
    // A list that has nothing in it may be stored as null, as Go prints it.
    const endpoints = slice.endpoints ?? [];
    const reached = endpoints.filter((endpoint) => isReached(from, endpoint));
    return reached.length === endpoints.length ? slice : { ...slice, endpoints: reached };
  });
}

/** The key of the service that a slice is of; undefined: of none. */
export function serviceOfSlice(entry: Entry): Key | undefined {
  const service = labelsOf(entry.text)?.[SERVICE_NAME];
  return service === undefined ? undefined : `services/${partsOf(entry.key).namespace}/${service}`;
}
