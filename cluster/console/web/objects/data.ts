import { html, nothing, render, type TemplateResult } from "lit-html";
import { count } from "../format.ts";
import { empty } from "../states.ts";
import { notice } from "./notice.ts";
import type { AnyObject, Panel } from "./subject.ts";

interface WithData extends AnyObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** A value of a ConfigMap or Secret: bytes, which are text where they read as such. */
interface Value {
  readonly name: string;
  readonly bytes: number;
  /** Undefined: it is no text. */
  readonly text: string | undefined;
}

/** The values of a ConfigMap or a Secret. Those of a Secret are hidden until each is asked for. */
export function open({ root, type, object, changed }: Panel): void {
  const isSecret = type.id === "secrets";
  const seen = new Set<string>();
  const draw = (): void => void render(template(), root);
  const see = (name: string): void => {
    if (!seen.delete(name)) seen.add(name);
    draw();
  };
  const template = (): TemplateResult => {
    const values = valuesOf(object() as WithData, isSecret);
    if (values.length === 0) return empty("No data");
    return html`<div class="values">${values.map((value) => shown(value, isSecret && !seen.has(value.name), isSecret ? () => see(value.name) : undefined))}</div>`;
  };
  changed(draw);
  draw();
}

function shown({ name, bytes, text }: Value, isHidden: boolean, see: (() => void) | undefined): TemplateResult {
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text ?? "");
    notice(`${name} is copied.`);
  };
  return html`
    <section class="value">
      <header>
        <h2 class="mono">${name}</h2>
        <span class="muted num">${count(bytes)} bytes</span>
        <span class="toolbar">
          ${see === undefined ? nothing : html`<button type="button" class="button quiet" aria-pressed=${!isHidden} @click=${see}>${isHidden ? "Show" : "Hide"} <span class="hidden-text">${name}</span></button>`}
          ${text === undefined ? nothing : html`<button type="button" class="button quiet" @click=${copy}>Copy <span class="hidden-text">${name}</span></button>`}
        </span>
      </header>
      ${isHidden ? html`<p class="muted">••••••••</p>` : text === undefined ? html`<p class="muted">Bytes that are no text.</p>` : html`<pre class="code" tabindex="0">${text}</pre>`}
    </section>
  `;
}

function valuesOf({ data = {}, binaryData = {} }: WithData, isSecret: boolean): readonly Value[] {
  const plain = Object.entries(data).map(([name, value]) =>
    isSecret ? decoded(name, value) : { name, bytes: new Blob([value]).size, text: value },
  );
  return [...plain, ...Object.entries(binaryData).map(([name, value]) => decoded(name, value))];
}

function decoded(name: string, base64: string): Value {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  try {
    return { name, bytes: bytes.length, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { name, bytes: bytes.length, text: undefined };
  }
}
