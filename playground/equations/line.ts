/** A line of equations on the page: typeset, and as it was typed. */
import { h } from '../ui/dom';
import { typeset } from './typeset';

export function mathOf(line: string): HTMLElement {
  const element = h('div', {});
  [element.innerHTML] = typeset(line);
  element.append(h('code', {}, line));
  return element;
}
