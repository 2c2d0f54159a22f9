import { ServiceKind } from "../../kinds/core/service.ts";
import { EndpointSliceKind } from "../../kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Service } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { create, modify, newMeta, regarding, remove, warning } from "../actions.ts";
import type { Action, Note, Notes } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import type { Content, Packing } from "./slice-packing.ts";
import { triggeredAt } from "./trigger-times.ts";

/** An EndpointSlice that may be empty as Go prints it: with `null` in place of lists. */
export const SliceKind: Kind<EndpointSlice> = {
  ...EndpointSliceKind,
  validate: (slice) => EndpointSliceKind.validate({ ...slice, endpoints: slice.endpoints ?? [], ports: slice.ports ?? [] }),
};

/** What a slice holds, as Go prints it. */
export function printed({ endpoints, ports }: Content): Pick<EndpointSlice, "endpoints" | "ports"> {
  const content = { endpoints: endpoints.length === 0 ? null : [...endpoints], ports: ports.length === 0 ? null : [...ports] };
  return content as unknown as Pick<EndpointSlice, "endpoints" | "ports">;
}

export function notUpdated(service: Service, why: string): Note {
  const { namespace, name } = service.metadata;
  const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${why}`;
  return warning(regarding(ServiceKind, service), "FailedToUpdateEndpointSlices", message);
}

/** Writes the slices of a service. */
export class SliceWriter {
  readonly actions: Action[] = [];
  readonly #service: Service;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #trigger_ms: number | undefined;

  constructor(service: Service, labels: Readonly<Record<string, string>>, trigger_ms: number | undefined) {
    this.#service = service;
    this.#labels = labels;
    this.#trigger_ms = trigger_ms;
  }

  write({ kept, reused, created, deleted }: Packing, family: string): void {
    // A service that is going gets no more of them.
    if (this.#service.metadata.deletionTimestamp === undefined) for (const content of created) this.#create(content, family);
    for (const [slice, content] of kept) this.#update(slice, content);
    for (const [slice, content] of reused) this.#reuse(slice, content);
    for (const slice of deleted) this.delete(slice);
  }

  delete(slice: EndpointSlice): void {
    this.actions.push(remove(SliceKind, slice, undefined, this.#notes(`failed to delete ${slice.metadata.name} EndpointSlice`)));
  }

  #update(slice: EndpointSlice, content: Content): void {
    const { endpoints, ports, metadata } = slice;
    const same = semanticEqual(endpoints ?? [], content.endpoints) && semanticEqual(ports ?? [], content.ports);
    if (same && semanticEqual(metadata.labels, this.#labels)) return;
    this.#modify(slice, ({ annotations }) => ({ labels: this.#labels, annotations: triggeredAt(this.#trigger_ms, annotations) }), content);
  }

  /** It is as a new one. */
  #reuse(slice: EndpointSlice, content: Content): void {
    this.#modify(slice, () => this.#metadata(), content);
  }

  #modify(slice: EndpointSlice, next: (metadata: EndpointSlice["metadata"]) => Partial<EndpointSlice["metadata"]>, content: Content): void {
    const notes = this.#notes(`failed to update ${slice.metadata.name} EndpointSlice`);
    const change = (was: EndpointSlice): EndpointSlice => ({
      ...was,
      metadata: { ...was.metadata, ...next(was.metadata) },
      ...printed(content),
    });
    this.actions.push(modify(SliceKind, slice, change, notes));
  }

  #create(content: Content, family: string): void {
    const { namespace, name } = this.#service.metadata;
    const metadata = newMeta({ generateName: `${name}-`, ...(namespace === undefined ? {} : { namespace }), ...this.#metadata() });
    const notes = this.#notes("failed to create EndpointSlice");
    this.actions.push(create(SliceKind, { metadata, addressType: family, ...printed(content) }, notes));
  }

  #metadata(): Pick<EndpointSlice["metadata"], "labels" | "annotations" | "ownerReferences"> {
    return {
      labels: { ...this.#labels },
      annotations: triggeredAt(this.#trigger_ms),
      ownerReferences: [controllerReference(ServiceKind, this.#service)],
    };
  }

  #notes(what: string): Notes {
    const { namespace, name } = this.#service.metadata;
    return { refused: notUpdated(this.#service, `${what} for Service ${namespace}/${name}: {error}`) };
  }
}
