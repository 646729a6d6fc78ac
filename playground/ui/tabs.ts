/** Tabs: arrow keys go from one to the next, as the pattern for tabs has it. */
import type { Panel } from './app';
import { h } from './dom';

export function tabs(panels: readonly Panel[], onshow: (panel: Panel) => void): HTMLElement {
  const buttons = panels.map((panel, k) => {
    panel.root.id = `panel-${k}`;
    panel.root.setAttribute('role', 'tabpanel');
    panel.root.setAttribute('aria-labelledby', `tab-${k}`);
    const to = {
      type: 'button',
      role: 'tab',
      id: `tab-${k}`,
      'aria-controls': `panel-${k}`,
      onclick: () => show(k),
    };
    return h('button', to, panel.title);
  });
  const show = (which: number): void => {
    buttons.forEach((button, k) => {
      button.setAttribute('aria-selected', String(k === which));
      button.tabIndex = k === which ? 0 : -1;
      panels[k].root.hidden = k !== which;
    });
    onshow(panels[which]);
  };
  const key = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = (now + by + buttons.length) % buttons.length;
    buttons[next].focus();
    show(next);
  };
  buttons.forEach((button, k) => {
    button.setAttribute('aria-selected', String(k === 0));
    button.tabIndex = k === 0 ? 0 : -1;
    panels[k].root.hidden = k !== 0;
  });
  return h('div', { role: 'tablist', 'aria-label': 'Views', onkeydown: key }, ...buttons);
}
