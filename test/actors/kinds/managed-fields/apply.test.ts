import { expect, test } from "vitest";
import { ConfigurationError } from "../../../../actors/kinds/managed-fields/applied-fields.ts";
import { applyConfiguration } from "../../../../actors/kinds/managed-fields/apply.ts";
import { EMPTY, sayPath } from "../../../../actors/kinds/managed-fields/field-set.ts";
import type { FieldManager } from "../../../../actors/kinds/managed-fields/managers.ts";
import { emptyOf, typedOf } from "../../../../actors/kinds/managed-fields/typed.ts";
import { afterUpdate, type FieldWrite } from "../../../../actors/kinds/managed-fields/update.ts";

const POD = typedOf("io.k8s.api.core.v1.Pod");
const HEAD = { apiVersion: "v1", kind: "Pod" };

function write(manager: string): FieldWrite {
  return { type: POD, apiVersion: "v1", manager, subresource: undefined, time: "2026-01-01T00:00:00Z", reset: EMPTY };
}

interface State {
  readonly object: Record<string, unknown>;
  readonly managers: readonly FieldManager[];
}

const NOTHING: State = { object: { ...emptyOf(POD), ...HEAD }, managers: [] };

function applied(state: State, manager: string, configuration: object, force = false): State {
  const outcome = applyConfiguration(write(manager), state.managers, state.object, { ...HEAD, ...configuration }, force);
  if ("conflicts" in outcome)
    throw new Error(outcome.conflicts.map(({ manager: other, path }) => `${other.manager}${sayPath(path)}`).join(" "));
  return { object: outcome.object ?? state.object, managers: outcome.managers };
}

function updated(state: State, manager: string, object: Record<string, unknown>): State {
  return { object, managers: afterUpdate(write(manager), state.managers, state.object, object) };
}

const spec = (...containers: object[]): object => ({ spec: { containers } });
const specOf = (state: State): unknown => state.object["spec"];

test("what is applied is merged, and what is applied no more goes", () => {
  const first = applied(NOTHING, "a", { metadata: { name: "n", labels: { x: "1", y: "1" } } });
  const second = applied(first, "a", { metadata: { name: "n", labels: { x: "2" } } });
  expect(second.object["metadata"]).toEqual({ name: "n", labels: { x: "2" } });
});

test("what another has applied too stays when one lets go", () => {
  const labelled = { metadata: { name: "n", labels: { x: "1" } } };
  const both = applied(applied(NOTHING, "a", labelled), "b", labelled);
  const left = applied(both, "a", { metadata: { name: "n" } });
  expect(left.object["metadata"]).toEqual({ name: "n", labels: { x: "1" } });
  expect(applied(left, "b", { metadata: { name: "n" } }).object["metadata"]).toEqual({ name: "n" });
});

test("another value conflicts with its owner, unless forced", () => {
  const first = applied(NOTHING, "a", spec({ name: "c", image: "1" }));
  expect(() => applied(first, "b", spec({ name: "c", image: "2" }))).toThrow('a.spec.containers[name="c"].image');
  const forced = applied(first, "b", spec({ name: "c", image: "2" }), true);
  expect(specOf(forced)).toEqual({ containers: [{ name: "c", image: "2" }] });
  // The field is b's now; a keeps the container itself, and may say so without an image.
  expect(specOf(applied(forced, "a", spec({ name: "c" })))).toEqual({ containers: [{ name: "c", image: "2" }] });
});

test("items are told apart by their keys, others' stay, an item of one's own goes whole", () => {
  const first = applied(NOTHING, "a", spec({ name: "one", image: "1" }));
  const second = applied(first, "b", spec({ name: "two", image: "2" }));
  expect(specOf(second)).toEqual({
    containers: [
      { name: "one", image: "1" },
      { name: "two", image: "2" },
    ],
  });
  expect(specOf(applied(second, "b", { spec: {} }))).toEqual({ containers: [{ name: "one", image: "1" }] });
});

test("the order that is applied is the order of the shared items", () => {
  const state = applied(NOTHING, "a", spec({ name: "1" }, { name: "2" }, { name: "3" }));
  const turned = applied(state, "a", spec({ name: "3" }, { name: "1" }, { name: "2" }));
  expect(specOf(turned)).toEqual({ containers: [{ name: "3" }, { name: "1" }, { name: "2" }] });
});

test("a key with a default names the same item with and without it", () => {
  const state = applied(NOTHING, "a", spec({ name: "c", ports: [{ containerPort: 80 }] }));
  const live = { ...state.object, spec: { containers: [{ name: "c", ports: [{ containerPort: 80, protocol: "TCP" }] }] } };
  const after = applied({ object: live, managers: state.managers }, "a", spec({ name: "c", ports: [{ containerPort: 80, name: "http" }] }));
  expect(specOf(after)).toEqual({ containers: [{ name: "c", ports: [{ containerPort: 80, protocol: "TCP", name: "http" }] }] });
});

test("what an update set is not taken away by an apply that never had it", () => {
  const first = applied(NOTHING, "a", { metadata: { labels: { x: "1" } } });
  const second = updated(first, "u", { ...first.object, metadata: { labels: { x: "1", mine: "1" } } });
  expect(applied(second, "a", { metadata: { labels: {} } }).object["metadata"]).toEqual({ labels: { mine: "1" } });
});

test("the same again changes neither object nor owners nor times", () => {
  const configuration = { metadata: { name: "n", labels: { x: "1" } }, ...spec({ name: "c", image: "1" }) };
  const first = applied(NOTHING, "a", configuration);
  const outcome = applyConfiguration(
    { ...write("a"), time: "2027-01-01T00:00:00Z" },
    first.managers,
    first.object,
    { ...HEAD, ...configuration },
    false,
  );
  expect(outcome).toMatchObject({ object: undefined, managers: [{ manager: "a", time: "2026-01-01T00:00:00Z" }] });
});

test("kubectl may take over what it applied in its older way, as far as it is still so", () => {
  const last = JSON.stringify({ ...HEAD, metadata: { annotations: {}, labels: { x: "1", y: "1" } } });
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": last };
  const state = updated(NOTHING, "kubectl-client-side-apply", { ...NOTHING.object, metadata: { annotations, labels: { x: "1", y: "1" } } });
  expect(applied(state, "kubectl", { metadata: { labels: { x: "2" } } }).object["metadata"]).toMatchObject({ labels: { x: "2", y: "1" } });
  expect(() => applied(state, "other", { metadata: { labels: { x: "2" } } })).toThrow("kubectl-client-side-apply.metadata.labels.x");
  const moved = updated(state, "someone", { ...state.object, metadata: { annotations, labels: { x: "3", y: "1" } } });
  expect(() => applied(moved, "kubectl", { metadata: { labels: { x: "2" } } })).toThrow("someone.metadata.labels.x");
});

test.each([
  [{ spec: { nope: 1 } }, ".spec.nope: field not declared in schema"],
  [{ spec: { terminationGracePeriodSeconds: "x" } }, ".spec.terminationGracePeriodSeconds: expected numeric (int or float), got string"],
  [{ spec: { containers: { a: 1 } } }, '.spec.containers: expected list, got {"a":1}'],
  [spec({ name: "a" }, { name: "a" }), '.spec.containers: duplicate entries for key [name="a"]'],
  [
    spec({ image: "a" }),
    '.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
  ],
])("a configuration that does not fit is refused: %j", (configuration, message) => {
  expect(() => applied(NOTHING, "a", configuration)).toThrow(new ConfigurationError(message));
});
