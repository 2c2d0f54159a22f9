import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError, Unreachable } from "./api.ts";
import { icon } from "./icons.ts";

/** What every view shows when it has nothing to show yet, nothing at all, or a reason why not. */

const FORBIDDEN = 403;

export function loading(what: string): TemplateResult {
  return html`<div class="state" role="status"><span class="spinner"></span><p>Loading ${what} …</p></div>`;
}

/** `then`: what somebody may do about it. */
export function empty(title: string, then?: string | TemplateResult): TemplateResult {
  return html`<div class="state"><h2>${title}</h2>${then === undefined ? nothing : html`<p>${then}</p>`}</div>`;
}

export function problem(error: unknown, again?: () => void): TemplateResult {
  const isForbidden = error instanceof ApiError && error.status.code === FORBIDDEN;
  const title = isForbidden ? "You may not see this" : error instanceof Unreachable ? "The server does not answer" : "This did not work";
  const detail =
    error instanceof Unreachable ? "The view comes back as soon as it does." : error instanceof Error ? error.message : String(error);
  return html`
    <div class="state" role="alert">
      <span class="state-mark">${icon("warning")}</span>
      <h2>${title}</h2>
      <p>${detail}</p>
      ${again === undefined ? nothing : html`<button type="button" class="button" @click=${again}>Try again</button>`}
    </div>
  `;
}
