/** Expressions of webhooks and policies: read once, evaluated for each request. */

import { addAuthorizer, CelAuthorizer, type CelQuestion } from "../../../kinds/cel/admission-variables.ts";
import { BudgetSpent, type CelBudget, CelFailure, type CelProgram, celEnvironment, celProgram } from "../../../kinds/cel/cel.ts";
import { celValue } from "../../../kinds/custom/cel-values.ts";
import type { Namespace } from "../../../kinds/generated/types.ts";
import type { Kind } from "../../../kinds/kind.ts";
import type { KubeObject } from "../../../kinds/object.ts";
import { askerOf } from "../../authors.ts";
import type { Requester } from "../../registry.ts";
import type { AdmissionRequest } from "../admission.ts";
import { placeOf } from "../matching.ts";
import { reviewRequest } from "../webhooks/review.ts";

/** Says what somebody may do. Asked by expressions that name `authorizer`. */
export interface Authorizer {
  authorize(requester: Requester, question: CelQuestion): Verdict | Promise<Verdict>;
}

interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

const MASTERS = "system:masters";

/** Before there are roles: administrators may do everything, the others nothing. */
export const MASTERS_ONLY: Authorizer = {
  authorize: ({ groups }) => ({ allowed: groups.includes(MASTERS), reason: "" }),
};

/** Expressions that are kept: more than a cluster has. */
const PROGRAMS_MAX = 4_096;

export class Expressions {
  readonly #environment = addAuthorizer(celEnvironment(false));
  readonly #programs = new Map<string, CelProgram | CelFailure>();
  readonly authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.authorizer = authorizer;
  }

  /** Throws CelFailure when it cannot be read. */
  program(expression: string): CelProgram {
    let program = this.#programs.get(expression);
    if (program === undefined) {
      program = this.#read(expression);
      if (this.#programs.size >= PROGRAMS_MAX) this.#programs.clear();
      this.#programs.set(expression, program);
    }
    if (program instanceof CelFailure) throw program;
    return program;
  }

  #read(expression: string): CelProgram | CelFailure {
    try {
      return celProgram(expression, this.#environment);
    } catch (error) {
      if (error instanceof CelFailure) return error;
      throw error;
    }
  }
}

/** What expressions see of one request. */
export interface Seen {
  readonly values: Readonly<Record<string, unknown>>;
}

const AUTHORIZATION_VERBS = { create: "create", update: "update", delete: "delete", connect: "connect" } as const;

/** `kind`: in whose form. */
export function seenBy(request: AdmissionRequest, kind: Kind, namespace: Namespace | undefined, expressions: Expressions): Seen {
  const { object, oldObject, uid: _uid, ...asked } = reviewRequest("", request, kind);
  const requester = askerOf(request.options, request.current ?? request.object);
  const requestResource: CelQuestion = {
    verb: AUTHORIZATION_VERBS[request.operation],
    path: "",
    group: request.requested.group,
    resource: request.requested.plural,
    subresource: request.subresource ?? "",
    namespace: placeOf(request),
    name: request.name,
  };
  const values = {
    object: celValue(undefined, object),
    oldObject: celValue(undefined, oldObject),
    request: celValue(undefined, asked),
    namespaceObject: namespace === undefined ? null : celValue(undefined, namespaceFields(namespace)),
    authorizer: new CelAuthorizer(authorityOf(requester, requestResource, expressions.authorizer)),
  };
  return { values };
}

function authorityOf(requester: Requester, requestResource: CelQuestion, authorizer: Authorizer): CelAuthorizer["authority"] {
  return {
    requestResource,
    serviceAccount: (namespace, name) => {
      const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
      return authorityOf({ user: `system:serviceaccount:${namespace}:${name}`, groups }, requestResource, authorizer);
    },
    check: (question) => authorizer.authorize(requester, question),
  };
}

function namespaceFields({ metadata, spec, status }: Namespace): KubeObject {
  const { ownerReferences: _owners, managedFields: _managed, ...meta } = metadata;
  return { metadata: meta, ...(spec === undefined ? {} : { spec }), ...(status === undefined ? {} : { status }) } as KubeObject;
}

/** Evaluates; every failure is a CelFailure that names the expression. */
export async function evaluated(
  expression: string,
  expressions: Expressions,
  seen: Seen,
  more: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): Promise<unknown> {
  try {
    const program = expressions.program(expression);
    return await program.evaluate({ ...seen.values, ...more }, budget);
  } catch (error) {
    if (!(error instanceof CelFailure) || error instanceof BudgetSpent) throw error;
    throw new CelFailure(`expression '${expression}' resulted in error: ${error.message}`);
  }
}
