import type { Choices } from "./choices.ts";
import { hostileString } from "./hostile.ts";

/** How deep one expression goes into another. */
const DEPTH_MAX = 5;
const LONG_TIMES = 3_000;

const PATTERNS: readonly string[] = ["^a*$", "(a+)+$", "(a|a)*$", "(?=a)", "(a)\\\\1", "[", "(x+x+)+y", "\\\\pL+", "(?i)a", "a{1,999}"];

const NUMBERS: readonly string[] = ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "1e300", "3u", "0x10"];

/** What takes long when nobody counts. */
const BOMBS: readonly string[] = [
  "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, true)))))))",
  "lists.range(10000).all(a, lists.range(10000).all(b, a != b + 20000))",
  "lists.range(10000).map(a, lists.range(10000)).size() > 0",
  "lists.range(10000).map(a, string(a)).join('').matches('(1+)+x')",
  "lists.range(9000).map(a, lists.range(100).map(b, 'aaaaaaaaaaaaaaaa').join('')).join('').contains('ab')",
  `'${"a".repeat(200)}'.matches('(a+)+$x')`,
  "lists.range(8000).map(a, a / 7).distinct().size() > 0",
  "lists.range(5000).map(a, [a]).indexOf([5001]) > 0",
  "sets.contains(lists.range(9000), lists.range(9000))",
  "'%s'.format([lists.range(10000).map(a, lists.range(50))]).size() > 0",
  "'a'.replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').replace('', 'aaaaaaaaaa').size() > 0",
  `${"(".repeat(LONG_TIMES)}1${")".repeat(LONG_TIMES)} == 1`,
  `${"!".repeat(LONG_TIMES)}true`,
  `${"1+".repeat(LONG_TIMES)}1 > 0`,
  `${"[".repeat(LONG_TIMES)}${"]".repeat(LONG_TIMES)} == []`,
  "'%.9999999f'.format([1.0]) == ''",
  "'%d'.format(['x']) == ''",
  "duration('999999999999h') > duration('0s')",
  "timestamp('9999-99-99T00:00:00Z') < timestamp('0001-01-01T00:00:00Z')",
  "quantity('1e99999999').isGreaterThan(quantity('0'))",
  "semver('1.2.3-99999999999999999999999').major() == 1",
  "cidr('::/0').containsIP(ip('::1'))",
  "url('http://[::1%25x]:99999/%zz').getHost() == ''",
  "base64.decode('====') == b''",
];

/** An expression in CEL about these variables: most often one that can be read. */
export function expression(variables: readonly string[], choices: Choices, depth: number = DEPTH_MAX): string {
  if (choices.once(12)) return choices.of(BOMBS);
  if (choices.once(40)) return hostileString(choices).slice(0, LONG_TIMES);
  return truth(variables, choices, depth);
}

function truth(variables: readonly string[], choices: Choices, depth: number): string {
  const value = (): string => operand(variables, choices, depth - 1);
  const also = (): string => (depth <= 0 ? "true" : truth(variables, choices, depth - 1));
  switch (choices.below(9)) {
    case 1:
      return `has(${choices.of(variables)}.${choices.of(FIELDS)})`;
    case 2:
      return `(${also()} ${choices.of(["&&", "||"])} ${also()})`;
    case 3:
      return `!${also()}`;
    case 4:
      return `${value()}.${choices.of(["all", "exists", "exists_one"])}(${choices.of(["x", "y", "self"])}, ${also()})`;
    case 5:
      return `${value()}.matches('${choices.of(PATTERNS)}')`;
    case 6:
      return `${value()}.${choices.of(["contains", "startsWith", "endsWith", "isSorted", "indexOf"])}(${value()})`;
    case 7:
      return `${value()} in ${value()}`;
    case 8:
      return `(${also()} ? ${also()} : ${value()})`;
    default:
      return `${value()} ${choices.of(["==", "!=", "<", ">=", "+", "%"])} ${value()}`;
  }
}

const FIELDS: readonly string[] = ["a", "b", "metadata", "name", "spec", "data", "labels", "__proto__", "constructor", "no", "__in__"];

function operand(variables: readonly string[], choices: Choices, depth: number): string {
  const inner = (): string => (depth <= 0 ? "1" : operand(variables, choices, depth - 1));
  switch (choices.below(depth <= 0 ? 4 : 10)) {
    case 1:
      return choices.of(NUMBERS);
    case 2:
      return choices.of(["'x'", "''", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'", "b'x'", "r'\\d'", "'\\u0000'", "'\\U0001F600'"]);
    case 3:
      return choices.of(["[]", "[1,2]", "['a','b']", "{}", "{'a': 1}", "{1: 2}", "null", "true", "[1,'a']"]);
    case 4:
      return `${inner()}.${choices.of(FIELDS)}`;
    case 5:
      return `${inner()}[${inner()}]`;
    case 6:
      return `${inner()}.${choices.of(["map", "filter"])}(${choices.of(["x", "y", "self"])}, ${inner()})`;
    case 7:
      return `${choices.of(["size", "string", "int", "double", "type", "dyn", "quantity", "url", "ip", "timestamp", "duration", "bytes"])}(${inner()})`;
    case 8:
      return `${inner()}.${choices.of(["size()", "lowerAscii()", "split('')", "join(',')", "substring(1)", "findAll('a*')", "find('a')", "sum()", "?a.orValue(1)", "reverse()", "flatten()", "min()"])}`;
    case 9:
      return `cel.bind(x, ${inner()}, ${inner()})`;
    default:
      return choices.of(variables);
  }
}
