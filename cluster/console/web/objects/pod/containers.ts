import { html, nothing, type TemplateResult } from "lit-html";
import { age } from "../../format.ts";
import { stateMark } from "../cell.ts";
import { type Container, type ContainerState, type ContainerStatus, isHollow, type PodObject, type Quantities } from "../subject.ts";

/** The containers of a pod and what it keeps its files in. */
export function podContainers(pod: PodObject): TemplateResult {
  const { spec, status } = pod;
  const groups = [
    ["", spec.containers, status.containerStatuses],
    ["init", spec.initContainers, status.initContainerStatuses],
    ["ephemeral", spec.ephemeralContainers, status.ephemeralContainerStatuses],
  ] as const;
  return html`
    <section>
      <h2>Containers</h2>
      ${isHollow(pod) ? html`<p class="note">These containers are hollow: they have states, but no processes, so there are no logs and there is no terminal.</p>` : nothing}
      <div class="cards">
        ${groups.map(([when, containers = [], statuses = []]) =>
          containers.map((container) =>
            card(
              container,
              when,
              statuses.find(({ name }) => name === container.name),
            ),
          ),
        )}
      </div>
    </section>
    ${spec.volumes === undefined || spec.volumes.length === 0 ? nothing : volumes(spec.volumes)}
  `;
}

function card(
  { name, image, command, args, ports, resources, volumeMounts }: Container,
  when: string,
  status: ContainerStatus | undefined,
): TemplateResult {
  const words = [...(command ?? []), ...(args ?? [])].join(" ");
  return html`
    <div class="card container-card">
      <h3>${name} ${when === "" ? nothing : html`<span class="muted">${when}</span>`}</h3>
      <p>${status === undefined ? stateMark("Waiting", "plain") : stateOf(status)}</p>
      <dl class="facts tight">
        ${fact("Image", image && html`<code>${image}</code>`)} ${fact("Command", words && html`<code class="words">${words}</code>`)}
        ${fact("Ports", ports?.map(({ containerPort, protocol = "TCP", name }) => `${name ? `${name} ` : ""}${containerPort}/${protocol}`).join(", "))}
        ${fact("Requests", quantities(resources?.requests))} ${fact("Limits", quantities(resources?.limits))}
        ${fact("Restarts", status !== undefined && status.restartCount > 0 ? html`<span class="restarted num">${status.restartCount}</span>` : undefined)}
        ${fact("Last state", status?.lastState?.terminated && ended(status.lastState.terminated))}
        ${fact(
          "Mounts",
          volumeMounts?.map(
            ({ name, mountPath, readOnly }) =>
              html`<div><code>${mountPath}</code> <span class="muted">${name}${readOnly ? ", read only" : ""}</span></div>`,
          ),
        )}
      </dl>
    </div>
  `;
}

function stateOf({ state = {}, ready }: ContainerStatus): TemplateResult {
  const { waiting, running, terminated } = state;
  if (running !== undefined)
    return html`${stateMark(ready ? "Running" : "Running, not ready", ready ? "good" : "warn")} <span class="muted num">${running.startedAt ? age(running.startedAt, Date.now()) : ""}</span>`;
  if (terminated !== undefined) return ended(terminated);
  return html`${stateMark(waiting?.reason ?? "Waiting", /BackOff|Err/.test(waiting?.reason ?? "") ? "bad" : "warn")} <span class="muted words">${waiting?.message ?? ""}</span>`;
}

function ended({ reason, exitCode, message, finishedAt }: NonNullable<ContainerState["terminated"]>): TemplateResult {
  return html`
    ${stateMark(`${reason ?? "Ended"}, exit code ${exitCode}`, exitCode === 0 ? "good" : "bad")}
    <span class="muted num">${finishedAt ? `${age(finishedAt, Date.now())} ago` : ""}</span> <span class="muted words">${message ?? ""}</span>
  `;
}

function fact(name: string, value: unknown): TemplateResult | typeof nothing {
  return value === undefined || value === "" ? nothing : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function quantities(quantities: Quantities | undefined): string | undefined {
  return (
    quantities &&
    Object.entries(quantities)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")
  );
}

function volumes(all: NonNullable<PodObject["spec"]["volumes"]>): TemplateResult {
  return html`
    <section>
      <h2>Volumes</h2>
      <dl class="facts">
        ${all.map((volume) => {
          const [kind = "", source] = Object.entries(volume).find(([key]) => key !== "name") ?? [];
          return html`<div><dt>${volume.name}</dt><dd>${kind} <span class="muted">${sourceWords(source)}</span></dd></div>`;
        })}
      </dl>
    </section>
  `;
}

function sourceWords(source: unknown): string {
  if (typeof source !== "object" || source === null) return "";
  return Object.entries(source)
    .filter(([, value]) => typeof value !== "object")
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}
