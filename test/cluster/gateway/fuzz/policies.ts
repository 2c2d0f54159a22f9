import { bodyOf } from "./bodies.ts";
import type { Choices } from "./choices.ts";
import { expression } from "./expressions.ts";
import { hostileValue, printJson } from "./hostile.ts";
import type { Session } from "./session.ts";

const POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const MAPS = "/api/v1/namespaces/default/configmaps";
const JSON_HEADERS = { "content-type": "application/json", "user-agent": "fuzz" };
const VARIABLES = ["object", "oldObject", "request", "variables.v", "params", "namespaceObject", "authorizer"];

/** A policy of any expressions is asked about config maps of its own. */
export async function onePolicy(session: Session, choices: Choices): Promise<void> {
  const serial = session.serial;
  const name = `f-${serial}`;
  const labels = { policy: name };
  const say = (): string => expression(VARIABLES, choices);
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      failurePolicy: choices.of(["Fail", "Ignore"]),
      matchConstraints: {
        objectSelector: { matchLabels: labels },
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }],
      },
      validations: Array.from({ length: 1 + choices.below(3) }, () => ({
        expression: say(),
        ...(choices.once(3) ? { messageExpression: say() } : {}),
      })),
      ...(choices.once(3) ? { variables: [{ name: "v", expression: say() }] } : {}),
      ...(choices.once(3) ? { matchConditions: [{ name: "c", expression: say() }] } : {}),
      ...(choices.once(3) ? { auditAnnotations: [{ key: "k", valueExpression: say() }] } : {}),
      ...(choices.once(5) ? { paramKind: { apiVersion: "v1", kind: choices.of(["ConfigMap", "Secret", "NoSuch"]) } } : {}),
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: choices.of([["Deny"], ["Warn"], ["Audit"], ["Deny", "Audit"]]),
      ...(choices.once(3)
        ? { paramRef: { ...choices.of([{ name }, { selector: {} }]), parameterNotFoundAction: choices.of(["Allow", "Deny"]) } }
        : {}),
    },
  };
  const made = await session.ask("POST", POLICIES, Buffer.from(printJson(policy)), JSON_HEADERS);
  if (made.status !== 201) return;
  await session.ask("POST", BINDINGS, Buffer.from(printJson(binding)), JSON_HEADERS);
  for (let count = 1 + choices.below(2); count > 0; count--) {
    const map = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, labels },
      data: choices.of<unknown>([{ a: "b" }, hostileValue(choices)]),
    };
    const { mediaType, bytes } = bodyOf(map, choices);
    await session.ask("POST", MAPS, bytes, { ...JSON_HEADERS, "content-type": mediaType });
    await session.ask("PUT", `${MAPS}/${name}`, Buffer.from(printJson(map)), JSON_HEADERS);
  }
  for (const path of [`${BINDINGS}/${name}`, `${POLICIES}/${name}`, `${MAPS}/${name}`]) await session.ask("DELETE", path);
}
