/** Proof: one weight's derivative by hand, by differences and by duals; and mistakes to plant. */
import type { Checkable, Verdict } from '../engine/check';
import type { App, Panel } from '../ui/app';
import { signed } from '../ui/colors';
import { h, select, short } from '../ui/dom';
import { Heatmap } from '../ui/heatmap';

export class CheckPanel implements Panel {
  readonly title = 'Proof';
  readonly root: HTMLElement;
  private variables: Checkable[] = [];
  private mistakes: string[] = [];
  private variable = 0;
  private mistake = -1;
  private chosen = 0;
  private verdicts: Verdict[] = [];
  private ready = false;
  private weights = h('select', { 'aria-label': 'Weights' });

  private readonly choices = h('div', { class: 'row' });
  private readonly map = new Heatmap({
    label: 'Gradient of every weight; arrow keys choose one',
    height: 170,
    onchoose: (row, column) => {
      this.chosen = row * this.columns + column;
      this.draw();
    },
  });
  private readonly wrong = new Heatmap({ label: 'Which gradients are wrong', height: 170 });
  private readonly table = h('table', {});
  private readonly said = h('p', { class: 'verdict', 'aria-live': 'polite' });

  constructor(private readonly app: App) {
    this.root = h(
      'div',
      {},
      h(
        'section',
        { class: 'card' },
        h(
          'p',
          { class: 'small muted' },
          'A small network of the chosen cells, with random weights, on a random sequence. Each of its gradients is found three times: by the backward pass derived by hand; from the loss alone, by central differences; and by the whole network run on dual numbers.',
        ),
        this.choices,
        this.said,
      ),
      h(
        'div',
        { class: 'two' },
        h('section', { class: 'card' }, h('h2', {}, 'Gradient by hand: choose a weight'), this.map.root),
        h('section', { class: 'card' }, h('h2', {}, 'Where hand and oracles disagree'), this.wrong.root),
      ),
      h(
        'section',
        { class: 'card wide', tabindex: 0, role: 'region', 'aria-label': 'The chosen weight' },
        this.table,
      ),
    );
  }

  begin(): void {
    Object.assign(this, { ready: false, variable: 0, mistake: -1, chosen: 0 });
  }

  progress(): void {
    /* this network is not the one that is trained */
  }

  show(): void {
    if (this.ready) this.draw();
    else void this.prepare();
  }

  private get columns(): number {
    return this.variables[this.variable].shape.at(-1) ?? 1;
  }

  private async prepare(): Promise<void> {
    if (this.app.started.runs.length === 0) return;
    this.ready = true;
    const { variables, mistakes } = await this.app.ask('check', null);
    Object.assign(this, { variables, mistakes });
    const wh = variables.findIndex(({ name }) => /W[hf]$/.test(name));
    this.variable = Math.max(0, wh);
    const names = variables.map(
      ({ name, shape }, k) => [String(k), `${name} [${shape.join(', ')}]`] as const,
    );
    const planted = mistakes.map((what, k) => [String(k), what] as const);
    const field = select(
      'Plant a mistake in the backward pass',
      [['-1', 'none'], ...planted],
      '-1',
      (value) => {
        this.mistake = Number(value);
        void this.examine();
      },
    );
    field.root.classList.add('grow');
    const any = h(
      'button',
      { type: 'button', onclick: () => this.plant(field.input) },
      'Plant one at random',
    );
    const none = h('button', { type: 'button', onclick: () => this.set(field.input, -1) }, 'Repair');
    const of = select('Weights', names, String(this.variable), (value) => {
      this.variable = Number(value);
      this.chosen = 0;
      void this.examine();
    });
    this.weights = of.input;
    this.choices.replaceChildren(of.root, field.root, any, none);
    await this.examine();
  }

  private plant(input: HTMLSelectElement): void {
    this.set(input, Math.floor(Math.random() * this.mistakes.length));
  }

  private set(input: HTMLSelectElement, mistake: number): void {
    input.value = String(mistake);
    this.mistake = mistake;
    void this.examine();
  }

  private async examine(): Promise<void> {
    const { mistake, variables } = this;
    const verdictsOf = (k: number): Promise<Verdict[]> =>
      this.app.ask('examine', { variable: variables[k].name, mistake });
    this.verdicts = await verdictsOf(this.variable);
    // a mistake may leave these weights alone: then the first ones that it does not
    for (let k = 0; mistake >= 0 && k < variables.length && this.verdicts.every(({ ok }) => ok); k++) {
      const verdicts = await verdictsOf(k);
      if (verdicts.every(({ ok }) => ok)) continue;
      this.verdicts = verdicts;
      this.variable = k;
      this.weights.value = String(k);
    }
    // and of these the one that shows it most
    if (mistake >= 0 && this.verdicts.some(({ ok }) => !ok)) {
      const errors = this.verdicts.map(({ errors: { forwardMode } }) => forwardMode);
      this.chosen = errors.indexOf(Math.max(...errors));
    }
    this.draw();
  }

  private draw(): void {
    const { verdicts, chosen } = this;
    if (verdicts.length === 0 || this.root.hidden) return;
    const columns = this.columns;
    const rows = verdicts.length / columns;
    const limit = Math.max(...verdicts.map(({ dual }) => Math.abs(dual)), 1e-12);
    const at = { row: Math.floor(chosen / columns), column: chosen % columns };
    const gradient = (r: number, c: number): Verdict => verdicts[r * columns + c];
    const shared = { rows, columns, chosen: at };
    this.map.show({ ...shared, value: (r, c) => gradient(r, c).analytic, scale: signed(limit) });
    this.wrong.show({
      ...shared,
      value: (r, c) => gradient(r, c).analytic - gradient(r, c).dual,
      scale: signed(limit),
    });
    const { analytic, numeric, dual, errors, bounds } = verdicts[chosen];
    const row = (by: string, value: number, error?: number, bound?: number): HTMLElement =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, by),
        h('td', {}, value.toPrecision(12).replace('-', '−')),
        h('td', {}, error === undefined ? '' : short(error)),
        h('td', {}, bound === undefined ? '' : `≤ ${bound.toExponential(0).replace('-', '−')}`),
        h(
          'td',
          {},
          error === undefined || bound === undefined
            ? ''
            : h('b', { class: error <= bound ? 'ok' : 'bad' }, error <= bound ? 'agrees' : 'disagrees'),
        ),
      );
    const head = [
      '',
      `∂L/∂${this.variables[this.variable].name}[${at.row}, ${at.column}]`,
      'relative error',
      'bound',
      '',
    ];
    this.table.replaceChildren(
      h('tr', {}, ...head.map((text) => h('th', { scope: 'col' }, text))),
      row('by hand (backpropagation through time)', analytic),
      row('central differences of the loss', numeric, errors.differences, bounds.differences),
      row('dual numbers (forward mode)', dual, errors.forwardMode, bounds.forwardMode),
    );
    const bad = verdicts.filter(({ ok }) => !ok).length;
    const all = verdicts.length;
    this.said.className = `verdict ${bad === 0 ? 'ok' : 'bad'}`;
    if (bad > 0) this.said.textContent = `Caught: ${bad} of ${all} gradients of these weights are wrong.`;
    else if (this.mistake < 0) this.said.textContent = `All ${all} gradients of these weights agree.`;
    else this.said.textContent = `All ${all} gradients of these weights agree all the same.`;
  }
}
