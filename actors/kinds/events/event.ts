/**
 * Events of events.k8s.io, which are the Events of the core group under other names. Source: pkg/apis/core/v1's and pkg/apis/events/v1's
 * conversions, ValidateEventCreate.
 */
import { EventKind } from "../core/event.ts";
import { invalid, required } from "../field-error.ts";
import type { Event, EventsEvent } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import type { FieldError } from "../status.ts";

const TYPES: readonly string[] = ["Normal", "Warning"];
const NEEDS_UNSET = "needs to be unset";

/** What the newer API insists on, in the words of the older. */
function validate(event: Event): FieldError[] {
  const errors = EventKind.validate(event);
  if (!event.eventTime) errors.push(required("eventTime"));
  for (const [field, value] of [
    ["reportingController", event.reportingComponent] as const,
    ["reportingInstance", event.reportingInstance] as const,
    ["action", event.action] as const,
    ["reason", event.reason] as const,
  ]) {
    if (!value && !errors.some((error) => error.field === field)) errors.push(required(field));
  }
  const type = event.type ?? "";
  if (!TYPES.includes(type)) errors.push(invalid("type", "", `has invalid value: ${type}`));
  for (const field of ["firstTimestamp", "lastTimestamp"] as const) {
    if (event[field]) errors.push(invalid(field, event[field], NEEDS_UNSET));
  }
  if (event.count) errors.push(invalid("count", event.count, NEEDS_UNSET));
  if (event.source?.component || event.source?.host) errors.push(invalid("source", event.source, NEEDS_UNSET));
  return errors;
}

/** The fields that have another name, newer name first. */
const RENAMED = [
  ["note", "message"],
  ["regarding", "involvedObject"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
] as const;

function renamed(object: object, from: 0 | 1): object {
  const names = new Map<string, string>(RENAMED.map((pair) => [pair[from], pair[1 - from] as string]));
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]));
}

const STORED: Kind<Event> = { ...EventKind, validate };

export const EventsEventKind: Kind = {
  ...(STORED as unknown as Kind),
  group: "events.k8s.io",
  schema: "io.k8s.api.events.v1.Event",
  selectableFields: renamedSelectors(),
  stored: {
    kind: STORED as unknown as Kind,
    fromStored: (object) => renamed(object, 1) as EventsEvent,
    toStored: (object) => ({ involvedObject: {}, ...renamed(object, 0) }) as unknown as Event,
  },
};

/** The selectors read what is stored, and are called as the newer API calls things. */
function renamedSelectors(): Kind["selectableFields"] {
  const fields = EventKind.selectableFields as unknown as Kind["selectableFields"];
  const { source: _source, ...known } = fields;
  return Object.fromEntries(
    Object.entries(known).map(([name, read]) => [
      name.replace(/^involvedObject\./, "regarding.").replace(/^reportingComponent$/, "reportingController"),
      read,
    ]),
  );
}
