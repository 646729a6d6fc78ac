/**
 * The gradient check tab: one weight's derivative by hand, by differences, by dual numbers and over a prime field; mistakes
 * to plant, and those of real projects to load.
 */
import { greatest } from '../../core/programs/reduce';
import type { Checkable, Examination, Examined, Proof, Shown, Told } from '../engine/check';
import type { App, Panel } from '../ui/app';
import { logarithmic, signed } from '../ui/colors';
import { short } from '../../core/format';
import { h, selectElement, tableRows } from '../ui/dom';
import { Heatmap } from '../ui/heatmap';
import type { Mistake } from './collection';
import { nameOf, say, translated } from '../languages/say';

export class CheckPanel implements Panel {
  readonly name = 'check';
  readonly title = say('tab.check');
  readonly root: HTMLElement;
  private variables: Checkable[] = [];
  private mistakes: string[] = [];
  private variable = 0;
  private mistake = -1;
  private chosen = 0;
  /** The mistakes of real projects. */
  private collection: readonly Mistake[] = [];
  /** The results for every weight, by the variable's name. */
  private examined: Examination['weights'] = {};
  private proof: Proof = { verdicts: {}, chance: NaN };
  /** Set if the planted mistake changes no gradient: the values that hide it. */
  private hiddenBy: string[] | undefined;
  /** The mistake of a real project that is loaded, or −1. */
  private loaded = -1;
  private ready = false;
  private weights = h('select', { 'aria-label': say('weights') });

  private readonly choices = h('div', { class: 'row' });
  private readonly map = new Heatmap({
    label: say('check.map'),
    height: 170,
    onchoose: (row, column) => {
      this.chosen = row * this.columns + column;
      this.draw();
    },
  });
  private readonly wrong = new Heatmap({ label: say('check.wrongMap'), height: 170 });
  private readonly table = h('table', { class: 'stacks' });
  private readonly summary = h('p', { class: 'verdict', 'aria-live': 'polite' });
  private readonly proved = h('p', { class: 'small muted' });
  private readonly about = h('div', { class: 'small', 'aria-live': 'polite' });
  private readonly real = selectElement(say('check.load'), [['-1', say('none')]], '-1', (value) =>
    this.load(Number(value)),
  );

  constructor(private readonly app: App) {
    this.root = h(
      'div',
      {},
      h(
        'section',
        { class: 'card' },
        h('p', { class: 'small muted' }, say('check.about')),
        this.choices,
        h('div', { class: 'row' }, this.real.root),
        this.about,
        this.summary,
        this.proved,
      ),
      h(
        'div',
        { class: 'two' },
        h('section', { class: 'card' }, h('h2', {}, say('check.choose')), this.map.root),
        h('section', { class: 'card' }, h('h2', {}, say('check.disagree')), this.wrong.root),
      ),
      h(
        'section',
        { class: 'card wide', tabindex: 0, role: 'region', 'aria-label': say('check.chosen') },
        this.table,
      ),
    );
  }

  begin(): void {
    Object.assign(this, { ready: false, variable: 0, mistake: -1, chosen: 0, examined: {}, loaded: -1 });
    this.real.input.value = '-1';
    this.about.replaceChildren();
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

  /** Loads the real mistakes, when they are first needed. */
  private async collect(): Promise<void> {
    if (this.collection.length > 0) return;
    ({ collection: this.collection } = await import('./collection'));
    this.real.input.replaceChildren(
      h('option', { value: -1 }, say('none')),
      ...this.collection.map(({ name, title }, k) =>
        h('option', { value: k }, say('check.mistake', { name, title: nameOf('mistake', name, title) })),
      ),
    );
  }

  private async prepare(): Promise<void> {
    if (this.app.started.runs.length === 0) return;
    this.ready = true;
    await this.collect();
    const { loaded } = this;
    const { variables, mistakes } = await this.app.ask('check', this.collection[loaded]?.text ?? null);
    if (loaded !== this.loaded) return; // another one has been chosen in the meantime
    Object.assign(this, { variables, mistakes, mistake: -1, chosen: 0, examined: {} });
    const wh = variables.findIndex(({ name }) => /W[hf]$/.test(name));
    this.variable = Math.max(0, wh);
    const names = variables.map(({ name }, k) => [String(k), name] as const);
    const planted = mistakes.map((what, k) => [String(k), translated(what)] as const);
    const field = selectElement(say('check.plant'), [['-1', say('none')], ...planted], '-1', (value) =>
      this.set(field.input, Number(value)),
    );
    field.root.classList.add('grow');
    const any = h('button', { type: 'button', onclick: () => this.plant(field.input) }, say('check.random'));
    const none = h(
      'button',
      { type: 'button', onclick: () => this.set(field.input, -1) },
      say('check.repair'),
    );
    const of = selectElement(say('weights'), names, String(this.variable), (value) => {
      this.variable = Number(value);
      this.chosen = this.worst();
      this.draw();
    });
    this.weights = of.input;
    this.choices.replaceChildren(of.root, ...(mistakes.length > 0 ? [field.root, any, none] : []));
    this.summary.className = 'verdict';
    this.summary.textContent = say('check.computing');
    this.proved.textContent = '';
    await this.examine();
  }

  private plant(input: HTMLSelectElement): void {
    this.set(input, Math.floor(Math.random() * this.mistakes.length));
  }

  /** Loads a mistake of a real project, or the network of the settings. */
  private load(index: number): void {
    this.loaded = index;
    this.about.replaceChildren();
    void this.prepare();
    if (index < 0) return;
    const { text, name } = this.collection[index];
    void this.app.ask('diagnose', text).then((diagnosis) => {
      if (index === this.loaded) this.tell(diagnosis, name);
    });
  }

  /** Shows where a mistake comes from, and its diagnosis. */
  private tell({ facts, equations, diagnosis }: Told, name: string): void {
    const source = h('a', { href: facts.Source, rel: 'noreferrer' }, facts.Source);
    const entries: [string, HTMLElement | string][] = [
      [say('check.project'), facts.Project],
      [say('check.source'), source],
      [say('check.harm'), nameOf('harm', name, facts.Harm)],
      [say('check.diagnosis'), h('span', { class: 'lines' }, translated(diagnosis))],
    ];
    this.about.replaceChildren(
      h('dl', {}, ...entries.flatMap(([fact, value]) => [h('dt', {}, fact), h('dd', {}, value)])),
      h('details', {}, h('summary', {}, say('equations')), h('pre', {}, equations)),
    );
  }

  private set(input: HTMLSelectElement, mistake: number): void {
    input.value = String(mistake);
    this.mistake = mistake;
    void this.examine();
  }

  private async examine(): Promise<void> {
    const { mistake, variables } = this;
    const { weights, proof, hiddenBy } = await this.app.ask('examine', { mistake });
    if (mistake !== this.mistake || variables !== this.variables) return; // another mistake has been planted in the meantime
    Object.assign(this, { examined: weights, proof, hiddenBy });
    const isBroken = mistake >= 0 || this.loaded >= 0;
    // a mistake may not affect the visible weights: then show the first ones that it affects
    if (isBroken && this.wrongIn(this.variable) === 0) {
      const first = variables.findIndex((_, k) => this.wrongIn(k) > 0);
      if (first >= 0) this.variable = first;
    }
    if (isBroken) this.chosen = this.worst();
    variables.forEach(({ name, shape }, k) => {
      const wrong = this.wrongIn(k);
      const named = `${name} [${shape.join(', ')}]`;
      this.weights.options[k].text =
        wrong > 0 ? say('check.wrongIn', { weights: named, count: wrong }) : named;
    });
    this.weights.value = String(this.variable);
    this.draw();
  }

  private of(variable: number): Examined[] {
    return this.examined[this.variables[variable].name] ?? [];
  }

  private wrongIn(variable: number): number {
    return this.of(variable).filter(isWrong).length;
  }

  /** The weight with the largest error; the first one if none is wrong. */
  private worst(): number {
    const errors = this.of(this.variable).map(errorOf);
    return errors.indexOf(greatest(errors));
  }

  private draw(): void {
    const { chosen, variable } = this;
    if (this.variables.length === 0 || this.root.hidden) return;
    const examined = this.of(variable);
    if (examined.length === 0) return;
    const columns = this.columns;
    const rows = examined.length / columns;
    const limit = Math.max(greatest(examined.map(({ dual }) => Math.abs(dual))), 1e-12);
    const at = { row: Math.floor(chosen / columns), column: chosen % columns };
    const gradient = (r: number, c: number): Examined => examined[r * columns + c];
    const shared = { rows, columns, chosen: at };
    this.map.show({ ...shared, value: (r, c) => gradient(r, c).analytic, scale: signed(limit) });
    // logarithmic scale: a gradient that is a thousandth too large is as wrong as one of the other sign
    this.wrong.show({
      ...shared,
      value: (r, c) => errorOf(gradient(r, c)),
      scale: logarithmic(Math.log10(examined[chosen].by.forwardMode.bound), 0),
    });
    const { analytic, by } = examined[chosen];
    const byHand = [say('check.byHand'), number(analytic), '', '', ''];
    const oracleRow = (name: string, oracle: Shown): (string | HTMLElement)[] => {
      const { numeric, error, bound, verdict, reason } = by[oracle];
      const cell = {
        right: h('b', { class: 'ok' }, say('check.agrees')),
        wrong: h('b', { class: 'bad' }, say('check.disagrees')),
        undecided: h('span', {}, say(reason === 'kink' ? 'check.kink' : 'check.rounding')),
      }[verdict];
      const known = reason !== 'kink';
      const limit = `≤ ${bound.toExponential(0).replace('-', '−')}`;
      return [name, known ? number(numeric) : '–', known ? short(error) : '–', limit, cell];
    };
    const titles = [
      say('check.method'),
      `∂L/∂${this.variables[this.variable].name}[${at.row}, ${at.column}]`,
      say('check.error'),
      say('check.bound'),
      say('verdict'),
    ];
    const methods = [
      byHand,
      oracleRow(say('check.differences'), 'differences'),
      oracleRow(say('check.dual'), 'forwardMode'),
      [say('check.residues'), '–', '–', '0', this.exactly],
    ];
    this.table.replaceChildren(...tableRows(titles, methods));
    this.proved.textContent = this.proofInWords;
    const { text, look } = this.verdict;
    this.summary.textContent = text;
    this.summary.className = `verdict ${look}`;
  }

  /** The exact oracle's verdict on the chosen variable. */
  private get exactly(): HTMLElement {
    const { verdict, at } = this.proof.verdicts[this.variables[this.variable].name];
    if (verdict === 'right') return h('b', { class: 'ok' }, say('check.proved'));
    if (verdict === 'wrong')
      return h('b', { class: 'bad' }, say('check.disagreesAt', { at: at?.join(', ') ?? '' }));
    return h('span', {}, say('check.open'));
  }

  private get proofInWords(): string {
    const { verdicts, chance } = this.proof;
    const of = (wanted: string): string[] =>
      Object.entries(verdicts).flatMap(([name, { verdict }]) => (verdict === wanted ? [name] : []));
    const [right, wrong, open] = [of('right'), of('wrong'), of('undecided')];
    const parts = [
      right.length > 0 && say('check.provedFor', { names: right.join(', ') }),
      wrong.length > 0 && say('check.wrongFor', { names: wrong.join(', ') }),
      open.length > 0 && say('check.openFor', { names: open.join(', ') }),
    ].filter(Boolean);
    const verdictsInWords = parts.join('; ');
    return Number.isFinite(chance)
      ? say('check.proofChance', {
          verdicts: verdictsInWords,
          chance: chance.toExponential(0).replace('-', '−'),
        })
      : say('check.proof', { verdicts: verdictsInWords });
  }

  private get verdict(): { text: string; look: string } {
    const { variables, variable, mistake } = this;
    const count = (of: (k: number) => number): number => variables.reduce((sum, _, k) => sum + of(k), 0);
    const all = count((k) => this.of(k).length);
    const bad = count((k) => this.wrongIn(k));
    const open = count((k) => this.of(k).filter(({ verdict }) => verdict === 'undecided').length);
    if (this.hiddenBy) return { text: noEffect(all, this.hiddenBy), look: '' };
    if (bad === 0 && open > 0) return { text: say('check.undecided', { open, all }), look: '' };
    if (bad === 0 && mistake < 0 && this.loaded < 0)
      return { text: say('check.allAgree', { all }), look: 'ok' };
    if (bad === 0) {
      const seen = Object.values(this.proof.verdicts).some(({ verdict }) => verdict === 'wrong');
      return { text: say(seen ? 'check.exactAlone' : 'check.missed', { all }), look: 'bad' };
    }
    const here = this.wrongIn(variable);
    const { name } = variables[variable];
    const own =
      here === 0
        ? say('check.ownRight', { name })
        : say('check.ownWrong', { name, wrong: here, all: this.of(variable).length });
    return { text: say('check.caught', { bad, all, own }), look: 'bad' };
  }
}

/** That a mistake changes no gradient, and why. */
function noEffect(all: number, names: readonly string[]): string {
  const reasons =
    names.length === 0
      ? [say('check.noPath')]
      : [
          say('check.alwaysZero', { names: names.join(', ') }),
          ...(names.every((name) => name.endsWith('Next')) ? [say('check.noNext')] : []),
        ];
  return [say('check.noEffect', { all }), ...reasons].join(' ');
}

/** The larger of the errors against the two oracles. */
const errorOf = ({ by }: Examined): number =>
  Math.max(
    ...[by.differences, by.forwardMode].map(({ verdict, error }) => (verdict === 'wrong' ? error : 0)),
  );

const isWrong = ({ verdict }: Examined): boolean => verdict === 'wrong';
const number = (value: number): string => value.toPrecision(12).replace('-', '−');
