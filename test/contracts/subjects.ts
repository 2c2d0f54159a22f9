import ts from "typescript";
import { walk } from "./messages.ts";

/** Methods of the NATS client whose first argument names something on the server. */
const NAMING = ["publish", "subscribe", "request", "requestMany", "pullSubscribe", "kv"];

/** What the NATS client calls the settings of a stream and of a bucket. */
const OR = " or ";
/** A placeholder and nothing else. */
const ONLY_A_NAME = /^<[^<>]+>$/;

const SETTINGS: Readonly<Record<string, string>> = { StreamConfig: "stream", KvOptions: "bucket" };

/** Every subject, stream and bucket that the sources name to the NATS client. Where a part is not known before it runs, `<it>` stands for it. */
export function subjects(files: readonly ts.SourceFile[], checker: ts.TypeChecker): string[] {
  const texts = new Texts(files, checker);
  const lines = new Set<string>();
  walk(files, (node) => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const method = node.expression.name.text;
      const [first, ...rest] = node.arguments;
      if (first === undefined || !NAMING.includes(method)) return;
      const receiver = checker.getTypeAtLocation(node.expression.expression);
      if (!isOfNats(checker.getSymbolAtLocation(node.expression.name)) && !isLikeConnection(receiver)) return;
      lines.add(`${method === "kv" ? "bucket" : method} ${texts.of(first)}`);
      for (const options of rest) {
        if (!ts.isObjectLiteralExpression(options)) continue;
        const reply = options.properties.find((property) => property.name?.getText() === "reply");
        if (reply !== undefined && ts.isPropertyAssignment(reply)) lines.add(`reply ${texts.of(reply.initializer)}`);
      }
    } else if (ts.isObjectLiteralExpression(node)) {
      const what = settingsOf(checker.getContextualType(node));
      const properties = node.properties.filter(ts.isPropertyAssignment);
      if (what === undefined || properties.length === 0) return;
      lines.add(`${what} { ${properties.map((property) => `${property.name.getText()}: ${texts.of(property.initializer)}`).join(", ")} }`);
    }
  });
  return [...lines].sort();
}

function isOfNats(symbol: ts.Symbol | undefined): boolean {
  return symbol?.declarations?.some((declaration) => isNatsFile(declaration) || isNarrowed(declaration.parent)) === true;
}

function isNatsFile(node: ts.Node): boolean {
  return node.getSourceFile().fileName.includes("/node_modules/nats/");
}

/** The kernel's own view of a NATS connection: what its transport uses of one. */
function isNarrowed(node: ts.Node): boolean {
  return ts.isInterfaceDeclaration(node) && node.name.text === "WireConnection";
}

/** What the house uses of a connection where it may also be another than the client's. */
function isLikeConnection(type: ts.Type): boolean {
  return ["publish", "subscribe", "isClosed", "flush"].every((name) => type.getProperty(name) !== undefined);
}

function settingsOf(type: ts.Type | undefined): string | undefined {
  if (type === undefined) return undefined;
  const parts = type.isUnion() ? type.types : [type];
  const symbols = parts.flatMap((part) => [part.symbol, ...(part.aliasTypeArguments ?? []).map((argument) => argument.symbol)]);
  const found = symbols.find((symbol) => symbol !== undefined && SETTINGS[symbol.name] !== undefined && isOfNats(symbol));
  return found === undefined ? undefined : SETTINGS[found.name];
}

/** What an expression evaluates to, as far as the sources tell: constants are followed, through functions' results and options too. */
class Texts {
  readonly #checker: ts.TypeChecker;
  /** Properties of the house's own types, and the constant texts that the sources give them. */
  readonly #given = new Map<ts.Symbol, Set<string>>();
  /** What the house's functions are called with, and what its properties are set to. */
  readonly #calls = new Map<ts.Node, ts.CallExpression[]>();
  readonly #settings = new Map<ts.Symbol, ts.Expression[]>();
  /** Names that are being followed: one that leads back to itself stands for itself. */
  readonly #following = new Set<ts.Node>();

  constructor(files: readonly ts.SourceFile[], checker: ts.TypeChecker) {
    this.#checker = checker;
    walk(files, (node) => {
      if (ts.isCallExpression(node)) {
        const called = checker.getResolvedSignature(node)?.declaration;
        if (called !== undefined && !called.getSourceFile().isDeclarationFile) push(this.#calls, called, node);
      } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
        const set = ts.isPropertyAccessExpression(node.left) ? checker.getSymbolAtLocation(node.left.name) : undefined;
        if (set !== undefined) push(this.#settings, set, node.right);
      }
      if (!ts.isObjectLiteralExpression(node)) return;
      const type = checker.getContextualType(node);
      for (const property of node.properties) {
        if (!ts.isPropertyAssignment(property)) continue;
        const value = checker.getTypeAtLocation(property.initializer);
        const declared = type?.getProperty(property.name.getText());
        if (declared === undefined || !value.isStringLiteral()) continue;
        this.#given.set(declared, (this.#given.get(declared) ?? new Set()).add(value.value));
      }
    });
  }

  of(expression: ts.Expression): string {
    const type = this.#checker.getTypeAtLocation(expression);
    if (type.isStringLiteral() || (type.isNumberLiteral() && ts.isIdentifier(expression))) return String(type.value);
    if (ts.isArrayLiteralExpression(expression)) return `[${expression.elements.map((element) => this.of(element)).join(", ")}]`;
    if (ts.isTemplateExpression(expression)) {
      const parts = expression.templateSpans.map(({ expression: part, literal }) => {
        const text = this.of(part);
        return (text.includes(OR) ? `(${text})` : text) + literal.text;
      });
      return expression.head.text + parts.join("");
    }
    if (ts.isConditionalExpression(expression)) return `${this.of(expression.whenTrue)}${OR}${this.of(expression.whenFalse)}`;
    if (ts.isIdentifier(expression) || ts.isPropertyAccessExpression(expression)) return this.#ofName(expression);
    if (ts.isCallExpression(expression)) return this.#ofCall(expression);
    return asWritten(expression);
  }

  #ofName(expression: ts.Identifier | ts.PropertyAccessExpression): string {
    const name = ts.isIdentifier(expression) ? expression : expression.name;
    const symbol = this.#checker.getSymbolAtLocation(name);
    const declaration = symbol?.valueDeclaration;
    if (symbol === undefined || declaration === undefined) return `<${name.text}>`;
    if (ts.isEnumMember(declaration)) return expression.getText();
    if (ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined && isConstant(declaration)) {
      const { initializer } = declaration;
      if (ts.isTemplateExpression(initializer) || ts.isCallExpression(initializer)) return this.of(initializer);
    }
    if (this.#checker.getTypeAtLocation(expression).flags & ts.TypeFlags.Number) return `<${name.text}>`;
    const sources = ts.isParameter(declaration) ? this.#argumentsFor(declaration) : (this.#settings.get(symbol) ?? []);
    if (sources.length > 0 && !this.#following.has(declaration)) {
      this.#following.add(declaration);
      const texts = new Set(sources.map((source) => this.of(source)));
      this.#following.delete(declaration);
      // What is only known by its name everywhere is best called by the name that it has here.
      const known = [...texts].filter((text) => !ONLY_A_NAME.test(text)).sort();
      if (known.length === texts.size) return known.join(OR);
    }
    const property = ts.isBindingElement(declaration) ? this.#boundProperty(declaration) : symbol;
    const given = property === undefined ? undefined : this.#given.get(property);
    return given === undefined ? `<${name.text}>` : [...given].sort().join(OR);
  }

  /** A function of the house that only returns something is that. */
  #ofCall(call: ts.CallExpression): string {
    const declaration = this.#checker.getResolvedSignature(call)?.declaration;
    const body = declaration !== undefined && "body" in declaration ? (declaration.body as ts.Node | undefined) : undefined;
    if (body === undefined) return asWritten(call);
    if (!ts.isBlock(body)) return this.of(body as ts.Expression);
    const [only] = body.statements;
    if (body.statements.length === 1 && only !== undefined && ts.isReturnStatement(only) && only.expression !== undefined)
      return this.of(only.expression);
    return asWritten(call);
  }

  #argumentsFor(parameter: ts.ParameterDeclaration): readonly ts.Expression[] {
    const at = parameter.parent.parameters.indexOf(parameter);
    return (this.#calls.get(parameter.parent) ?? []).flatMap((call) => call.arguments[at] ?? []);
  }

  /** The property that `const { name } = options` takes. */
  #boundProperty(element: ts.BindingElement): ts.Symbol | undefined {
    const source = this.#checker.getTypeAtLocation(element.parent);
    return source.getProperty((element.propertyName ?? element.name).getText());
  }
}

function push<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function asWritten(expression: ts.Expression): string {
  return expression.getText().replaceAll(/\s+/g, " ");
}

function isConstant(declaration: ts.VariableDeclaration): boolean {
  return (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
}
