/** Training: the loss as it falls, and what the network writes or foretells by now. */
import type { App, Panel } from '../ui/app';
import { Chart, type Series } from '../ui/chart';
import { h, onceAFrame, slider } from '../ui/dom';
import { fileButtons } from '../ui/files';

const LENGTH = 220;
/** Milliseconds between two samples while training goes on. */
const SAMPLE_EVERY = 700;
const colors = ['--first', '--second'];

export class TrainPanel implements Panel {
  readonly title = 'Train';
  readonly root: HTMLElement;
  private readonly loss = new Chart({ label: 'Loss at each step of training', height: 250, series: [] });
  private readonly forecast = new Chart({
    label: 'Targets, and what the network puts out',
    height: 210,
    series: [],
    x: 't',
  });
  private readonly samples = h('div', { class: 'two' });
  private readonly temperature = slider('Temperature', {
    ...{ min: 0, max: 2, step: 0.05, value: 0.7 },
    show: (v) => v.toFixed(2),
    oninput: onceAFrame(() => void this.look()),
  });
  private readonly about = h('p', { class: 'muted small' });
  private readonly writing: HTMLElement;
  private readonly telling: HTMLElement;
  private looked = 0;
  private looking = false;

  constructor(
    private readonly app: App,
    onload: (bytes: Uint8Array) => void,
  ) {
    this.writing = h('section', { class: 'card' }, this.temperature.root, this.samples);
    this.telling = h(
      'section',
      { class: 'card' },
      h('h2', {}, 'The sequence, and what is foretold'),
      this.forecast.root,
    );
    this.root = h(
      'div',
      {},
      h('section', { class: 'card' }, this.loss.root, this.about),
      this.writing,
      this.telling,
      fileButtons(app, onload),
    );
  }

  begin(): void {
    const { started, settings } = this.app;
    const series = started.runs.map(({ cell }, k): Series => ({ label: `${cell} loss`, color: colors[k] }));
    this.loss.change({ series, logarithmic: settings.task !== 'text' });
    const text = settings.task === 'text';
    this.writing.style.display = text ? '' : 'none';
    this.telling.style.display = text ? 'none' : '';
    const outputs = started.runs.map(({ cell }, k): Series => ({ label: cell, color: colors[k] }));
    this.forecast.change({ series: [{ label: 'target', color: '--muted', dashed: true }, ...outputs] });
    const sizes = started.runs.map(
      ({ cell, parameters }) => `${cell}: ${parameters.toLocaleString('en')} parameters`,
    );
    const symbols = started.symbols ? `${started.symbols.length - 1} different characters` : '';
    this.about.textContent = [
      ...sizes,
      symbols,
      `computed by the ${started.executor} kernels in your browser`,
    ]
      .filter(Boolean)
      .join(' · ');
  }

  progress(): void {
    this.draw();
    if (performance.now() - this.looked > SAMPLE_EVERY) void this.look();
  }

  show(): void {
    this.draw();
    void this.look();
  }

  private draw(): void {
    const { histories } = this.app;
    const curves = histories.map((history) => history.curve(history.losses));
    this.loss.show(curves[0]?.steps ?? [], ...curves.map(({ means }) => means));
  }

  /** Asks what the network writes by now, one question at a time. */
  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const { started, settings } = this.app;
      if (settings.task === 'text') await this.write(started.runs.map(({ cell }) => cell));
      else await this.foretell();
    } finally {
      this.looking = false;
      this.looked = performance.now();
    }
  }

  private async write(cells: readonly string[]): Promise<void> {
    const temperature = Number(this.temperature.input.value);
    const texts = await Promise.all(
      cells.map((_, run) => this.app.wants('sample', { run, length: LENGTH, temperature })),
    );
    const both = 'It reads from both ends: it sees what it should foretell, and it cannot write.';
    this.samples.replaceChildren(
      ...texts.map((text, k) =>
        h(
          'div',
          {},
          h('h2', { class: k === 0 ? 'one' : 'two-color' }, `${cells[k]} writes`),
          h(
            'div',
            { class: 'sample', tabindex: 0, role: 'region', 'aria-label': `sample of ${cells[k]}` },
            text || both,
          ),
        ),
      ),
    );
  }

  private async foretell(): Promise<void> {
    const { started } = this.app;
    const found = await Promise.all(started.runs.map((_, run) => this.app.wants('prediction', { run })));
    const { targets } = found[0];
    this.forecast.show(
      targets.map((_, t) => t),
      targets.map((row) => row[0]),
      ...found.map(({ outputs }) => outputs.map((row) => row[0])),
    );
  }
}
