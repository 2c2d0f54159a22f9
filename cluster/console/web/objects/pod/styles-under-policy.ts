/**
 * The page's policy lets in no inline styles, and xterm.js makes style elements and style attributes, while it is opened and with each line that it draws. From
 * here on, elements that scripts make do the same by what the policy allows: the text of a style element goes into a constructed style sheet, a style attribute
 * into the element's style object. (`documentOverride` of xterm.js does not reach its rows and scroll bars.)
 */
export function keepStylesUnderPolicy(): void {
  if (Object.hasOwn(document, "createElement")) return;
  Object.defineProperty(document, "createElement", { value: createElement });
}

function createElement(name: string, options?: ElementCreationOptions): HTMLElement {
  if (name === "style") return sheetElement();
  const element = Document.prototype.createElement.call(document, name, options);
  element.setAttribute = (attribute: string, value: string): void => {
    if (attribute === "style") element.style.cssText = value;
    else Element.prototype.setAttribute.call(element, attribute, value);
  };
  return element;
}

/** Stands where a style element would. */
function sheetElement(): HTMLElement {
  const element = Document.prototype.createElement.call(document, "template");
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
  element.remove = (): void => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
