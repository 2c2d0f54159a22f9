import ts from "typescript";
import { PlainTypes } from "./plain-types.ts";

/** The tag of a declaration whose file says what bytes on a wire or on a disk mean; its text is the title under which the file is printed. */
const TAG = "contract";

/**
 * Of every file with a declaration tagged `@contract <title>`: that declaration's comment, the file's exported constants, and the types that
 * carry the tag. What is `unknown` in them is any plain data.
 */
export function formats(files: readonly ts.SourceFile[], checker: ts.TypeChecker): string[] {
  const sections: string[] = [];
  for (const file of files) {
    const types = new PlainTypes(checker);
    const tagged = file.statements.filter((statement) => tagOf(statement) !== undefined);
    const [first] = tagged;
    if (first === undefined) continue;
    const lines = [`### ${tagOf(first)}`, ...tagged.flatMap(commentOf)];
    for (const statement of file.statements) {
      if (ts.isVariableStatement(statement) && isExported(statement)) lines.push(...statement.declarationList.declarations.map(constant));
      else if (ts.isTypeAliasDeclaration(statement) && tagged.includes(statement)) {
        const type = checker.getTypeAtLocation(statement);
        const members = type.isUnion() ? type.types : [type];
        const name = statement.name.text;
        lines.push(...members.map((member) => `${name} = ${types.print(member, name)}`).sort());
      }
    }
    lines.push(...types.definitions());
    sections.push(lines.join("\n"));
  }
  return sections.sort();
}

function constant(declaration: ts.VariableDeclaration): string {
  return `${declaration.name.getText()} = ${declaration.initializer?.getText().replaceAll(/\s+/g, " ")}`;
}

function tagOf(statement: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(statement).find(({ tagName }) => tagName.text === TAG);
  return tag === undefined ? undefined : (ts.getTextOfJSDocComment(tag.comment) ?? "");
}

function commentOf(statement: ts.Node): string[] {
  const text = ts
    .getJSDocCommentsAndTags(statement)
    .filter(ts.isJSDoc)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join("\n");
  return text.split("\n").map((line) => `# ${line}`.trimEnd());
}

function isExported(statement: ts.VariableStatement): boolean {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
}
