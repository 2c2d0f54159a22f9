import type { ResourceRequirements } from "../../kinds/generated/types.ts";
import type { ContainerObserved, SandboxObserved } from "../container-runtime.ts";
import { CONTAINER_STATE, type CriReceived, SANDBOX_READY } from "./messages.ts";
import { ANNOTATION, LABEL, sandboxName } from "./names.ts";

const NS_PER_MS = 1e6;
/** Of one of which nobody knows how it has ended. Source: kubelet's convertToAPIContainerStatuses. */
const UNKNOWN_EXIT_CODE = 137;
const UNKNOWN_REASON = "ContainerStatusUnknown";

type Status = CriReceived<"ContainerStatus">;

/** `address`: as its status says it; what is not ready has none that anybody could use. */
export function sandboxObserved({ id, metadata, state, labels }: CriReceived<"PodSandbox">, address: string): SandboxObserved {
  const uid = labels[LABEL.podUid] ?? "";
  return { id: sandboxName(uid, id), attempt: metadata?.attempt ?? 0, ready: state === SANDBOX_READY, address };
}

/** `message`: what it has left to be said of it. Source: kubelet's toKubeContainerStatus. */
export function containerObserved(status: Status, sandbox: string, resources: ResourceRequirements, message: string): ContainerObserved {
  const { id, metadata, state, createdAt, startedAt, finishedAt, exitCode, image, imageRef, imageId, reason, annotations, logPath, user } =
    status;
  const isUnknown = state === CONTAINER_STATE.unknown;
  return {
    id,
    sandbox,
    name: metadata?.name ?? "",
    attempt: metadata?.attempt ?? 0,
    image: annotations[ANNOTATION.image] ?? image?.image ?? "",
    imageId: imageRef === "" ? imageId : imageRef,
    state: state === CONTAINER_STATE.created ? "created" : state === CONTAINER_STATE.running ? "running" : "exited",
    createdAt_ms: createdAt / NS_PER_MS,
    startedAt_ms: startedAt / NS_PER_MS,
    finishedAt_ms: finishedAt / NS_PER_MS,
    exitCode: isUnknown ? UNKNOWN_EXIT_CODE : exitCode,
    reason: isUnknown ? UNKNOWN_REASON : reason,
    message: [status.message, message].filter((words) => words !== "").join(": "),
    logPath,
    resources,
    ...(user?.linux ? { user: { uid: user.linux.uid, gid: user.linux.gid, groups: user.linux.supplementalGroups } } : {}),
  };
}

/** Whether a container that has exited leaves its own words in its log where it has left none in its file. */
export function fallsBackToLog({ annotations, reason }: Status): boolean {
  return (
    annotations[ANNOTATION.terminationMessagePolicy] === "FallbackToLogsOnError" &&
    reason !== "ContainerCannotRun" &&
    reason !== "StartError"
  );
}
