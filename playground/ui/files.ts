/** Files: a curve as CSV, a drawing as SVG, a run as a checkpoint; and a checkpoint dropped on the page. */
import { greatest } from '../../core/reduce';
import type { App } from './app';
import { css } from './colors';
import { h } from './dom';
import type { History } from './history';

/** Hands a file to the reader of the page. */
export function save(name: string, contents: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([contents], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Step and loss of every run, in all their digits. */
export function csvOf(cells: readonly string[], histories: readonly History[]): string {
  const head = ['step', ...cells.flatMap((cell) => [`${cell} loss`, `${cell} gradient norm`])];
  const rows = histories[0].steps.map((step, k) =>
    [step, ...histories.flatMap(({ losses, norms }) => [losses[k], norms[k]])].join(),
  );
  return `${[head.join(), ...rows].join('\n')}\n`;
}

/** The loss curves as a drawing of their own. */
export function svgOf(cells: readonly string[], histories: readonly History[]): string {
  const [width, height, left, foot] = [720, 360, 56, 36];
  const curves = histories.map((history) => history.curve(history.losses));
  const last = Math.max(...curves.map(({ steps }) => steps.at(-1) ?? 1));
  const top = Math.max(greatest(curves.flatMap(({ means }) => means.filter(Number.isFinite))), 1e-9);
  const x = (step: number): string => (left + (step / last) * (width - left - 12)).toFixed(1);
  const y = (loss: number): string => (height - foot - (loss / top) * (height - foot - 14)).toFixed(1);
  const colors = ['--first', '--second'].map(css);
  const lines = curves.map(
    ({ steps, means }, k) =>
      `<polyline fill="none" stroke="${colors[k]}" stroke-width="2" points="${steps.map((s, i) => `${x(s)},${y(means[i])}`).join(' ')}"/>` +
      `<text x="${width - 16}" y="${28 + 18 * k}" text-anchor="end" fill="${colors[k]}">${cells[k]}</text>`,
  );
  const axis = `<path fill="none" stroke="#777" d="M${left} 10V${height - foot}H${width - 12}"/>`;
  const words =
    `<text x="${left - 6}" y="18" text-anchor="end">${top.toPrecision(3)}</text><text x="${left - 6}" y="${height - foot}" text-anchor="end">0</text>` +
    `<text x="${width - 12}" y="${height - 14}" text-anchor="end">step ${last}</text><text x="${left}" y="${height - 14}">loss</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#777">${axis}${lines.join('')}${words}</svg>\n`;
}

/** The buttons that save, and the one that loads. */
export function fileButtons(app: App, onload: (bytes: Uint8Array) => void): HTMLElement {
  const cells = (): string[] => app.started.runs.map(({ cell }) => cell);
  const name = (): string => `backstep-${app.settings.task}-${cells().join('-')}`;
  const button = (label: string, onclick: () => unknown): HTMLElement =>
    h('button', { type: 'button', onclick: () => void onclick() }, label);
  const file = h('input', {
    type: 'file',
    accept: '.safetensors',
    hidden: true,
    'aria-label': 'checkpoint file',
  });
  const take = async (chosen: File | undefined): Promise<void> => {
    if (chosen) onload(new Uint8Array(await chosen.arrayBuffer()));
  };
  file.addEventListener('change', () => {
    void take(file.files?.[0]);
    file.value = '';
  });
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    void take(event.dataTransfer?.files[0]);
  });
  return h(
    'div',
    { class: 'row' },
    button('Save curve (CSV)', () => save(`${name()}.csv`, csvOf(cells(), app.histories), 'text/csv')),
    button('Save picture (SVG)', () => save(`${name()}.svg`, svgOf(cells(), app.histories), 'image/svg+xml')),
    button('Save checkpoint', async () => {
      const { steps, losses } = app.histories[0];
      const points = Float64Array.from(steps.flatMap((step, k) => [step, losses[k]]));
      const bytes = await app.ask('save', { run: 0, losses: points });
      save(`${name()}.safetensors`, bytes, 'application/octet-stream');
    }),
    button('Load checkpoint', () => file.click()),
    file,
    h('span', { class: 'muted small' }, 'or drop its file on the page'),
  );
}
