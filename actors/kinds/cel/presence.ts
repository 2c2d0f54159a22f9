/** `has(items[0].field)`: the library takes only chains of names from a variable on, cel-go any expression before the last dot. */

// What the library hands to macros; its declarations leave it open.
interface Node {
  readonly op: string;
  readonly args: unknown;
  setMeta?(key: string, value: unknown): unknown;
}
interface Checker {
  check(node: Node, scope: unknown): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  run(node: Node, scope: unknown): unknown;
  debugType(value: unknown): { fieldLazy(value: unknown, key: unknown, node: Node, evaluator: Evaluator): unknown };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "op" in value;
}

/** What the chain of names begins with. */
function startOf(node: Node): Node {
  let start = node;
  while (start.op === "." || start.op === ".?") start = (start.args as readonly [Node])[0];
  return start;
}

function presence(select: Node): object {
  const [receiver, name] = select.args as readonly [Node, string];
  return {
    async: false,
    typeCheck(checker: Checker, _macro: unknown, scope: unknown): unknown {
      checker.check(receiver, scope);
      return checker.getType("bool");
    },
    evaluate(evaluator: Evaluator, _macro: unknown, scope: unknown): boolean {
      const value = evaluator.run(receiver, scope);
      return evaluator.debugType(value).fieldLazy(value, name, select, evaluator) !== undefined;
    },
  };
}

/** Lets `has` be asked of what other expressions evaluate to. Changes the tree, which has not run yet. */
export function widenPresence(node: unknown): void {
  if (Array.isArray(node)) {
    for (const one of node) widenPresence(one);
    return;
  }
  if (!isNode(node)) return;
  const { op, args } = node;
  if (op === "call" && Array.isArray(args) && args[0] === "has") {
    const [select] = args[1] as readonly Node[];
    if (select?.op === "." && startOf(select).op !== "id") node.setMeta?.("macro", presence(select));
  }
  widenPresence(args);
}
