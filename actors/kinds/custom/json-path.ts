/** The simple JSONPaths of printer columns, scales and selectable fields. Source: k8s.io/client-go/util/jsonpath. */
import { goText } from "../machinery/go-json.ts";
import { isMembers } from "./structural-schema.ts";

type Step = (values: readonly unknown[]) => unknown[];

const NAME = /^\.?((?:[^.[\]\\]|\\.)+)/;
const QUOTED = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/;
const INDEX = /^\[(-?\d+)\]/;
const ALL = /^(?:\[\*\]|\.\*)/;
const FILTER = /^\[\?\(\s*@\.?([^=!<>\s)]*)\s*(?:(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^\s)]+))\s*)?\)\]/;

/** What the values of a path are in a document. */
export type JsonPath = (document: unknown) => readonly unknown[];

/** Reads a path, `.spec.items[0].name`; undefined when it is none. */
export function jsonPath(path: string): JsonPath | undefined {
  const steps: Step[] = [];
  let rest = path.replace(/^\{|\}$/g, "").replace(/^\$/, "");
  while (rest !== "" && rest !== ".") {
    const read = readStep(rest);
    if (read === undefined) return undefined;
    steps.push(read.step);
    rest = rest.slice(read.length);
  }
  return (document) => steps.reduce<readonly unknown[]>((values, step) => step(values), [document]);
}

function readStep(text: string): { readonly step: Step; readonly length: number } | undefined {
  const all = ALL.exec(text);
  if (all !== null) return { step: everything, length: all[0].length };
  const filter = FILTER.exec(text);
  if (filter !== null) return { step: filterOf(filter), length: filter[0].length };
  const index = INDEX.exec(text);
  if (index !== null) return { step: itemAt(Number(index[1])), length: index[0].length };
  const quoted = QUOTED.exec(text);
  if (quoted !== null) return { step: memberNamed(plain(quoted[1] ?? quoted[2] ?? "")), length: quoted[0].length };
  const name = NAME.exec(text);
  return name === null ? undefined : { step: memberNamed(plain(name[1] ?? "")), length: name[0].length };
}

function plain(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

function memberNamed(name: string): Step {
  return (values) => values.flatMap((value) => (isMembers(value) && Object.hasOwn(value, name) ? [value[name]] : []));
}

function itemAt(index: number): Step {
  return (values) => values.flatMap((value) => (Array.isArray(value) && value.at(index) !== undefined ? [value.at(index)] : []));
}

function everything(values: readonly unknown[]): unknown[] {
  return values.flatMap((value) => (Array.isArray(value) ? value : isMembers(value) ? Object.values(value) : []));
}

function filterOf(match: RegExpExecArray): Step {
  const [, path = "", operator, single, double, bare] = match;
  const wanted = single ?? double ?? bare;
  const read = jsonPath(path === "" ? "" : `.${path}`);
  return (values) =>
    everything(values).filter((item) => {
      const found = read?.(item)[0];
      if (operator === undefined) return found !== undefined;
      return (found !== undefined && goText(found) === wanted) === (operator === "==");
    });
}
