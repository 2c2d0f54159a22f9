/** The text is no query, or goes beyond what is understood of jq; the message says where and what is. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

export interface Token {
  readonly type: "field" | "name" | "string" | "number" | "sign" | "end";
  readonly text: string;
  /** Where it begins, from 1. */
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<field>\.[A-Za-z_]\w*)|(?<name>[A-Za-z_]\w*)|(?<string>"(?:[^"\\]|\\.)*")|(?<number>-?\d+(?:\.\d+)?)|(?<sign>\/\/|==|!=|<=|>=|[.[\]()|<>?,]))/y;

export const UNDERSTOOD =
  'understood of jq are paths (.a.b, ."a-b", .["a"], .[0], .[], ?), |, //, and, or, == != < <= > >=, literals, and select(f), map(f), has("a"), any, all, first, last, length, keys, not, tostring, tonumber, empty';

export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) {
      const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
      throw new QueryError(
        `${JSON.stringify(text)} is not understood from character ${at + 1} on (${text.slice(at, at + 10)}); ${UNDERSTOOD}`,
      );
    }
    const [type, word = ""] = Object.entries(groups).find(([, each]) => each !== undefined) ?? [];
    tokens.push({ type: type as Token["type"], text: word, at: TOKEN.lastIndex - word.length + 1 });
  }
  tokens.push({ type: "end", text: "", at: text.length + 1 });
  return tokens;
}
