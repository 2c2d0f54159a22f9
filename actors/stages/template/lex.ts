/** The text is no template, or goes beyond what is understood of Go's; the message says in which line, and what is wrong. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** A piece of a template: text that stands as it is, or an action, without its braces. */
export interface Piece {
  readonly type: "text" | "action";
  readonly text: string;
  readonly line: number;
}

const ACTION = /\{\{(- )?((?:[^"`}]|"(?:[^"\\\n]|\\.)*"|`[^`]*`|\}(?!\}))*?)( -)?\}\}/g;

/** Cuts a template into its pieces. `{{- ` and ` -}}` take the white space beside them; comments are left out. */
export function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let line = 1;
  let trims = false;
  const text = (until: number, trimsEnd: boolean): void => {
    const raw = template.slice(from, until);
    const begun = trims ? raw.trimStart() : raw;
    const stands = trimsEnd ? begun.trimEnd() : begun;
    if (stands.includes("{{")) throw new TemplateError(`line ${line + linesIn(raw.slice(0, raw.indexOf("{{")))}: an action is not closed`);
    if (stands !== "") pieces.push({ type: "text", text: stands, line });
    line += linesIn(raw);
  };
  for (const match of template.matchAll(ACTION)) {
    const [whole, trimsBefore, inner = "", trimsAfter] = match;
    text(match.index, trimsBefore !== undefined);
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(inner)) pieces.push({ type: "action", text: inner, line });
    line += linesIn(whole);
    from = match.index + whole.length;
    trims = trimsAfter !== undefined;
  }
  text(template.length, false);
  return pieces;
}

function linesIn(text: string): number {
  return text.split("\n").length - 1;
}

export interface Word {
  readonly type: "field" | "variable" | "name" | "text" | "number" | "sign";
  readonly text: string;
  /** White space stands before it: `.a .b` are two things, `$x.b` is one. */
  readonly apart: boolean;
}

const WORD =
  /(?<space>\s+)|(?<field>\.[A-Za-z_]\w*)|(?<variable>\$\w*)|(?<name>[A-Za-z_]\w*)|(?<text>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?<number>-?\d+(?:\.\d+)?)|(?<sign>:=|[.|()=,])/y;

/** The words of an action. */
export function wordsOf({ text, line }: Piece): readonly Word[] {
  const words: Word[] = [];
  let apart = true;
  WORD.lastIndex = 0;
  while (WORD.lastIndex < text.length) {
    const at = WORD.lastIndex;
    const groups = WORD.exec(text)?.groups;
    if (groups === undefined) throw new TemplateError(`line ${line}: {{${text}}} is not understood from "${text.slice(at, at + 10)}" on`);
    const [type, word = ""] = Object.entries(groups).find(([, each]) => each !== undefined) ?? [];
    if (type !== "space") words.push({ type: type as Word["type"], text: word, apart });
    apart = type === "space";
  }
  return words;
}
