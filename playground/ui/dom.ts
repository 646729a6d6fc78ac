/** Helpers that create DOM elements. */

type Child = Node | string;
type Attributes = Record<string, string | number | boolean | ((event: never) => void)>;

/**
 * An element with attributes and children; functions are listeners (`onclick`), false leaves an attribute out.
 * @example h('button', { type: 'button', onclick: start }, 'Start')
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for SVG elements. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return dress(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function dress<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/** A labeled drop-down. */
export function selectElement(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  chosen: string,
  onchange: (value: string) => void,
): { root: HTMLLabelElement; input: HTMLSelectElement } {
  const input = h(
    'select',
    { 'aria-label': label, onchange: () => onchange(input.value) },
    ...options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
  return { root: h('label', { class: 'field' }, h('span', {}, label), input), input };
}

/**
 * The rows of a table of the class `stacks`: a row of titles, then rows whose first cell names them. On a narrow page, the cells
 * of a row stand below each other, each after the title of its column.
 */
export const tableRows = (titles: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement[] => [
  h('tr', { class: 'titles' }, ...titles.map((title) => h('th', { scope: 'col' }, title))),
  ...rows.map(([name, ...cells]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      ...cells.map((cell, k) => h('td', { 'data-title': titles[k + 1] }, cell)),
    ),
  ),
];

export interface SliderOptions {
  min: number;
  max: number;
  step: number;
  value: number;
  show?: (value: number) => string;
  /** Called while it moves, and when it is released. */
  oninput?: (value: number) => void;
  onchange?: (value: number) => void;
}

/** A labeled slider that shows its value. */
export function slider(
  label: string,
  { min, max, step, value, show = String, oninput, onchange }: SliderOptions,
): { root: HTMLLabelElement; input: HTMLInputElement; set: (value: number) => void } {
  const shown = h('span', { class: 'mono' }, show(value));
  const tell = (): void => {
    shown.textContent = show(Number(input.value));
    input.setAttribute('aria-valuetext', show(Number(input.value)));
  };
  const input = h('input', {
    ...{ type: 'range', 'aria-label': label, min, max, step, value },
    oninput: () => (tell(), oninput?.(Number(input.value))),
    onchange: () => onchange?.(Number(input.value)),
  });
  const set = (to: number): void => {
    input.value = String(to);
    tell();
  };
  return { root: h('label', { class: 'field slider' }, h('span', {}, label, ' ', shown), input), input, set };
}

/** Calls `work` at most once per frame, however often it is requested. */
export const onceAFrame = (work: () => void): (() => void) => once(requestAnimationFrame, work);

/** Calls `work` in a later task, once for all requests until then. */
export const onceATask = (work: () => void): (() => void) => once(setTimeout, work);

function once(later: (work: () => void) => unknown, work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    later(() => {
      asked = false;
      work();
    });
  };
}
