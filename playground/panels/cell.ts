/** Your cell: an editor for the equations of a cell, checked while typing, and trained beside another one. */
import type { CellReport, CheckedGradient, Template } from '../engine/own';
import { OWN } from '../engine/settings';
import { diagramOf } from '../equations/diagram';
import { mathOf } from '../equations/line';
import type { App, Panel } from '../ui/app';
import { completeNames } from '../ui/complete';
import { h, selectElement } from '../ui/dom';
import { draftOf, keepDraft } from '../ui/draft';
import { openFile, save } from '../ui/files';
import { say, translated } from '../languages/say';

/** Milliseconds without a key before the text is checked. */
const PAUSE = 350;

const looks: Readonly<Record<CheckedGradient['several'], string>> = {
  ...{ right: 'ok', wrong: 'bad', undecided: 'muted' },
};

export class CellPanel implements Panel {
  readonly name = 'cell';
  readonly title = say('tab.cell');
  readonly standalone = true;
  readonly root: HTMLElement;
  private templates: Template[] = [];
  private asked = 0;
  private report: CellReport | undefined;
  /** The equations of the settings that the text began with. */
  private given: string | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private readonly start = selectElement(say('own.from'), [], '', (name) => this.startFrom(name));
  private readonly text = h('textarea', {
    ...{ rows: 30, spellcheck: false, autocomplete: 'off', autocapitalize: 'off', wrap: 'off' },
    ...{ 'aria-label': say('own.text'), class: 'mono' },
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
      h(
        'tr',
        {},
        ...[say('gradient'), say('own.oneStep'), say('own.severalSteps')].map((title) => h('th', {}, title)),
      ),
    ),
    this.gradients,
  );
  private readonly hints = h('ul', { 'aria-live': 'polite' });
  private readonly find = this.button(say('own.find'), () => this.repair());
  private readonly train = this.button(say('own.train'), () => this.trainIt());
  private readonly drawing = h('figure', { class: 'drawing', tabindex: 0 });
  private readonly equations = h('div', {});

  constructor(private readonly app: App) {
    const names = (): string[] => [...new Set(this.text.value.match(/\b[A-Za-z]\w*/g))];
    completeNames(this.text, names, () => this.typed());
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
          this.button(say('own.open'), () => this.open()),
          this.button(say('own.save'), () => save(`${this.cellName}.txt`, this.text.value, 'text/plain')),
        ),
        h('p', { class: 'small muted' }, say('own.note')),
        this.text,
        h('div', { class: 'row' }, this.train, this.find),
      ),
      h(
        'section',
        { class: 'card' },
        h('h2', {}, say('own.decided')),
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
    this.text.value = draftOf(equations);
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
    this.start.input.replaceChildren(h('option', { value: '' }, say('own.choose')), ...options);
  }

  private startFrom(name: string): void {
    const template = this.templates.find((one) => one.name === name);
    this.start.input.value = '';
    if (template) this.write(template.text);
  }

  private async open(): Promise<void> {
    const file = await openFile('.txt', say('own.file'));
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
    if (this.given !== undefined) keepDraft(this.given, this.text.value);
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

  private async drawCell({ name, shapes, forward }: CellReport & { error?: undefined }): Promise<void> {
    const mine = this.asked;
    const equations = { name, shapes, forward: forward.join('\n') };
    const layout = await this.app.ask('layout', { equations, numbered: false });
    if (mine === this.asked) this.drawing.innerHTML = diagramOf(layout);
  }

  private refuse({ message, reason, line, column }: NonNullable<CellReport['error']>): void {
    this.verdict.className = 'verdict bad';
    this.verdict.textContent = say('own.unread', { line, column });
    this.error.hidden = false;
    this.error.textContent = message.replace(reason, () => translated(reason));
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
      ? say('own.proved')
      : say('own.notRight', {
          names: [...wrong, ...((jacobian ?? 'right') === 'right' ? [] : [say('own.theJacobian')])].join(
            ', ',
          ),
        });
    this.error.hidden = true;
    this.table.hidden = false;
    const row = (name: string, ...verdicts: CheckedGradient['several'][]): HTMLElement =>
      h(
        'tr',
        {},
        h('td', {}, name),
        ...verdicts.map((verdict) => h('td', { class: looks[verdict] }, say(`own.${verdict}`))),
      );
    this.gradients.replaceChildren(
      ...gradients.map(({ name, one, several }) => row(name, one, several)),
      ...(jacobian ? [row(say('own.jacobian'), jacobian, jacobian)] : []),
    );
    this.train.disabled = false;
    this.find.disabled = ok;
    const list = (title: string, lines: string[]): HTMLElement[] => [
      h('h2', {}, title),
      h('ol', { class: 'equations', tabindex: 0 }, ...lines.map((line) => h('li', {}, mathOf(line)))),
    ];
    this.equations.replaceChildren(
      ...list(say('own.forward'), forward),
      ...list(say('own.backward'), backward),
    );
  }

  /** Searches for a change of one line; the check of every such change takes a few seconds. */
  private async repair(): Promise<void> {
    const mine = this.asked;
    this.find.disabled = true;
    this.hints.replaceChildren(h('li', {}, say('own.trying')));
    const found = await this.app.ask('repairCell', this.text.value);
    if (mine !== this.asked) return;
    this.hints.replaceChildren(
      ...(found.length > 0 ? found.map(translated) : [say('own.noRepair')]).map((words) =>
        h('li', {}, words),
      ),
    );
  }

  private async trainIt(): Promise<void> {
    await this.check(); // the last words may not be checked yet
    if (this.report?.error) return;
    const { cell, against } = this.app.settings;
    const beside = cell === OWN ? against : cell;
    this.app.change({ equations: this.text.value, cell: OWN, against: beside });
    this.app.notice(say('own.training', { cell: this.cellName }));
  }
}
