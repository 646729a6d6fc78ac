/** Derive: the learner types a backward pass line by line, and each line is judged. */
import type { Judged, JudgedLine, Exercise } from '../engine/derive';
import { mathOf } from '../equations/line';
import type { App, Panel } from '../ui/app';
import { h, select } from '../ui/dom';
import { Progress } from '../ui/progress';

/** Milliseconds without a key before the lines are judged. */
const PAUSE = 350;
const levels = ['quantity', 'kind', 'correction'] as const;

const words: Readonly<Record<JudgedLine['verdict'], string>> = {
  right: '✓ right',
  wrong: '✗',
  partial: '…',
  unused: '… no line reads this yet',
  unread: '✗',
};
const looks: Readonly<Record<JudgedLine['verdict'], string>> = {
  ...{ right: 'ok', wrong: 'bad', unread: 'bad', partial: 'muted', unused: 'muted' },
};

export class DerivePanel implements Panel {
  readonly name = 'derive';
  readonly title = 'Derive';
  readonly standalone = true;
  readonly root: HTMLElement;
  private readonly saved = new Progress();
  private exercises: Exercise[] = [];
  private chosen = '';
  private level = 0;
  private asked = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private readonly field = select('Exercise', [], '', (name) => {
    this.chosen = name;
    this.open();
    this.app.moved();
  });
  private readonly count = h('span', { class: 'muted' });
  private readonly about = h('p', {});
  private readonly given = h('ol', { class: 'equations' });
  private readonly names = h('p', { class: 'row names', role: 'group', 'aria-label': 'Insert a name' });
  private readonly text = h('textarea', {
    ...{ rows: 12, spellcheck: false, autocomplete: 'off', autocapitalize: 'off' },
    ...{ 'aria-label': 'Backward pass, one gradient in each line', class: 'mono' },
    placeholder: 'dh = …',
    disabled: true, // until the exercise is there: it may have a text from an earlier visit
    oninput: () => this.typed(),
  });
  private readonly lines = h('ol', { class: 'equations judged' });
  private readonly summary = h('p', { class: 'verdict', 'aria-live': 'polite' });
  private readonly more = h('button', { type: 'button', onclick: () => void this.hint() }, 'Hint');

  constructor(private readonly app: App) {
    const next = h('button', { type: 'button', onclick: () => void this.showLine() }, 'Show a line');
    const clear = h('button', { type: 'button', onclick: () => this.write('') }, 'Start over');
    this.root = h(
      'div',
      {},
      h('section', { class: 'card' }, h('div', { class: 'row' }, this.field.root, this.count), this.about),
      h(
        'div',
        { class: 'two' },
        h(
          'section',
          { class: 'card' },
          h('h2', {}, 'Given: the forward equations'),
          this.given,
          h('h2', {}, 'Your backward pass'),
          h(
            'p',
            { class: 'small muted' },
            'dv stands for ∂L/∂v and has the shape of v. * multiplies elementwise, @ is the matrix product, .T the transpose, sum(…) adds over the rows of the batch. Gradients of weights add up over time: +=',
          ),
          this.names,
          this.text,
          h('div', { class: 'row' }, this.more, next, clear),
        ),
        h('section', { class: 'card' }, h('h2', {}, 'Each line, decided exactly'), this.summary, this.lines),
      ),
    );
  }

  /** The exercise, as a link names it. */
  get place(): string {
    return this.chosen;
  }

  go(place: string): void {
    this.chosen = place;
    if (this.exercises.length > 0) this.open();
  }

  begin(): void {
    /* exercises do not depend on the run */
  }

  progress(): void {
    /* nor on its training */
  }

  show(): void {
    if (this.exercises.length === 0) void this.prepare();
  }

  private async prepare(): Promise<void> {
    this.exercises = await this.app.ask('exercises', null);
    const options = this.exercises.map(({ name }) => h('option', { value: name }));
    this.field.input.replaceChildren(...options);
    this.open();
  }

  private get exercise(): Exercise {
    return this.exercises.find(({ name }) => name === this.chosen) ?? this.exercises[0];
  }

  private open(): void {
    const { name, about, forward, given, wanted } = this.exercise;
    if (this.chosen !== '' && this.chosen !== name) this.app.notice(`There is no exercise ${this.chosen}`);
    this.chosen = name;
    this.showChoice();
    this.about.textContent = `${about} Find ${wanted.join(', ')} from ${given.join(' and ')}.`;
    this.given.replaceChildren(...forward.split('\n').map((line) => h('li', {}, mathOf(line))));
    const known = new Set([...given, ...(forward.match(/\b[A-Za-z]\w*(?![\w(])/g) ?? [])]);
    this.names.replaceChildren(
      ...[...known, '@', '.T', 'sum('].map((word) =>
        h('button', { type: 'button', class: 'mono small', onclick: () => this.insert(word) }, word),
      ),
    );
    this.text.disabled = false;
    this.write(this.saved.textOf(name));
  }

  /** Shows which exercises are solved. The options stay, so that the keyboard's focus is not lost. */
  private showChoice(): void {
    const solved = this.exercises.filter(({ name }) => this.saved.isSolved(name));
    this.exercises.forEach(({ title, name }, k) => {
      const option = this.field.input.options[k];
      option.textContent = `${k + 1}. ${title}${this.saved.isSolved(name) ? ' ✓' : ''}`;
    });
    this.field.input.value = this.chosen;
    this.count.textContent = `${solved.length} of ${this.exercises.length} solved`;
  }

  private insert(word: string): void {
    const { text } = this;
    text.setRangeText(word, text.selectionStart, text.selectionEnd, 'end');
    text.focus();
    this.typed();
  }

  private write(text: string): void {
    this.text.value = text;
    this.level = 0;
    void this.judge();
  }

  private typed(): void {
    this.level = 0;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.judge(), PAUSE);
  }

  private async hint(): Promise<void> {
    this.level = Math.min(this.level + 1, levels.length - 1);
    await this.judge();
  }

  private async showLine(): Promise<void> {
    const { chosen: name, text } = this;
    const line = await this.app.ask('nextLine', { name, text: text.value });
    if (line !== null) this.write(`${text.value.trimEnd()}\n${line}`.trimStart());
  }

  private async judge(): Promise<void> {
    const { chosen: name } = this;
    const text = this.text.value;
    const mine = ++this.asked;
    const judged = await this.app.ask('derive', { name, text, level: levels[this.level] });
    if (mine !== this.asked) return; // more was typed meanwhile
    this.saved.keep(name, text, judged.solved);
    this.draw(judged);
    this.showChoice();
  }

  private draw({ lines, missing, solved }: Judged): void {
    this.lines.replaceChildren(
      ...lines.map(({ text, verdict, hint = '' }) => {
        const math = verdict === 'unread' ? h('code', {}, text) : mathOf(text);
        return h('li', { class: looks[verdict] }, math, h('div', {}, `${words[verdict]} ${hint}`.trim()));
      }),
    );
    const wrong = lines.some(({ verdict }) => verdict === 'wrong');
    this.more.disabled = !wrong || this.level === levels.length - 1;
    this.summary.className = `verdict ${solved ? 'ok' : ''}`;
    this.summary.textContent = solved
      ? 'Solved. Every gradient is proved equal to the derivative of the forward equations, modulo primes at random points.'
      : missing.length > 0
        ? `Still to find: ${missing.join(', ')}`
        : 'Not solved yet: see the lines that are marked.';
  }
}
