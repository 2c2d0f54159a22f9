import ts from "typescript";
import type { PlainTypes } from "./plain-types.ts";

/** Where the kernel declares what an actor and a kind of actors are. */
const KERNEL_FILE = "runtime/actor.ts";

/** Calls `visit` for every node of these files. */
export function walk(files: readonly ts.SourceFile[], visit: (node: ts.Node) => void): void {
  const each = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, each);
  };
  for (const file of files) each(file);
}

/** One line a message, `kind.type { fields }`: of every ActorKind that the sources make, every member of its union. */
export function messages(files: readonly ts.SourceFile[], checker: ts.TypeChecker, types: PlainTypes): string[] {
  const lines: string[] = [];
  for (const { kind, union, file } of kindsOf(files, checker)) {
    if (kind === undefined) {
      types.faults.push(`an ActorKind in ${baseName(file)} has a name that the sources do not tell`);
      continue;
    }
    for (const member of union.isUnion() ? union.types : [union]) {
      const tag = member.getProperty("type");
      const type = tag === undefined ? undefined : checker.getTypeOfSymbol(tag);
      if (type === undefined || !type.isStringLiteral()) {
        types.faults.push(`${kind}: a message has no type of its own`);
        continue;
      }
      const name = `${kind}.${type.value}`;
      lines.push(`${name} ${types.members(member, name, ["type"])}`);
    }
  }
  return lines.sort();
}

/** One line an answer, `kind -> type`: of every kind, what the file that makes it gives to `Sender.answer`. */
export function answers(files: readonly ts.SourceFile[], checker: ts.TypeChecker, types: PlainTypes): string[] {
  const kinds = new Map(kindsOf(files, checker).map(({ file, kind }) => [file, kind]));
  const lines = new Set<string>();
  walk(files, (node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const [value] = node.arguments;
    const file = node.getSourceFile();
    if (node.expression.name.text !== "answer" || value === undefined) return;
    if (kernelType(checker.getTypeAtLocation(node.expression.expression), "Sender") === undefined) return;
    const type = checker.getBaseTypeOfLiteralType(checker.getTypeAtLocation(value));
    // The kernel hands on the answers of others.
    if (file.fileName.includes("/runtime/") && type.flags & ts.TypeFlags.Unknown) return;
    const name = kinds.get(file) ?? baseName(file);
    lines.add(`${name} -> ${types.print(type, `an answer of ${name}`)}`);
  });
  return [...lines].sort();
}

interface KindMade {
  /** Undefined when no constant says it. */
  readonly kind: string | undefined;
  readonly union: ts.Type;
  readonly file: ts.SourceFile;
}

function kindsOf(files: readonly ts.SourceFile[], checker: ts.TypeChecker): KindMade[] {
  const kinds: KindMade[] = [];
  walk(files, (node) => {
    if (!ts.isObjectLiteralExpression(node)) return;
    const kindType = kernelType(checker.getContextualType(node), "ActorKind");
    const [union] = kindType === undefined ? [] : checker.getTypeArguments(kindType);
    if (union === undefined) return;
    const named = node.properties.find((property) => property.name?.getText() === "kind");
    const kind = named !== undefined && ts.isPropertyAssignment(named) ? checker.getTypeAtLocation(named.initializer) : undefined;
    kinds.push({ kind: kind?.isStringLiteral() === true ? kind.value : undefined, union, file: node.getSourceFile() });
  });
  return kinds;
}

function baseName(file: ts.SourceFile): string {
  return file.fileName.slice(file.fileName.lastIndexOf("/") + 1);
}

/** The actors whose `receive` does not end in `unknownMessage`: the name of the class, or of the file of one that is none. */
export function withoutUnknownMessage(files: readonly ts.SourceFile[], checker: ts.TypeChecker): string[] {
  const found: string[] = [];
  walk(files, (node) => {
    const isActor = ts.isClassDeclaration(node)
      ? node.heritageClauses?.some((clause) => clause.types.some((type) => kernelType(checker.getTypeAtLocation(type), "Actor"))) === true
      : ts.isObjectLiteralExpression(node) && kernelType(checker.getContextualType(node), "Actor") !== undefined;
    if (!isActor) return;
    const { members = [], name } = node as ts.ClassDeclaration;
    const properties: readonly ts.Node[] = ts.isObjectLiteralExpression(node) ? node.properties : members;
    const receive = properties.find((member) => (member as ts.NamedDeclaration).name?.getText() === "receive");
    if (receive?.getText().includes("unknownMessage(message)") !== true) {
      found.push(name?.text ?? baseName(node.getSourceFile()));
    }
  });
  return found;
}

/** The type itself, when it is this one of the kernel's. */
function kernelType(type: ts.Type | undefined, name: string): ts.TypeReference | undefined {
  if (type === undefined) return undefined;
  const parts = type.isUnion() ? type.types : [type];
  return parts.find(
    (part) => part.symbol?.name === name && part.symbol.declarations?.some((one) => one.getSourceFile().fileName.endsWith(KERNEL_FILE)),
  ) as ts.TypeReference | undefined;
}
