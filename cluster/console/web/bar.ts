import { html, type TemplateResult } from "lit-html";

/** A share, 0 to 1, as a bar; the words beside it say it too. */
export function bar(share: number): TemplateResult {
  return html`
    <svg class="bar" aria-hidden="true">
      <rect class="bar-all" width="100%" height="100%" />
      <rect class="bar-used" width="${(Math.min(1, share) * 100).toFixed(1)}%" height="100%" />
    </svg>
  `;
}
