/** Tabs, with arrow keys as in the ARIA pattern for tabs. */
import type { Panel } from './app';
import { h } from './dom';
import { say } from '../languages/say';

export interface Tabs {
  root: HTMLElement;
  show: (panel: Panel) => void;
}

/** @param onshow called with the panel that the user has chosen. */
export function tabs(panels: readonly Panel[], onshow: (panel: Panel) => void): Tabs {
  const buttons = panels.map((panel, k) => {
    panel.root.id = `panel-${k}`;
    panel.root.setAttribute('role', 'tabpanel');
    panel.root.setAttribute('aria-labelledby', `tab-${k}`);
    const to = {
      type: 'button',
      role: 'tab',
      id: `tab-${k}`,
      'aria-controls': `panel-${k}`,
      onclick: () => choose(k),
    };
    return h('button', to, panel.title);
  });
  const show = (panel: Panel): void =>
    buttons.forEach((button, k) => {
      const chosen = panels[k] === panel;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      panels[k].root.hidden = !chosen;
    });
  const choose = (which: number): void => {
    show(panels[which]);
    onshow(panels[which]);
  };
  const key = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = (now + by + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(next);
  };
  const root = h('div', { role: 'tablist', 'aria-label': say('views'), onkeydown: key }, ...buttons);
  return { root, show };
}
