import { readFile } from "node:fs/promises";
import { BootFailure } from "./failure.ts";

/** Reads kwok's Stages from files, YAML or JSON, several documents each. Throws BootFailure, which names the file, the document and the field. */
export async function readStages(files: readonly string[]): Promise<readonly unknown[]> {
  if (files.length === 0) return [];
  // Most starts have no such file, and do not pay for the reading of it.
  const [{ parseAllDocuments }, { checkedStage }] = await Promise.all([import("yaml"), import("../../actors/stages/checked-stage.ts")]);
  const stages = new Map<string, unknown>();
  for (const file of files) {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw new BootFailure(`cannot read --stages ${file} (${error.code ?? error.message})`);
    });
    const documents = parseAllDocuments(text);
    for (const [index, document] of ("empty" in documents ? [] : documents).entries()) {
      const where = `--stages ${file}, document ${index + 1}`;
      const [mistake] = document.errors;
      if (mistake !== undefined) throw new BootFailure(`${where} is no YAML: ${mistake.message.split("\n")[0]}`);
      const stage: unknown = document.toJS();
      if (stage === null) continue;
      try {
        const name = checkedStage(stage);
        if (stages.has(name)) throw new Error("there is another stage of this name before");
        stages.set(name, stage);
      } catch (error) {
        const { name } = (stage as { readonly metadata?: { readonly name?: unknown } }).metadata ?? {};
        throw new BootFailure(
          `${where}${typeof name === "string" ? ` (${name})` : ""}: ${(error as Error).message.replaceAll("\n", "; ")}`,
        );
      }
    }
  }
  return [...stages.values()];
}
