import { describe, expect, test } from "vitest";
import { addAuthorizer, CelAuthorizer } from "../../../../actors/kinds/cel/admission-variables.ts";
import { BUDGET_COST, BudgetSpent, CelBudget, CostExceeded, celEnvironment, celProgram } from "../../../../actors/kinds/cel/cel.ts";
import { CelChecker } from "../../../../actors/kinds/cel/check.ts";

const LIST = "[1, 2, 3, 4, 5, 6, 7, 8, 9]";

function costOf(expression: string, variables: Readonly<Record<string, unknown>> = {}): number {
  const budget = new CelBudget();
  celProgram(expression).evaluate(variables, budget);
  return BUDGET_COST - budget.left;
}

/** By Kubernetes' own tests. Source: apiserver's pkg/cel/library/cost_test.go, and apiextensions-apiserver's pkg/apiserver/schema/cel/celcoststability_test.go. */
test.each([
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii()", 3],
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", 9],
  ["strings.quote('ABCDEFGHIJ abcdefghij')", 3],
  ["'abc 123 def 123'.replace('123', '456')", 3],
  ["'abc 123 def 123'.split(' ')", 3],
  ["'abc 123 def 123'.substring(5)", 2],
  ["'abc 123 def 123'.find('123')", 2],
  ["url('https://kubernetes.io/xx').getHost()", 4],
  ['quantity("200M") == quantity("200M")', 3],
  ['quantity("50k").add(20).sub(quantity("100k")).asInteger() > 0', 6],
  ["self.text.startsWith('Rook')", 4],
  ["self.text.matches('^[^0-9]*$')", 8],
  ["self.text.replace(' ', 'x') == 'Rookxtakesxx'", 7],
  ["double(5) < 10.0", 1],
  ["'a' in self.list", 5],
  ["self.list[0] in self.list", 8],
  ["self.text in ['Pending', 'Available']", 2],
  ["self.list + ['c', 'd'] == ['a', 'b', 'c', 'd']", 4],
  ["has(self.list) && has(self.val)", 2],
  ["sets.contains(self.list, ['a'])", 6],
  ["sets.equivalent(self.list, ['a', 'b', 'c'])", 21],
  ["!('a' in self.val)", 4],
  ["self.val.all(k, self.val[k] > 0)", 17],
  ["!self.val.exists(k, self.val[k] == 3)", 20],
  ["self.val.exists_one(k, self.val[k] == 2)", 14],
  ["!self.val.exists_one(k, self.val[k] > 0)", 17],
  ["size(self.val.filter(k, self.val[k] > 1)) == 1", 26],
  ["self.val.all(k, v, v > 0)", 13],
  ["!self.val.exists(k, v, v == 3)", 16],
  ["self.val.transformMap(k, v, v + 1).size() == 2", 15],
])("%s costs %i", (expression, cost) => {
  const self = { text: "Rook takes x", list: ["a", "b", "c"], val: { b: 1n, d: 2n } };
  expect(costOf(expression, { self })).toBe(cost);
});

describe("an expression that would run away", () => {
  const nested = ["a", "b", "c", "d", "e", "f", "g", "h"].reduce((inner, name) => `${LIST}.all(${name}, ${inner})`, "true");
  test.each([
    nested,
    `${nested} || true`,
    "lists.range(10000).map(a, lists.range(10000)).size() > 0",
    "lists.range(9000).distinct().size() > 0",
    "sets.contains(lists.range(9000), lists.range(9000))",
    `'a'${".replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(6)}`,
  ])("%s is ended", (expression) => {
    expect(() => celProgram(expression).evaluate({})).toThrow(new CostExceeded());
  });

  test("is ended by its budget, too, and then there is nothing for others", () => {
    const budget = new CelBudget(100);
    expect(() => celProgram("lists.range(200).all(x, true)").evaluate({}, budget)).toThrow(new BudgetSpent());
    expect(budget.left).toBe(0);
  });

  test("is ended where it waits for somebody", async () => {
    const authority: CelAuthorizer["authority"] = {
      requestResource: { verb: "get", path: "/", group: "", resource: "", subresource: "", namespace: "", name: "" },
      serviceAccount: () => authority,
      check: () => Promise.resolve({ allowed: true, reason: "" }),
    };
    const environment = addAuthorizer(celEnvironment(false));
    const program = celProgram(`authorizer.path('/x').check('get').allowed() && ${nested}`, environment);
    await expect(program.evaluate({ authorizer: new CelAuthorizer(authority) })).rejects.toThrow(new CostExceeded());
  });
});

describe("an expression that is too deep is none", () => {
  const deep = `${"1+".repeat(300)}1 > 0`;
  const words = "ERROR: <input>:-1:0: expression recursion limit exceeded: 250";
  test("when it is read", () => {
    expect(() => celProgram(deep)).toThrow(words);
    expect(celProgram(`${"1+".repeat(200)}1 > 0`).evaluate({})).toBe(true);
  });

  test("when it is checked", () => {
    expect(new CelChecker({}).check(deep)).toEqual({ problem: words });
    expect(new CelChecker({}).check(`${"1+".repeat(3_000)}1 > 0`)).toEqual({ problem: words });
  });
});

describe("patterns are Go's", () => {
  test.each([
    ["'aa'.matches('^(a+)+$')", true],
    ["matches('ab', '^a')", true],
    ["'Ab'.matches('(?i)^aB$')", true],
    [`'${"a".repeat(200)}!'.matches('^(a|a|aa)+$')`, false],
  ])("%s", (expression, outcome) => {
    expect(celProgram(expression).evaluate({})).toBe(outcome);
  });

  test.each(["'a'.matches('(?=a)')", "'aa'.matches('(a)\\\\1')", "'a'.matches('[')", "'a'.find('(?<!a)b')"])("%s is none", (expression) => {
    expect(() => celProgram(expression).evaluate({})).toThrow(/regex/i);
  });

  test("what it is applied to is named as it was written", () => {
    expect(() => celProgram("a.matches('x')").evaluate({ a: 1n })).toThrow("'int.matches(string)'");
  });
});
