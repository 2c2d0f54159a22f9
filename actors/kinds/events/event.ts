/**
 * Events of events.k8s.io, which are the Events of the core group under other names. Source: pkg/apis/core/v1's and pkg/apis/events/v1's
 * conversions, ValidateEventCreate.
 */
import { EventKind, validateEvent } from "../core/event.ts";
import { invalid, required } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { Event, EventsEvent } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta, validateStandardFinalizer } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";

const TYPES: readonly string[] = ["Normal", "Warning"];
const NEEDS_UNSET = "needs to be unset";
const SERIES_COUNT_MIN = 2;

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  const few = (series.count ?? 0) < SERIES_COUNT_MIN ? [invalid("series.count", "", `should be at least ${SERIES_COUNT_MIN}`)] : [];
  return series.lastObservedTime ? few : [...few, required("series.lastObservedTime")];
}

/** What the newer API insists on beyond the older, in the words of the older. Source: ValidateEventCreate. */
function validateNew(event: Event): FieldError[] {
  const { type = "", eventTime, firstTimestamp, lastTimestamp, count, source } = event;
  const errors = [
    ...validateObjectMeta(event.metadata, true, dnsSubdomain),
    ...(event.metadata.finalizers ?? []).flatMap((name, index) => validateStandardFinalizer(name, `metadata.finalizers[${index}]`)),
    ...validateSeries(event),
    ...(eventTime ? [] : [required("eventTime")]),
    ...(TYPES.includes(type) ? [] : [invalid("type", "", `has invalid value: ${type}`)]),
  ];
  const old = { firstTimestamp, lastTimestamp, count, source: source?.component || source?.host };
  return [...errors, ...Object.entries(old).flatMap(([field, value]) => (value ? [invalid(field, "", NEEDS_UNSET)] : []))];
}

/** An event of the newer API is what happened; only its series goes on. Source: ValidateEventUpdate. */
function validateUpdate(next: Event, current: Event): FieldError[] {
  const same = (field: string, name: keyof Event, definition?: string): FieldError[] =>
    immutable(next[name], current[name], field, definition);
  return [
    ...(semanticEqual(next.series, current.series) ? [] : validateSeries(next)),
    ...same("involvedObject", "involvedObject", "ObjectReference"),
    ...same("reason", "reason"),
    ...same("message", "message"),
    ...same("source", "source", "EventSource"),
    ...same("firstTimestamp", "firstTimestamp"),
    ...same("lastTimestamp", "lastTimestamp"),
    ...same("count", "count"),
    ...same("reason", "reason"),
    ...same("type", "type"),
    ...same("eventTime", "eventTime"),
    ...same("action", "action"),
    ...same("related", "related", "ObjectReference"),
    ...same("reportingController", "reportingComponent"),
    ...same("reportingInstance", "reportingInstance"),
  ];
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

const STORED: Kind<Event> = {
  ...EventKind,
  validate: (event, current) => [...validateEvent(event, "reportingController"), ...(current === undefined ? validateNew(event) : [])],
  validateUpdate,
  updateChecks: ["content", "metadata", "changes"],
};

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
