import type { Choices } from "./choices.ts";

/** JSON that is written as it stands, where `JSON.stringify` would not write it so. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const LONG_CHARS = 300;
/** More than an annotation may have. */
const GIANT_CHARS = 300_000;
/** Nearly as much as a body may have. */
const HUGE_CHARS = 2_900_000;
const NESTING: readonly number[] = [20, 200, 3_000, 12_000, 200_000];

const STRINGS: readonly string[] = [
  "",
  "a",
  "A",
  "-",
  ".",
  "..",
  "a/b",
  "/",
  "%2f",
  "a b",
  " a",
  "a\n",
  "\n",
  "\u0000",
  "\u0000a",
  "\ud800",
  "a\udfffb",
  "\u2028",
  "é",
  "日本",
  "😀",
  "\ufeff",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "null",
  "true",
  "0",
  "-0",
  "1e400",
  "1Ki",
  "10%",
  "1e99999999",
  "0.0000000000000000001",
  "99999999999999999999",
  "-1",
  "NaN",
  "Infinity",
  "2026-01-01T00:00:00Z",
  "9999-99-99T99:99:99Z",
  "0001-01-01T00:00:00Z",
  "=",
  "!",
  "!=",
  "in",
  "a in (",
  "a notin (b),c",
  "*",
  "$(x)",
  "$$",
  "~0~1",
  "-----BEGIN CERTIFICATE-----",
  "(((((((a+)+)+)+)+)+)+)+$",
  "^(a|a)*$",
  '"},"name":"x',
  '],"name":',
  '"managedFields":[',
  "127.0.0.1",
  "::1",
  "::ffff:1.2.3.4",
  "10.96.0.1",
  "10.0.0.0/8",
  "8080",
  "http",
  "*.example.com",
  "kubernetes.io/hostname",
  "a".repeat(63),
  "a".repeat(64),
  "a".repeat(253),
  "a".repeat(254),
  "é".repeat(200),
  "a.".repeat(LONG_CHARS),
  "a/".repeat(LONG_CHARS),
  "0".repeat(LONG_CHARS),
  // What turns the direction of writing, joins, is not seen, or is another form of the same.
  "\u202ea\u202c",
  "a\u200d\u200bb",
  "e\u0301",
  "\u0085\u00a0",
  "\u{10ffff}",
  "\ufffe\uffff",
  "ﬃ",
  "İ",
  "ß",
  "K",
  "\u0301".repeat(LONG_CHARS),
  "👨‍👩‍👧‍👦",
  "\r\nX-Header: x\r\n",
  "../../etc/passwd",
  "{{.}}",
  "<script>",
  "' || true || '",
  "a,b=c",
  "1.2.3.4.5",
  "1e-400",
  "0x1f",
  "1_000",
  "١",
  "-1Ei",
  "9".repeat(19),
  `${"9".repeat(LONG_CHARS)}Ei`,
  "0.".concat("0".repeat(LONG_CHARS), "1n"),
  "PT1H",
  "99999999h",
  "2026-01-01T00:00:00.999999999999999999+99:99",
  "R/1/2",
  "* * * * *",
  "TZ=Europe/Berlin * * * * *",
  "*/0 99 */99999 * *",
  "@every 1ns",
  "sha256:".concat("a".repeat(64)),
  "/dev/../proc/self",
  "%d%s%n",
];

const NUMBERS: readonly string[] = [
  "0",
  "1",
  "-1",
  "-0",
  "0.5",
  "1.0",
  "1e0",
  "1e3",
  "2147483647",
  "2147483648",
  "-2147483649",
  "65536",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "1e21",
  "1e308",
  "1e400",
  "-1e400",
  "1e-400",
  `1${"0".repeat(LONG_CHARS)}`,
  `0.${"0".repeat(LONG_CHARS)}1`,
  "-0.0",
  "1E+2",
  "1e-7",
  "4294967296",
  "-9223372036854775809",
  "18446744073709551616",
  "0.1e1",
  "1e0000000000000000000001",
];

const STRUCTURES: readonly unknown[] = [
  null,
  true,
  false,
  [],
  {},
  [null],
  [[]],
  [{}],
  { "": "" },
  { a: null },
  { a: [] },
  new Raw('{"__proto__":{"x":1}}'),
  new Raw('{"constructor":{"prototype":{"x":1}}}'),
  new Raw('{"a":1,"a":2}'),
  new Raw('{"toJSON":"x"}'),
  new Raw('{"length":-1}'),
  new Raw('{"__proto__":null}'),
  new Raw('{"__proto__":[]}'),
  new Raw('{"a":{"__proto__":{"a":1}},"constructor":null}'),
  new Raw('{"a":1,"\\u0061":2}'),
  new Raw('{"hasOwnProperty":1,"toString":1,"valueOf":1}'),
  new Raw('{"then":{}}'),
  { $ref: "#" },
  { $patch: "delete" },
  { $retainKeys: ["a"], a: 1 },
];

/** So many members or items that what takes their square never ends. */
const WIDE_COUNT = 20_000;

export function hostileString(choices: Choices): string {
  // The longest are rare: they take the time of a hundred others.
  if (choices.once(60)) return "x".repeat(choices.once(8) ? HUGE_CHARS : GIANT_CHARS);
  return choices.of(STRINGS);
}

export function hostileNumber(choices: Choices): Raw {
  return new Raw(choices.of(NUMBERS));
}

/** A value of any type, from nothing to a bomb. */
export function hostileValue(choices: Choices): unknown {
  switch (choices.below(5)) {
    case 0:
      return hostileString(choices);
    case 1:
      return hostileNumber(choices);
    case 2:
      return choices.of(STRUCTURES);
    case 3:
      if (choices.once(30)) return wide(choices);
      return choices.once(10) ? nested(choices) : [hostileString(choices), hostileString(choices)];
    default:
      return { [hostileString(choices)]: choices.of(STRUCTURES), a: hostileNumber(choices) };
  }
}

function wide(choices: Choices): unknown {
  const all = Array.from({ length: WIDE_COUNT }, (_none, index) => index);
  switch (choices.below(4)) {
    case 0:
      return all;
    case 1:
      return all.map((index) => ({ name: `n${index}`, key: `k${index}`, a: 1 }));
    case 2:
      return Object.fromEntries(all.map((index) => [`k${index}`, "x"]));
    default:
      return all.map((index) => `n${index}`);
  }
}

function nested(choices: Choices): Raw {
  const depth = choices.of(NESTING);
  const [open, inside, close] = choices.of([
    ["[", "", "]"],
    ['{"a":', "1", "}"],
    ['[{"a":', "[]", "}]"],
  ] as const);
  return new Raw(open.repeat(depth) + inside + close.repeat(depth));
}

/** Text that is finished, among values that are not. */
class Printed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON with the raw parts as they stand; of any depth, since what a server kept of a bomb comes back and is sent again. */
export function printJson(value: unknown): string {
  const parts: string[] = [];
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (next instanceof Printed || next instanceof Raw) parts.push(next.text);
    else if (typeof next === "object" && next !== null) left.push(...piecesOf(next).reverse());
    else parts.push(JSON.stringify(next) ?? "null");
  }
  return parts.join("");
}

function piecesOf(value: object): unknown[] {
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const members = Array.isArray(value)
    ? value.map((one) => ["", one] as const)
    : Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([name, one]) => [`${JSON.stringify(name)}:`, one] as const);
  const inside = members.flatMap(([label, one], index) => [new Printed(`${index === 0 ? "" : ","}${label}`), one]);
  return [new Printed(open), ...inside, new Printed(close)];
}
