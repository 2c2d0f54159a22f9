import { describe, expect, test } from "vitest";
import { InFlight, MUTATING_IN_FLIGHT_MAX } from "../../../cluster/gateway/in-flight.ts";
import { deleteOptions, writeOptions } from "../../../cluster/gateway/write-options.ts";

const requester = { user: "jane", groups: ["system:authenticated"] };
const warn = (): void => {};
const by = (userAgent?: string) => ({ userAgent, requester, warn });
const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("writeOptions", () => {
  test.each([
    ["", undefined, { requester, warn, fieldManager: "unknown", dryRun: false, fieldValidation: "Warn" }],
    [
      "",
      "kubectl/v1.35.0 (linux/amd64) kubernetes/1",
      { requester, warn, fieldManager: "kubectl", dryRun: false, fieldValidation: "Warn" },
    ],
    [
      "fieldManager=me&dryRun=All&fieldValidation=Strict",
      "x/1",
      { requester, warn, fieldManager: "me", dryRun: true, fieldValidation: "Strict" },
    ],
  ])("%s as %s", (text, agent, want) => {
    expect(writeOptions(query(text), by(agent), "CreateOptions")).toEqual(want);
  });

  test.each([
    ["dryRun=Some", 'UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    [
      "fieldValidation=x",
      'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "x": supported values: "Ignore", "Strict", "Warn"',
    ],
    [`fieldManager=${"x".repeat(129)}`, 'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes'],
  ])("refuses %s", (text, message) => {
    expect(() => writeOptions(query(text), by(), "UpdateOptions")).toThrow(message);
  });
});

describe("deleteOptions", () => {
  const common = { requester, warn, fieldManager: "unknown", dryRun: false, backgroundByOldName: false };
  test.each([
    ["", undefined, common],
    ["gracePeriodSeconds=0&propagationPolicy=Orphan", undefined, { ...common, gracePeriodSeconds: 0, propagationPolicy: "Orphan" }],
    ["orphanDependents=false", undefined, { ...common, propagationPolicy: "Background", backgroundByOldName: true }],
    ["orphanDependents=true", undefined, { ...common, propagationPolicy: "Orphan" }],
    // A body says all: the query's grace is not looked at.
    ["gracePeriodSeconds=5", { dryRun: ["All"] }, { ...common, dryRun: true }],
    ["", { gracePeriodSeconds: 3, preconditions: { uid: "u" } }, { ...common, gracePeriodSeconds: 3, preconditions: { uid: "u" } }],
    ["", { preconditions: { resourceVersion: "1", uid: null } }, { ...common, preconditions: { resourceVersion: "1" } }],
  ])("%s %j", (text, body, want) => {
    expect(deleteOptions(query(text), by(), body)).toEqual(want);
  });

  test.each([
    ["gracePeriodSeconds=x", undefined, 400],
    ["propagationPolicy=Later", undefined, 422],
    ["", { orphanDependents: true, propagationPolicy: "Background" }, 422],
    ["", { gracePeriodSeconds: "5" }, 400],
    ["", [], 400],
  ])("refuses %s %j", (text, body, code) => {
    const error = (() => {
      try {
        return deleteOptions(query(text), by(), body);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({ status: { code } });
  });
});

test("one more than the limit is turned away until somebody leaves", () => {
  const flights = new InFlight();
  for (let i = 0; i < MUTATING_IN_FLIGHT_MAX; i++) expect(flights.enter("mutating")).toBe(true);
  expect(flights.enter("mutating")).toBe(false);
  expect(flights.enter("readonly")).toBe(true);
  flights.leave("mutating");
  expect(flights.enter("mutating")).toBe(true);
});
