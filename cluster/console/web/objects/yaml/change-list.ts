import { html, type TemplateResult } from "lit-html";
import { type Change, pathWords } from "../changes.ts";

const LINES_MAX = 40;
const VALUE_CHARS_MAX = 80;

/** What the server counts up with each write. */
const COUNTED = /^metadata,(resourceVersion|generation)$/;

/** Fields that differ, with what they were and what they are. */
export function changeList(all: readonly Change[]): TemplateResult {
  const changes = all.filter(({ path }) => !COUNTED.test(path.join()));
  if (changes.length === 0) return html`<p class="muted">Nothing differs.</p>`;
  const beyond = changes.length - LINES_MAX;
  return html`
    <ul class="changes">
      ${changes.slice(0, LINES_MAX).map(
        ({ path, before, after }) => html`
          <li>
            <code>${pathWords(path)}</code>
            ${before === undefined ? html`<ins>${valueWords(after)}</ins>` : after === undefined ? html`<del>${valueWords(before)}</del>` : html`<del>${valueWords(before)}</del> <span class="muted">→</span> <ins>${valueWords(after)}</ins>`}
          </li>
        `,
      )}
    </ul>
    ${beyond > 0 ? html`<p class="muted">${beyond} more.</p>` : ""}
  `;
}

function valueWords(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)} …` : text;
}
