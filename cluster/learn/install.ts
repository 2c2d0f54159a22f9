import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { BootFailure } from "../boot/failure.ts";
import { typed } from "../command-line/typed.ts";
import { ApiRefusal, type Session } from "../joining/session.ts";

const FIELD_MANAGER = "troupe-learn";
/** Definitions are established within this. */
const ESTABLISHED_MS = 10_000;
const POLL_MS = 50;

/** Where objects of the kinds that are installed go. */
const PATHS: Readonly<Record<string, string>> = {
  CustomResourceDefinition: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  ValidatingAdmissionPolicy: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
  Challenge: "/apis/learn.troupe.dev/v1/challenges",
  Badge: "/apis/learn.troupe.dev/v1/badges",
};

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** Makes definitions, policies, challenges and badges, or brings them up to date. Gives how many challenges there are. Throws BootFailure. */
export async function install(session: Session): Promise<number> {
  const folder = join(import.meta.dirname, "challenges");
  const challenges = readdirSync(folder).flatMap((file) => manifestsIn(join(folder, file)));
  const [own, others] = [[] as Manifest[], [] as Manifest[]];
  for (const manifest of manifestsIn(join(import.meta.dirname, "definitions.yaml")))
    (manifest.kind === "Badge" ? own : others).push(manifest);
  try {
    await Promise.all(others.map((manifest) => apply(session, manifest)));
    await Promise.all([...own, ...challenges].map((manifest) => applySoon(session, manifest)));
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 403) throw error;
    throw new BootFailure(
      `what challenges stand on is not installed, and you may not install it (${error.message}); ask an administrator to run ${typed("learn install")}`,
    );
  }
  return challenges.length;
}

function manifestsIn(path: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(path, "utf8")).map((document) => document.toJS() as Manifest);
}

function apply(session: Session, manifest: Manifest): Promise<unknown> {
  return session.apply(`${PATHS[manifest.kind]}/${manifest.metadata.name}`, manifest, FIELD_MANAGER);
}

/** An object of a definition that was made a moment ago. */
async function applySoon(session: Session, manifest: Manifest): Promise<void> {
  const deadline_ms = performance.now() + ESTABLISHED_MS;
  for (;;) {
    try {
      await apply(session, manifest);
      return;
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 404 || performance.now() > deadline_ms) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
