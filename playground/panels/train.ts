/** The training tab: the loss curve, and the text or predictions of the network so far. */
import type { App, Panel } from '../ui/app';
import { Chart, type ChartSeries } from '../ui/chart';
import { shares } from '../ui/colors';
import { h, onceAFrame, slider } from '../ui/dom';
import { FileButtons } from '../ui/files';
import { Heatmap } from '../ui/heatmap';
import { hasRisen, meansOf } from '../ui/history';
import { labelOf } from '../ui/labels';
import { say } from '../languages/say';

const LENGTH = 220;
/** Milliseconds between two samples during training. */
const SAMPLE_EVERY = 700;
const colors = ['--first', '--second'];

export class TrainPanel implements Panel {
  readonly name = 'train';
  readonly title = say('tab.train');
  readonly root: HTMLElement;
  private readonly loss = new Chart({ label: say('train.loss'), height: 250, series: [] });
  private readonly forecast = new Chart({
    label: say('train.forecast'),
    height: 210,
    series: [],
    x: 't',
  });
  private readonly samples = h('div', { class: 'two' });
  private readonly temperature = slider(say('temperature'), {
    ...{ min: 0, max: 2, step: 0.05, value: 0.7 },
    show: (v) => v.toFixed(2),
    oninput: onceAFrame(() => void this.look()),
  });
  private readonly about = h('p', { class: 'muted small' });
  private readonly rising = h('p', { class: 'bad', role: 'status' });
  private readonly writing: HTMLElement;
  private readonly telling: HTMLElement;
  private readonly classes: HTMLElement;
  private readonly heading = h('h2', {});
  private readonly expected = h('div', {});
  private readonly files: FileButtons;
  private maps: Heatmap[] = [];
  private looked = 0;
  private looking = false;

  constructor(
    private readonly app: App,
    onload: (bytes: Uint8Array) => void,
  ) {
    this.files = new FileButtons(app, () => this.loss.picture(say('readout.loss')), onload);
    this.writing = h(
      'section',
      { class: 'card', 'data-name': 'output' },
      this.temperature.root,
      this.samples,
    );
    this.telling = h('section', { class: 'card', 'data-name': 'output' }, this.heading, this.forecast.root);
    this.classes = h(
      'section',
      { class: 'card', 'data-name': 'output' },
      h('h2', {}, say('train.next')),
      this.expected,
    );
    this.root = h(
      'div',
      {},
      h('section', { class: 'card', 'data-name': 'loss' }, this.loss.root, this.rising, this.about),
      this.writing,
      this.telling,
      this.classes,
      this.files.root,
    );
  }

  begin(): void {
    const { started, settings } = this.app;
    this.files.begin();
    const series = started.runs.map(({ cell }, k): ChartSeries => ({
      label: say('train.lossOf', { cell }),
      color: colors[k],
    }));
    this.loss.change({ series, logarithmic: settings.task !== 'text' });
    const text = settings.task === 'text';
    this.writing.style.display = text ? '' : 'none';
    const classes = !text && started.symbols !== undefined;
    this.classes.style.display = classes ? '' : 'none';
    this.telling.style.display = text || classes ? 'none' : '';
    const atEnd = started.topology === 'many-to-one';
    this.heading.textContent = atEnd ? say('train.sums') : say('train.sequence');
    this.maps = started.runs.map(
      ({ cell }) => new Heatmap({ label: say('train.nextOf', { cell }), height: 170 }),
    );
    this.expected.replaceChildren(
      ...this.maps.flatMap(({ root }, k) => [
        h('h2', { class: ['one', 'two-color'][k] }, started.runs[k].cell),
        root,
      ]),
    );
    const outputs = started.runs.map(({ cell }, k): ChartSeries => ({ label: cell, color: colors[k] }));
    this.forecast.change({
      // sequences have no order: draw points, not a line
      dots: atEnd,
      x: atEnd ? say('sequence') : 't',
      series: [{ label: say('train.target'), color: '--muted', dashed: true }, ...outputs],
    });
    const sizes = started.runs.map(({ cell, parameters }) =>
      say('train.parameters', { cell, count: parameters.toLocaleString('en') }),
    );
    // one of the symbols stands for all unknown characters
    const count = (started.symbols?.length ?? 1) - 1;
    const symbols = count === 1 ? say('train.oneCharacter') : say('train.characters', { count });
    this.about.textContent = [
      ...sizes,
      text && started.symbols ? symbols : '',
      started.symbols ? say('train.nats') : '',
      say('train.computed', { executor: started.executor }),
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
    this.loss.say(meansOf(curves[0]?.each ?? 1));
    this.loss.show(curves[0]?.steps ?? [], ...curves.map(({ means }) => means));
    const { lr } = this.app.settings;
    const text = histories.some(({ losses }) => hasRisen(losses)) ? say('train.rising', { lr }) : '';
    if (this.rising.textContent !== text) this.rising.textContent = text;
  }

  /** Requests a sample of the network's text, one request at a time. */
  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const { started, settings } = this.app;
      if (settings.task === 'text') await this.write(started.runs.map(({ cell }) => cell));
      else await this.predict();
    } finally {
      this.looking = false;
      this.looked = performance.now();
    }
  }

  private async write(cells: readonly string[]): Promise<void> {
    const temperature = Number(this.temperature.input.value);
    const texts = await Promise.all(
      cells.map((_, run) => this.app.ask('sample', { run, length: LENGTH, temperature })),
    );
    this.samples.replaceChildren(
      ...texts.map((text, k) =>
        h(
          'div',
          {},
          h('h2', { class: k === 0 ? 'one' : 'two-color' }, say('train.writes', { cell: cells[k] })),
          h(
            'div',
            {
              class: 'sample',
              tabindex: 0,
              role: 'region',
              'aria-label': say('train.sample', { cell: cells[k] }),
            },
            text || say('train.both'),
          ),
        ),
      ),
    );
  }

  private async predict(): Promise<void> {
    const { started } = this.app;
    const found = await Promise.all(started.runs.map((_, run) => this.app.ask('prediction', { run })));
    const { targets, labels = [] } = found[0];
    const { symbols } = started;
    if (symbols) {
      found.forEach(({ outputs }, run) =>
        this.maps[run].show({
          rows: symbols.length,
          columns: outputs.length,
          value: (row, t) => outputs[t][row],
          scale: shares(),
          names: symbols,
          labels: [labels.map((symbol) => labelOf(symbol, 0))],
        }),
      );
      return;
    }
    this.forecast.show(
      targets.map((_, t) => t),
      targets.map((row) => row[0]),
      ...found.map(({ outputs }) => outputs.map((row) => row[0])),
    );
  }
}
