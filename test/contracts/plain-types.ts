import ts from "typescript";

const LINE_CHARACTERS = 140;

/**
 * Prints types that cross a wire, in a stable order and without paths, and finds in them what msgpack does not carry: functions, classes,
 * Map, Set, Date, bigint, symbols, and `unknown` or `any`, behind which any of them may hide. Object types that have a name are printed by
 * it, and once in full in `definitions`.
 */
export class PlainTypes {
  readonly #checker: ts.TypeChecker;
  readonly #named = new Map<string, { readonly type: ts.Type; text: string }>();
  readonly faults: string[] = [];

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** `where` is the name under which a fault is reported. */
  print(type: ts.Type, where: string): string {
    const { flags } = type;
    if (flags & ts.TypeFlags.StringLiteral) return JSON.stringify((type as ts.StringLiteralType).value);
    if (flags & (ts.TypeFlags.NumberLiteral | ts.TypeFlags.BooleanLiteral)) return this.#checker.typeToString(type);
    if (flags & ts.TypeFlags.TemplateLiteral) return this.#checker.typeToString(type);
    if (flags & (ts.TypeFlags.String | ts.TypeFlags.Number | ts.TypeFlags.Boolean | ts.TypeFlags.Null | ts.TypeFlags.Undefined))
      return this.#checker.typeToString(type);
    if (type.isIntersection()) return this.#intersection(type, where);
    if (type.isUnion()) return nameOf(type) === undefined ? this.#union(type, where) : this.#byName(type, where);
    if (flags & ts.TypeFlags.Object) return this.#object(type as ts.ObjectType, where);
    return this.#fault(type, where);
  }

  /** The properties of an object type, but for those named in `without`: `{ a: string, b?: number }`. */
  members(type: ts.Type, where: string, without: readonly string[] = []): string {
    const index = this.#checker.getIndexInfosOfType(type).map(({ keyType, type: value }) => {
      const key = this.#checker.typeToString(keyType);
      return `[${key}]: ${this.print(value, `${where}[${key}]`)}`;
    });
    const properties = byDeclaration(type.getProperties())
      .filter(({ name }) => !without.includes(name))
      .map((property) => this.#property(property, where));
    const all = [...index, ...properties];
    return all.length === 0 ? "{}" : `{ ${all.join(", ")} }`;
  }

  /** `Name = type` of every named type that was printed, by name; of what fills more than a line, one property a line. */
  definitions(): string[] {
    return [...this.#named]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { text }]) => `${name} = ${onLines(text)}`.replace(" \n", "\n"));
  }

  #property(property: ts.Symbol, where: string): string {
    const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const declared = this.#checker.getTypeOfSymbol(property);
    const place = `${where}.${property.name}`;
    if (!optional) return `${property.name}: ${this.print(declared, place)}`;
    const present = declared.isUnion() ? declared.types.filter(({ flags }) => (flags & ts.TypeFlags.Undefined) === 0) : [declared];
    const [only] = present;
    const type = present.length === 1 && only !== undefined ? this.print(only, place) : this.#joined(present, place);
    return `${property.name}?: ${type}`;
  }

  /** A primitive with a brand is the primitive; other intersections are objects with the properties of all their parts. */
  #intersection(type: ts.IntersectionType, where: string): string {
    const primitive = type.types.find(({ flags }) => flags & (ts.TypeFlags.String | ts.TypeFlags.Number));
    if (primitive !== undefined) return this.print(primitive, where);
    return nameOf(type) === undefined ? this.members(type, where) : this.#byName(type, where);
  }

  #union(type: ts.UnionType, where: string): string {
    return this.#joined(type.types, where);
  }

  /** The compiler orders a union's members by when it met them, which changes with code that has nothing to do with them. */
  #joined(types: readonly ts.Type[], where: string): string {
    const booleans = types.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral).length;
    const rest = booleans === 2 ? types.filter(({ flags }) => (flags & ts.TypeFlags.BooleanLiteral) === 0) : types;
    const printed = [...rest.map((one) => this.print(one, where)), ...(booleans === 2 ? ["boolean"] : [])];
    const last = ["null", "undefined"];
    return printed.sort((a, b) => last.indexOf(a) - last.indexOf(b) || (a < b ? -1 : a > b ? 1 : 0)).join(" | ");
  }

  #object(type: ts.ObjectType, where: string): string {
    if (this.#checker.isTupleType(type)) return this.#tuple(type as ts.TypeReference, where);
    if (this.#checker.isArrayType(type)) {
      const [element] = this.#checker.getTypeArguments(type as ts.TypeReference);
      const printed = element === undefined ? "never" : this.print(element, `${where}[]`);
      return printed.includes(" | ") ? `(${printed})[]` : `${printed}[]`;
    }
    if (type.symbol?.name === "Uint8Array" && isOfLibrary(type.symbol)) return "bytes";
    const callable = type.getCallSignatures().length + type.getConstructSignatures().length > 0;
    const made = type.symbol !== undefined && (type.symbol.flags & ts.SymbolFlags.Class) !== 0;
    if (callable || made || (type.symbol !== undefined && isOfLibrary(type.symbol) && nameOf(type) !== undefined)) {
      return this.#fault(type, where);
    }
    return nameOf(type) === undefined ? this.members(type, where) : this.#byName(type, where);
  }

  #tuple(type: ts.TypeReference, where: string): string {
    const labels = (type.target as ts.TupleType).labeledElementDeclarations ?? [];
    const elements = this.#checker.getTypeArguments(type).map((element, index) => {
      const label = labels[index];
      const name = label === undefined ? "" : `${label.name.getText()}: `;
      // `typeof TELL` says more than the number that it is.
      const query =
        label !== undefined && ts.isNamedTupleMember(label) && ts.isTypeQueryNode(label.type) ? ` (${label.type.exprName.getText()})` : "";
      return `${name}${this.print(element, `${where}[${index}]`)}${query}`;
    });
    return `[${elements.join(", ")}]`;
  }

  #byName(type: ts.Type, where: string): string {
    const name = nameOf(type) ?? "";
    const known = this.#named.get(name);
    if (known === undefined) {
      const entry = { type, text: "" };
      this.#named.set(name, entry);
      entry.text = type.isUnion() ? this.#union(type, name) : this.members(type, name);
    } else if (known.type !== type) {
      this.faults.push(`${where}: another type is called ${name} too; give one of them another name`);
    }
    return name;
  }

  #fault(type: ts.Type, where: string): string {
    const printed = this.#checker.typeToString(type);
    this.faults.push(`${where}: ${printed} is not plain data`);
    return printed;
  }
}

/** The name that the sources give a type; undefined for one that is written out, and for an instance of a generic one. */
function nameOf(type: ts.Type): string | undefined {
  if (type.aliasSymbol !== undefined) return type.aliasTypeArguments === undefined ? type.aliasSymbol.name : undefined;
  const { symbol } = type;
  return symbol !== undefined && symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class) ? symbol.name : undefined;
}

/** Spreads what fills more than a line over several, one member of a union or one property each. */
function onLines(printed: string, indent = ""): string {
  if (indent.length + printed.length <= LINE_CHARACTERS) return printed;
  const deeper = `${indent}  `;
  const members = apart(printed, " | ");
  if (members.length > 1) return members.map((member) => `\n${deeper}| ${onLines(member, deeper)}`).join("");
  const open = printed.indexOf("{ ");
  if (open < 0 || !printed.endsWith(" }")) return printed;
  const properties = apart(printed.slice(open + 2, -2), ", ").map((property) => `\n${deeper}${onLines(property, deeper)},`);
  return `${printed.slice(0, open)}{${properties.join("")}\n${indent}}`;
}

/** The parts between the separators that lie within no bracket. */
function apart(printed: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < printed.length; at++) {
    if ("{[(".includes(printed.charAt(at))) depth += 1;
    else if ("}])".includes(printed.charAt(at))) depth -= 1;
    else if (depth === 0 && printed.startsWith(separator, at)) {
      parts.push(printed.slice(from, at));
      from = at + separator.length;
    }
  }
  return [...parts, printed.slice(from)];
}

/** As declared; then those of mapped types, which the compiler has in the order of a union. */
function byDeclaration(properties: readonly ts.Symbol[]): readonly ts.Symbol[] {
  const isDeclared = ({ valueDeclaration }: ts.Symbol): boolean => valueDeclaration !== undefined && !ts.isMappedTypeNode(valueDeclaration);
  const others = properties.filter((property) => !isDeclared(property)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...properties.filter(isDeclared), ...others];
}

function isOfLibrary(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((declaration) => declaration.getSourceFile().isDeclarationFile) === true;
}
