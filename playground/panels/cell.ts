/** Your cell: an editor for the equations of a cell, checked while typing, and trained beside another one. */
import type { CellReport, CheckedGradient, Template } from '../engine/own';
import { OWN } from '../engine/settings';
import { mathOf } from '../equations/line';
import type { App, Panel } from '../ui/app';
import { h, select } from '../ui/dom';
import { openFile, save } from '../ui/files';

/** Milliseconds without a key before the text is checked. */
const PAUSE = 350;

const looks: Readonly<Record<CheckedGradient['several'], string>> = {
  ...{ right: 'ok', wrong: 'bad', undecided: 'muted' },
};

export class CellPanel implements Panel {
  readonly name = 'cell';
  readonly title = 'Your cell';
  readonly standalone = true;
  readonly root: HTMLElement;
  private templates: Template[] = [];
  private asked = 0;
  private report: CellReport | undefined;
  /** The equations of the settings that the text began with. */
  private given: string | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private readonly start = select('Start from', [], '', (name) => this.startFrom(name));
  private readonly text = h('textarea', {
    ...{ rows: 30, spellcheck: false, autocomplete: 'off', autocapitalize: 'off', wrap: 'off' },
    ...{ 'aria-label': 'Equations of your cell', class: 'mono' },
    oninput: () => this.typed(),
  });
  private readonly verdict = h('p', { class: 'verdict', 'aria-live': 'polite' });
  private readonly error = h('pre', { class: 'bad' });
  private readonly gradients = h('tbody', {});
  private readonly table = h(
    'table',
    {},
    h(
      'thead',
      {},
      h('tr', {}, ...['gradient', 'one step', 'several steps'].map((title) => h('th', {}, title))),
    ),
    this.gradients,
  );
  private readonly hints = h('ul', { 'aria-live': 'polite' });
  private readonly find = this.button('Find the mistake', () => this.repair());
  private readonly train = this.button('Train it', () => this.trainIt());
  private readonly drawing = h('figure', {});
  private readonly equations = h('div', {});

  constructor(private readonly app: App) {
    const note =
      'x [D] is the input, hPrev the state of the step before. Forward writes every state. Backward reads dhOut and dhNext, ' +
      'the gradients from the output and from the next step; it writes dx and dhPrev, and adds to the gradient of each parameter.';
    this.root = h(
      'div',
      { class: 'two' },
      h(
        'section',
        { class: 'card' },
        h(
          'div',
          { class: 'row' },
          this.start.root,
          this.button('Open file', () => this.open()),
          this.button('Save file', () => save(`${this.cellName}.txt`, this.text.value, 'text/plain')),
        ),
        h('p', { class: 'small muted' }, note),
        this.text,
        h('div', { class: 'row' }, this.train, this.find),
      ),
      h(
        'section',
        { class: 'card' },
        h('h2', {}, 'The gradients, decided exactly'),
        this.verdict,
        this.error,
        this.table,
        this.hints,
        this.drawing,
        this.equations,
      ),
    );
  }

  begin(): void {
    const { equations } = this.app.settings;
    if (this.given === equations) return; // keep what was typed since
    this.given = equations;
    this.text.value = equations;
    this.report = undefined;
  }

  progress(): void {
    /* the text does not depend on training */
  }

  show(): void {
    if (this.templates.length === 0) void this.prepare();
    if (!this.report) void this.check();
  }

  private button(label: string, onclick: () => unknown): HTMLButtonElement {
    return h('button', { type: 'button', onclick: () => void onclick() }, label);
  }

  private get cellName(): string {
    return this.report && !this.report.error ? this.report.name : 'cell';
  }

  private async prepare(): Promise<void> {
    this.templates = await this.app.ask('templates', null);
    const options = this.templates.map(({ name }) => h('option', { value: name }, name));
    this.start.input.replaceChildren(h('option', { value: '' }, 'a cell …'), ...options);
  }

  private startFrom(name: string): void {
    const template = this.templates.find((one) => one.name === name);
    this.start.input.value = '';
    if (template) this.write(template.text);
  }

  private async open(): Promise<void> {
    const file = await openFile('.txt', 'file of equations');
    if (file) this.write(await file.text());
  }

  private write(text: string): void {
    this.text.value = text;
    void this.check();
  }

  private typed(): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.check(), PAUSE);
  }

  private async check(): Promise<void> {
    clearTimeout(this.waiting);
    const mine = ++this.asked;
    const report = await this.app.ask('checkCell', this.text.value);
    if (mine !== this.asked) return; // more was typed meanwhile
    this.report = report;
    this.hints.replaceChildren();
    if (report.error) this.refuse(report.error);
    else {
      this.draw(report);
      await this.drawCell(report);
    }
  }

  /** The layout of drawings is loaded when it is first needed. */
  private async drawCell({ name, shapes, forward }: CellReport & { error?: undefined }): Promise<void> {
    const mine = this.asked;
    const { diagramOf } = await import('../equations/diagram');
    if (mine === this.asked)
      this.drawing.innerHTML = diagramOf({ name, shapes, forward: forward.join('\n') });
  }

  private refuse({ message, line, column }: { message: string; line: number; column: number }): void {
    this.verdict.className = 'verdict bad';
    this.verdict.textContent = `Line ${line}, column ${column} cannot be read.`;
    this.error.hidden = false;
    this.error.textContent = message;
    this.table.hidden = true;
    this.drawing.replaceChildren();
    this.equations.replaceChildren();
    this.train.disabled = true;
    this.find.disabled = true;
  }

  private draw({ forward, backward, gradients, jacobian, ok }: CellReport & { error?: undefined }): void {
    const wrong = gradients.filter(({ several }) => several !== 'right').map(({ name }) => name);
    this.verdict.className = `verdict ${ok ? 'ok' : 'bad'}`;
    this.verdict.textContent = ok
      ? 'Every gradient is proved equal to the derivative of the forward equations, modulo primes at random points.'
      : `Not right: ${[...wrong, ...((jacobian ?? 'right') === 'right' ? [] : ['the Jacobian'])].join(', ')}`;
    this.error.hidden = true;
    this.table.hidden = false;
    const row = (name: string, ...verdicts: CheckedGradient['several'][]): HTMLElement =>
      h(
        'tr',
        {},
        h('td', {}, name),
        ...verdicts.map((verdict) => h('td', { class: looks[verdict] }, verdict)),
      );
    this.gradients.replaceChildren(
      ...gradients.map(({ name, one, several }) => row(name, one, several)),
      ...(jacobian ? [row('Jacobian', jacobian, jacobian)] : []),
    );
    this.train.disabled = false;
    this.find.disabled = ok;
    const list = (title: string, lines: string[]): HTMLElement[] => [
      h('h2', {}, title),
      h('ol', { class: 'equations' }, ...lines.map((line) => h('li', {}, mathOf(line)))),
    ];
    this.equations.replaceChildren(...list('Forward', forward), ...list('Backward', backward));
  }

  /** Searches for a change of one line; the check of every such change takes a few seconds. */
  private async repair(): Promise<void> {
    const mine = this.asked;
    this.find.disabled = true;
    this.hints.replaceChildren(h('li', {}, 'Trying changes of one line …'));
    const found = await this.app.ask('repairCell', this.text.value);
    if (mine !== this.asked) return;
    const none = 'No change of a single line that is known here makes the gradients right.';
    this.hints.replaceChildren(...(found.length > 0 ? found : [none]).map((words) => h('li', {}, words)));
  }

  private async trainIt(): Promise<void> {
    await this.check(); // the last words may not be checked yet
    if (this.report?.error) return;
    const { cell, against } = this.app.settings;
    const beside = cell === OWN ? against : cell;
    this.app.change({ equations: this.text.value, cell: OWN, against: beside });
    this.app.notice(`Training ${this.cellName}; the tab Train shows its loss`);
  }
}
