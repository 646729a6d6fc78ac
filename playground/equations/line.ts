/** A line of equations on the page: typeset, and as it was typed. */
import { h } from '../ui/dom';
import { typeset } from './typeset';

export function mathOf(line: string): HTMLElement {
  const box = h('div', {});
  [box.innerHTML] = typeset(line);
  box.append(h('code', {}, line));
  return box;
}
