import { CelFailure, celProgram } from "../../../actors/kinds/cel/cel.ts";
import type { SubjectAccessReview } from "../../../actors/kinds/generated/types.ts";

/**
 * Whether somebody is to be asked about a review: where all conditions are true, and not where one of them is false. Undefined: none is false, and one could not be
 * found out. Expressions see all attributes of what is asked, empty ones too. Source: apiserver's pkg/authorization/cel.
 */
export function matcherOf(expressions: readonly string[]): (spec: SubjectAccessReview["spec"]) => boolean | undefined {
  const programs = expressions.map((expression) => celProgram(expression));
  return (spec) => {
    const request = requestOf(spec);
    let known = true;
    for (const program of programs) {
      const value = resultOf(() => program.evaluate({ request }));
      if (value === false) return false;
      if (value !== true) known = false;
    }
    return known ? true : undefined;
  };
}

function resultOf(evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof CelFailure) return undefined;
    throw error;
  }
}

function requestOf({ user = "", groups = [], uid = "", extra = {}, ...spec }: SubjectAccessReview["spec"]): object {
  const { resourceAttributes: asked, nonResourceAttributes: page } = spec;
  return {
    user,
    groups,
    uid,
    extra,
    ...(asked === undefined
      ? {}
      : {
          resourceAttributes: {
            namespace: asked.namespace ?? "",
            verb: asked.verb ?? "",
            group: asked.group ?? "",
            version: asked.version ?? "",
            resource: asked.resource ?? "",
            subresource: asked.subresource ?? "",
            name: asked.name ?? "",
            ...(asked.fieldSelector === undefined ? {} : { fieldSelector: asked.fieldSelector }),
            ...(asked.labelSelector === undefined ? {} : { labelSelector: asked.labelSelector }),
          },
        }),
    ...(page === undefined ? {} : { nonResourceAttributes: { verb: page.verb ?? "", path: page.path ?? "" } }),
  };
}
