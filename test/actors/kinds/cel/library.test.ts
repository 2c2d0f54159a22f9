import { describe, expect, test } from "vitest";
import { CelFailure, celProgram } from "../../../../actors/kinds/cel/cel.ts";

function value(expression: string, variables: Record<string, unknown> = {}): unknown {
  return celProgram(expression).evaluate(variables);
}

// What Kubernetes 1.34's environment has; each expression is true.
test.each([
  // lists
  "[1, 2, 3].isSorted() && ![2, 1].isSorted()",
  "[1, 2, 3].sum() == 6 && [1.5, 1.5].sum() == 3.0",
  "[3, 1, 2].min() == 1 && ['b', 'a'].max() == 'b'",
  "['a', 'b', 'a'].indexOf('a') == 0 && ['a', 'b', 'a'].lastIndexOf('a') == 2 && [1].indexOf(5) == -1",
  "[1, 2, 3, 4].slice(1, 3) == [2, 3] && [3, 1].sort() == [1, 3] && [1, 2].reverse() == [2, 1]",
  "[1, 1, 2].distinct() == [1, 2] && [[1], [2, [3]]].flatten() == [1, 2, [3]] && [[1, [2]]].flatten(2) == [1, 2]",
  "lists.range(3) == [0, 1, 2]",
  "[1, 2].first().value() == 1 && [1, 2].last().orValue(0) == 2 && ![].first().hasValue()",
  // sets
  "sets.contains([1, 2, 3], [2, 3]) && !sets.contains([1], [2])",
  "sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects([1], [1, 2]) && !sets.intersects([], [1])",
  // two variables
  "[1, 2].all(i, v, v == i + 1) && {'a': 1}.exists(k, v, k == 'a' && v == 1)",
  "{'a': 1, 'b': 2}.existsOne(k, v, v > 1) && [5, 5].exists_one(i, v, i == 0)",
  "[1, 2].transformList(i, v, v * 10) == [10, 20] && [1, 2, 3].transformList(i, v, v > 1, v + i) == [3, 5]",
  "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && {'a': 1, 'b': 2}.transformMap(k, v, v > 1, k) == {'b': 'b'}",
  "{'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}",
  // strings
  "'abc'.charAt(1) == 'b' && 'a$b'.replace('$', '$$') == 'a$$b' && 'aaa'.replace('a', 'b', 2) == 'bba'",
  "'a,b,c'.split(',', 2) == ['a', 'b,c'] && ['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1, 2) == 'b'",
  "'%s %d %s'.format(['a', 1, [1, 'b']]) == 'a 1 [1, b]' && '%x'.format([255]) == 'ff'",
  "'%s'.format([{'b': 1, 'a': true}]) == '{a: true, b: 1}' && '%.2f%%'.format([1.005]) == '1.00%'",
  "strings.quote('a\"b') == '\"a\\\\\"b\"' && 'TacoCat'.lowerAscii() == 'tacocat' && ' a '.trim() == 'a'",
  // regex
  "'abc 123'.find('[0-9]+') == '123' && '1 22 3'.findAll('[0-9]+') == ['1', '22', '3'] && '1 2 3'.findAll('[0-9]', 2).size() == 2",
  // urls
  "isURL('https://example.com/x') && isURL('/x') && !isURL('x y')",
  "url('https://example.com:80/a%20b?k=v&k=w').getPort() == '80' && url('https://[::1]:80/').getHostname() == '::1'",
  "url('https://e.com/?k=v&k=w&x').getQuery() == {'k': ['v', 'w'], 'x': ['']} && url('https://e.com/a%20b').getEscapedPath() == '/a%20b'",
  // quantities
  "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1k').add(quantity('500')) == quantity('1500')",
  "quantity('2').sub(1).asInteger() == 1 && quantity('1').add(2).compareTo(quantity('3')) == 0 && quantity('-1').sign() == -1",
  "isQuantity('10Mi') && !isQuantity('x') && quantity('500m').isInteger() == false && quantity('0.5').asApproximateFloat() == 0.5",
  // addresses
  "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0.256') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')",
  "ip('127.0.0.1').isLoopback() && ip('::').isUnspecified() && ip('224.0.0.5').isLinkLocalMulticast() && ip('fe80::1').isLinkLocalUnicast()",
  "ip('8.8.8.8').isGlobalUnicast() && !ip('127.0.0.1').isGlobalUnicast() && ip('::1').family() == 6",
  "string(ip('2001:DB8::0:1')) == '2001:db8::1' && ip('2001:db8::1') == ip('2001:DB8::1') && ip.isCanonical('::1') && !ip.isCanonical('0::1')",
  "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
  "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8 && string(cidr('fd00::1/64').masked()) == 'fd00::/64'",
  // formats
  "!format.dns1123Label().validate('my-name').hasValue() && format.dns1123Label().validate('My').hasValue()",
  "format.named('uuid').value().validate('x').value() == ['does not match the UUID format'] && !format.named('nope').hasValue()",
  "!format.labelValue().validate('a.b').hasValue() && !format.dns1123LabelPrefix().validate('a-').hasValue()",
  // versions
  "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-alpha').isLessThan(semver('1.0.0')) && semver('1.2.3').minor() == 2",
  "isSemver('1.2.3+build') && !isSemver('v1.2') && isSemver('v1.2', true) && semver('v01.2', true) == semver('1.2.0')",
  "semver('1.0.0-2').compareTo(semver('1.0.0-10')) == -1 && semver('1.0.0-a.b').isGreaterThan(semver('1.0.0-a'))",
  // conversions
  "string(duration('90s')) == '90s' && string(duration('1500ms')) == '1.5s'",
  "string(timestamp('2024-01-02T03:04:05Z')) == '2024-01-02T03:04:05Z' && string(timestamp('2024-01-02T03:04:05.250Z')) == '2024-01-02T03:04:05.25Z'",
  "[duration('1m'), duration('1s')].sum() == duration('61s') && [duration('1m')].indexOf(duration('60s')) == 0 && [duration('1m')].indexOf(duration('1s')) == -1",
  // presence
  "has([{'a': 1}][0].a) && !has([{'a': 1}][0].b) && has({'k': {'a': 1}}['k'].a) && {'k': [{'a': 1}]}.k.exists(x, has(x.a))",
  // optional values
  "optional.of('a') == optional.of('a') && optional.of(1) != optional.of(2) && optional.none() == optional.none() && optional.of(1) != optional.none()",
  "optional.of(duration('1m')) == optional.of(duration('60s')) && {'a': 1}[?'a'] == optional.of(1) && {'a': 1}[?'b'] == optional.none()",
  "optional.ofNonZeroValue(1).hasValue() && !optional.ofNonZeroValue(0).hasValue() && !optional.ofNonZeroValue('').hasValue()",
  "!optional.ofNonZeroValue([]).hasValue() && !optional.ofNonZeroValue({}).hasValue() && !optional.ofNonZeroValue(duration('0s')).hasValue()",
  "optional.of(1).orValue(2) == 1 && optional.none().orValue(2) == 2 && {'a': 1}[?'b'].orValue(0) == 0 && {'a': {'b': 1}}.?a.b.value() == 1",
])("%s", (expression) => {
  expect(value(expression)).toBe(true);
});

describe("what cannot be evaluated", () => {
  test.each([
    ["[1].slice(0, 2)", "cannot slice(0, 2), list is length 1"],
    ["lists.range(1000000)", "lists.range(1000000) is not from 0 to 10000"],
    ["semver('x')", 'invalid semver "x"'],
    ["[].min()", "min called on empty list"],
    ["{}.a", "no such key: a"],
  ])("%s", (expression, words) => {
    expect(() => value(expression)).toThrow(new CelFailure(words));
  });
});
