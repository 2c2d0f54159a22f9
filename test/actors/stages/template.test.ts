import { expect, test } from "vitest";
import { COMMON_FUNCTIONS } from "../../../actors/stages/template/functions.ts";
import { template } from "../../../actors/stages/template/template.ts";

const data = { name: "web", labels: { b: "2", a: "1" }, items: [{ n: 1 }, { n: 2 }], empty: [], flag: false, deep: { er: { value: 7 } } };
const render = (text: string): string => template(text, Object.keys(COMMON_FUNCTIONS)).render(data, COMMON_FUNCTIONS);

test.each([
  ["{{ .name }}", "web"],
  ["{{ .missing }}", "<no value>"],
  ["{{ .missing.far }}", "<no value>"],
  ["{{ .deep.er.value }}", "7"],
  ["{{ $x := .name }}{{ $x }}", "web"],
  ["{{ $x := false }}{{ range .items }}{{ $x = .n }}{{ end }}{{ $x }}", "2"],
  ["{{ if .empty }}a{{ else if .name }}b{{ else }}c{{ end }}", "b"],
  ["{{ if not .flag }}no{{ end }}", "no"],
  ["{{ with .deep.er }}{{ .value }}{{ else }}none{{ end }}", "7"],
  ["{{ with .nothing }}x{{ else }}none{{ end }}", "none"],
  ["{{ range .items }}{{ .n }},{{ end }}", "1,2,"],
  ["{{ range $i, $item := .items }}{{ $i }}={{ $item.n }} {{ end }}", "0=1 1=2 "],
  ["{{ range .empty }}x{{ else }}nothing{{ end }}", "nothing"],
  ["{{ range $k, $v := .labels }}{{ $k }}{{ $v }}{{ end }}", "a1b2"],
  ["{{ range .items }}{{ if eq .n 2 }}{{ break }}{{ end }}{{ .n }}{{ end }}", "1"],
  ["{{ (index .items 1).n }}", "2"],
  ['{{ index .labels "a" | Quote }}', '"1"'],
  ["{{ .deep.er.value | Quote }}", '"7"'],
  ["{{ or .missing .name }}", "web"],
  ["{{ and .name .flag }}", "false"],
  ['{{ or ( index ( or .annotations dict ) "x" ) "otherwise" }}', "otherwise"],
  ['{{ eq .name "db" "web" }}', "true"],
  ['{{ printf "%s-%d %q" .name 5 "x" }}', 'web-5 "x"'],
  ["{{ .name -}}   b", "webb"],
  ["a   {{- .name }}", "aweb"],
  ["{{/* nothing */}}x", "x"],
  ['{{ `""` }}', '""'],
  ["x: {{ YAML .labels 1 }}", 'x: \n  b: "2"\n  a: "1"\n  '],
  ['{{ default "d" .missing }}{{ .name | upper | trunc 2 }}', "dWE"],
  ["{{ . | len }}", "6"],
  ["}} stays", "}} stays"],
] as const)("%s", (text, rendered) => expect(render(text)).toBe(rendered));

test.each([
  ["a\n{{ if .a }}", /^line 2: .* has no \{\{ end \}\}/],
  ["{{ end }}", /^line 1: \{\{ end \}\} has nothing/],
  ["{{ frob .a }}", /^line 1: .*there is no function frob; there are and, or, eq, /],
  ["\n\n{{ .a | }}", /^line 1: .*ends too early/],
  ["{{ .a ~ }}", /^line 1: .* not understood from "~/],
  ["{{ .a", /^line 1: an action is not closed/],
  ['{{ template "x" }}', /^line 1: template is not understood/],
  ["{{ $y }}", /^line 1: there is no variable \$y/],
  ["x\n{{ index .items 9 }}", /^line 2: index out of range: 9/],
  ["{{ range .name }}{{ end }}", /^line 1: range cannot go through "web"/],
  ["{{ .name.first }}", /^line 1: "web" has no field first/],
])("%s is refused", (text, why) => expect(() => render(text)).toThrow(why));
