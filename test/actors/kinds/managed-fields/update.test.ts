import { expect, test } from "vitest";
import { EMPTY } from "../../../../actors/kinds/managed-fields/field-set.ts";
import { type FieldManager, managersJson, readManagersJson } from "../../../../actors/kinds/managed-fields/managers.ts";
import { typedOf } from "../../../../actors/kinds/managed-fields/typed.ts";
import { afterCreate, afterUpdate, type FieldWrite, resetFields } from "../../../../actors/kinds/managed-fields/update.ts";

const POD = typedOf("io.k8s.api.core.v1.Pod");
const CONFIG_MAP = typedOf("io.k8s.api.core.v1.ConfigMap");

function write(manager: string, changes: Partial<FieldWrite> = {}): FieldWrite {
  return { type: CONFIG_MAP, apiVersion: "v1", manager, subresource: undefined, time: "2026-01-01T00:00:00Z", reset: EMPTY, ...changes };
}

/** Who owns what, as clients would see it. */
function seen(managers: readonly FieldManager[]): Record<string, unknown> {
  const entries = JSON.parse(managersJson(managers) ?? "[]") as { manager: string; fieldsV1: unknown }[];
  return Object.fromEntries(entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1]));
}

const METADATA = { name: "n", namespace: "d", uid: "u", creationTimestamp: "t" };

test("who creates owns what is there, but for what the server gives", () => {
  const managers = afterCreate(write("a"), { metadata: { ...METADATA, labels: { x: "1" } }, data: { k: "v" } });
  expect(seen(managers)).toEqual({ a: { "f:data": { ".": {}, "f:k": {} }, "f:metadata": { "f:labels": { ".": {}, "f:x": {} } } } });
});

test("a changed field changes hands, a removed one is nobody's, the rest stays", () => {
  const before = { metadata: METADATA, data: { stays: "1", changes: "1", goes: "1" } };
  const after = { metadata: METADATA, data: { stays: "1", changes: "2", comes: "1" } };
  const managers = afterUpdate(write("b", { time: "2026-01-02T00:00:00Z" }), afterCreate(write("a"), before), before, after);
  expect(seen(managers)).toEqual({
    a: { "f:data": { ".": {}, "f:stays": {} } },
    b: { "f:data": { "f:changes": {}, "f:comes": {} } },
  });
  expect(managers.map(({ manager, time }) => `${manager} ${time}`)).toEqual(["a 2026-01-01T00:00:00Z", "b 2026-01-02T00:00:00Z"]);
});

test("a manager that has lost its last field is gone; nothing changed changes nothing", () => {
  const before = { metadata: METADATA, data: { k: "1" } };
  const owned = afterCreate(write("a"), before);
  expect(seen(afterUpdate(write("b"), owned, before, { metadata: METADATA }))).toEqual({});
  expect(managersJson(afterUpdate(write("b"), owned, before, structuredClone(before)))).toBe(managersJson(owned));
});

test("a status is owned through its own door, and the main one does not own it", () => {
  const reset = (subresource?: string): Partial<FieldWrite> => ({
    type: POD,
    subresource,
    reset: resetFields({ plural: "pods", hasStatus: true }, subresource),
  });
  const pod = { metadata: METADATA, spec: { containers: [{ name: "c", image: "i" }] }, status: { phase: "Pending" } };
  const created = afterCreate(write("a", reset()), pod);
  expect(JSON.stringify(seen(created))).not.toContain("f:status");
  const managers = afterUpdate(write("kubelet", reset("status")), created, pod, { ...pod, status: { phase: "Running" } });
  expect(seen(managers)["kubelet"]).toEqual({ "f:status": { "f:phase": {} } });
  expect(managers.map(({ subresource }) => subresource)).toEqual([undefined, "status"]);
});

test("pods with addresses of their own are told apart, however alike they are", () => {
  const kubelet = write("kubelet", { type: POD, subresource: "status" });
  for (const ip of ["10.0.0.1", "10.0.0.2", "fd00::1"]) {
    const none = { metadata: METADATA, status: {} };
    const some = { metadata: METADATA, status: { podIPs: [{ ip }] } };
    const first = readManagersJson(managersJson(afterUpdate(kubelet, [], none, some)) ?? "");
    const second = afterUpdate(kubelet, first, some, {
      metadata: METADATA,
      status: { podIPs: [{ ip }, { ip: "9.9.9.9" }], phase: "Running" },
    });
    const item = { ".": {}, "f:ip": {} };
    expect(seen(second)).toEqual({
      kubelet: { "f:status": { "f:phase": {}, "f:podIPs": { ".": {}, [`k:{"ip":"${ip}"}`]: item, 'k:{"ip":"9.9.9.9"}': item } } },
    });
  }
});

test("changes that are alike but for one name, or larger than what is remembered, have each their own outcome", () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, "v"]));
  for (const data of [{ a: "1" }, { b: "1" }, { a: "1", b: "1" }, many, { ...many, more: "v" }, { a: "2" }]) {
    for (const manager of ["one", "other"]) {
      const owned = Object.fromEntries(Object.keys(data).map((name) => [`f:${name}`, {}]));
      expect(seen(afterCreate(write(manager), { metadata: METADATA, data }))).toEqual({ [manager]: { "f:data": { ".": {}, ...owned } } });
    }
  }
});

test("objects with more managers' fields than are remembered change as others do", () => {
  const many = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`key-${index}`, "v"]));
  const managers = afterCreate(write("one"), { metadata: METADATA, data: many });
  for (const name of ["a", "b"]) {
    const after = { metadata: METADATA, data: { ...many, [name]: "v" } };
    const changed = seen(afterUpdate(write("two"), managers, { metadata: METADATA, data: many }, after));
    expect(changed["two"]).toEqual({ "f:data": { [`f:${name}`]: {} } });
  }
});

test("more than ten updaters: the oldest are put together", () => {
  let managers: readonly FieldManager[] = [];
  let before: { metadata: typeof METADATA; data: Record<string, string> } = { metadata: METADATA, data: {} };
  for (let index = 0; index < 13; index++) {
    const after = { metadata: METADATA, data: { ...before.data, [`k${index}`]: "v" } };
    const time = `2026-01-01T00:00:${String(index).padStart(2, "0")}Z`;
    managers = afterUpdate(write(`m${index}`, { time }), managers, before, after);
    before = after;
  }
  expect(managers.length).toBe(10);
  const all = Object.keys(before.data).map((key) => `f:${key}`);
  const owned = Object.values(seen(managers)).flatMap((fields) => Object.keys((fields as { "f:data": object })["f:data"]));
  expect(new Set(owned).difference(new Set(["."]))).toEqual(new Set(all));
  expect(Object.keys(seen(managers))).toContain("ancient-changes");
});

test("entries are read as they were written, whatever a manager calls itself", () => {
  for (const manager of ['a"b', '},{"manager":', ',"fieldsType":"FieldsV1","fieldsV1":', ',"subresource":"']) {
    for (const subresource of [undefined, 'st"atus', ',"subresource":"']) {
      const written = managersJson([
        { ...afterCreate(write(manager, { subresource }), { metadata: METADATA, data: { ',"subresource":"': "1" } })[0] } as FieldManager,
        ...afterCreate(write("other"), { metadata: METADATA, data: { z: "1" } }),
      ]);
      expect(managersJson(readManagersJson(written ?? ""))).toBe(written);
    }
  }
});
