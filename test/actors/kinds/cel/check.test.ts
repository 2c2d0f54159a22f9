import { describe, expect, test } from "vitest";
import { admissionChecker, expressionProblem } from "../../../../actors/kinds/cel/admission-variables.ts";
import { CelChecker, type CelType } from "../../../../actors/kinds/cel/check.ts";

const ITEM: CelType = { object: { name: "string", size: "int" } };
const SELF: CelType = {
  object: {
    name: "string",
    size: "int",
    ratio: "double",
    on: "bool",
    items: { list: ITEM },
    labels: { map: "string" },
    any: "dyn",
    at: "google.protobuf.Timestamp",
  },
};
const checker = new CelChecker({ self: SELF, oldSelf: SELF });

function problem(expression: string): string {
  const checked = checker.check(expression);
  if (!("problem" in checked)) throw new Error(`${expression} is a ${checked.type}`);
  return checked.problem;
}

describe("rules that real definitions have", () => {
  test.each([
    "self.items.all(a, self.items.exists_one(b, a.name == b.name))",
    "has(self.name) ? self.name != '' : true",
    "!has(oldSelf.name) || has(self.name)",
    "self == oldSelf && self.items == oldSelf.items && self.labels == oldSelf.labels",
    "self.items.map(i, i.name).exists(n, n in ['a', 'b'])",
    "self.items.filter(i, i.size > 3).size() <= 10 && size(self.labels) > 0",
    "self.labels.all(k, k.startsWith('x/') && self.labels[k].matches('^[a-z]+$'))",
    "self.any == 'x' || self.any == 3 || type(self.any) == string",
    "self.size * 2 >= self.size && self.ratio > 1.0 && double(self.size) / self.ratio > 0.5",
    "self.size > 1.5",
    "self.at > timestamp('2020-01-01T00:00:00Z') && self.at.getFullYear() > 2000",
    "'a' in self.labels && self.labels['a'] == 'b'",
    "self.name.contains(string(self.size)) || int(self.name) == self.size",
    "self.?name.orValue('x') == 'x' && optional.of(self.size).hasValue()",
    "sets.contains(self.items.map(i, i.name), ['a']) && self.items.map(i, i.size).sum() > 1",
    "cel.bind(n, self.items.size(), n > 0 && n < 9)",
    "self.items.all(i, item, item.size > i) && self.labels.exists(k, v, k == v)",
    "isQuantity(self.name) && quantity(self.name).isLessThan(quantity('1Gi'))",
    "(self.on ? 1 : 2) == 1 && -self.size < 0 && !self.on",
  ])("%s", (expression) => {
    expect(checker.check(expression)).toMatchObject({ type: "bool" });
  });
});

describe("in the words of cel-go", () => {
  test.each([
    ["1 + 'a'", "1:3", "found no matching overload for '_+_' applied to '(int, string)'"],
    ["self.size == 'a'", "1:11", "found no matching overload for '_==_' applied to '(int, string)'"],
    ["self.items == 'a'", "1:12", "found no matching overload for '_==_' applied to '(list(object), string)'"],
    ["self.items.all(i, i.name == 3)", "1:26", "found no matching overload for '_==_' applied to '(string, int)'"],
    ["nope > 1", "1:1", "undeclared reference to 'nope' (in container '')"],
    ["nope(1)", "1:5", "undeclared reference to 'nope' (in container '')"],
    ["self.name.nope()", "1:15", "undeclared reference to 'nope' (in container '')"],
    ["self.name.startsWith(1)", "1:21", "found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ["self.size.x", "1:10", "type 'int' does not support field selection"],
    ["!self.size", "1:1", "found no matching overload for '!_' applied to '(int)'"],
    ["self.size && true", "1:11", "found no matching overload for '_&&_' applied to '(int, bool)'"],
    ["3 in self.labels", "1:3", "found no matching overload for '@in' applied to '(int, map(string, string))'"],
    ["self.items.all(i, i.nope)", "1:20", "undefined field 'nope'"],
    ["true &&\n  nope", "2:3", "undeclared reference to 'nope' (in container '')"],
  ])("%s", (expression, place, words) => {
    expect(problem(expression).split("\n")[0]).toBe(`ERROR: <input>:${place}: ${words}`);
  });

  test("with the line and a pointer", () => {
    expect(problem("self.size == 'a'")).toBe(
      "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(int, string)'\n | self.size == 'a'\n | ..........^",
    );
    expect(problem("self.size +")).toMatch(/^ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>' expecting \{'\[', /);
  });
});

describe("expressions of admission", () => {
  const plain = admissionChecker({ params: false, authorizer: false });
  const full = admissionChecker({ params: true, authorizer: true, variables: { big: "bool" } });
  test.each([
    ["object.spec.replicas > 5 && oldObject == null", ["bool"]],
    ["request.userInfo.groups.exists(g, g == 'x') && request.operation in ['CREATE']", ["bool"]],
    ["namespaceObject.metadata.labels['a'] == 'b'", ["bool"]],
    ["params.spec.max > 1 && variables.big", ["bool"]],
    ["authorizer.group('').resource('pods').namespace('x').check('create').allowed()", ["bool"]],
    ["authorizer.path('/healthz').check('get').allowed() && authorizer.requestResource.check('update').reason() == ''", ["bool"]],
    ["authorizer.serviceAccount('a', 'b').group('').resource('pods').subresource('exec').name('p').check('create').errored()", ["bool"]],
    ["'replicas: ' + string(object.spec.replicas)", ["string"]],
  ])("%s", (expression, wanted) => {
    expect(expressionProblem(full, expression, wanted)).toBeUndefined();
  });

  test.each([
    [plain, "params.x == 1", "undeclared reference to 'params'"],
    [plain, "authorizer.path('/').check('get').allowed()", "undeclared reference to 'authorizer'"],
    [plain, "request.nope == 1", "undefined field 'nope'"],
    [full, "variables.small", "undefined field 'small'"],
    [plain, "object.spec.x", "must evaluate to bool but got dyn"],
    [plain, "'text'", "must evaluate to bool but got string"],
  ])("refused: %o %s", (which, expression, words) => {
    expect(expressionProblem(which as CelChecker, expression, ["bool"])).toContain(words);
  });
});
