import { html, type TemplateResult } from "lit-html";

/** Troupe's mark: a few on a stage, one of them in the light. */
export function mark(): TemplateResult {
  return html`
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <rect x="2" y="2" width="9" height="9" rx="2.5" class="mark-one" />
      <rect x="13" y="2" width="9" height="9" rx="2.5" />
      <rect x="2" y="13" width="9" height="9" rx="2.5" />
      <rect x="13" y="13" width="9" height="9" rx="2.5" />
    </svg>
  `;
}
