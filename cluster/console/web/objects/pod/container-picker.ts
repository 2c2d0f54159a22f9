import { html, type TemplateResult } from "lit-html";
import type { PodObject } from "../subject.ts";

/** The names of all containers of a pod, those that run all the time first. */
export function containerNames({ spec }: PodObject): readonly string[] {
  return [spec.containers, spec.initContainers ?? [], spec.ephemeralContainers ?? []].flat().map(({ name }) => name);
}

export function containerPicker(pod: PodObject, chosen: string, choose: (name: string) => void): TemplateResult {
  const changed = (event: Event): void => choose((event.target as HTMLSelectElement).value);
  return html`
    <select class="input narrow" aria-label="Container" @change=${changed}>
      ${containerNames(pod).map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
    </select>
  `;
}
