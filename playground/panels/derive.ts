/** Derive: the learner types a backward pass line by line, and each line is judged. */
import type { JudgedDerivation, JudgedLine, Exercise } from '../engine/derive';
import { mathOf } from '../equations/line';
import type { App, Panel } from '../ui/app';
import { completeNames, putName } from '../ui/complete';
import { h, selectElement } from '../ui/dom';
import { ExerciseProgress } from '../ui/progress';
import { listed, nameOf, say, translated } from '../languages/say';

/** Milliseconds without a key before the lines are judged. */
const PAUSE = 350;
/** Maximum number of characters that are judged; the longest derivation has some hundred. */
const LONGEST = 4000;
const levels = ['quantity', 'kind', 'correction'] as const;

const words = (verdict: JudgedLine['verdict']): string => {
  if (verdict === 'right' || verdict === 'unused') return say(`derive.${verdict}`);
  return verdict === 'partial' ? '…' : '✗';
};
const looks: Readonly<Record<JudgedLine['verdict'], string>> = {
  ...{ right: 'ok', wrong: 'bad', unread: 'bad', partial: 'muted', unused: 'muted' },
};

/** A line as it was typed, with a caret below the place of its error. */
const unreadLine = (text: string, column?: number): HTMLElement =>
  h('pre', {}, column === undefined ? text : `${text}\n${' '.repeat(column - 1)}^`);

export class DerivePanel implements Panel {
  readonly name = 'derive';
  readonly title = say('tab.derive');
  readonly standalone = true;
  readonly root: HTMLElement;
  private readonly saved = new ExerciseProgress();
  private exercises: Exercise[] = [];
  private chosen = '';
  /** The names that are given or wanted. */
  private known: string[] = [];
  private level = 0;
  private asked = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private readonly field = selectElement(say('derive.exercise'), [], '', (name) => {
    this.chosen = name;
    this.open();
    this.app.moved();
  });
  private readonly count = h('span', { class: 'muted' });
  private readonly about = h('p', {});
  private readonly given = h('ol', { class: 'equations', tabindex: 0 });
  private readonly names = h('p', { class: 'row words', role: 'group', 'aria-label': say('derive.names') });
  private readonly text = h('textarea', {
    ...{ rows: 12, spellcheck: false, autocomplete: 'off', autocapitalize: 'off' },
    ...{ 'aria-label': say('derive.text'), class: 'mono' },
    placeholder: 'dh = …',
    disabled: true, // until the exercise is there: it may have a text from an earlier visit
    oninput: () => this.typed(),
  });
  private readonly lines = h('ol', { class: 'equations judged', tabindex: 0 });
  private readonly summary = h('p', { class: 'verdict', 'aria-live': 'polite' });
  private readonly more = h(
    'button',
    { type: 'button', onclick: () => void this.hint() },
    say('derive.hint'),
  );

  constructor(private readonly app: App) {
    const next = h('button', { type: 'button', onclick: () => void this.showLine() }, say('derive.line'));
    const clear = h('button', { type: 'button', onclick: () => this.write('') }, say('derive.clear'));
    completeNames(
      this.text,
      () => [
        ...new Set([
          ...this.known,
          ...(this.text.value.match(/^\s*[A-Za-z]\w*(?=\s*\+?=)/gm) ?? []).map((name) => name.trim()),
        ]),
      ],
      () => this.typed(),
    );
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
          h('h2', {}, say('derive.given')),
          this.given,
          h('h2', {}, say('derive.yours')),
          h('p', { class: 'small muted' }, say('derive.notation')),
          this.names,
          this.text,
          h('div', { class: 'row' }, this.more, next, clear),
        ),
        h('section', { class: 'card' }, h('h2', {}, say('derive.each')), this.summary, this.lines),
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
    if (this.chosen !== '' && this.chosen !== name)
      this.app.notice(say('derive.none', { name: this.chosen }));
    this.chosen = name;
    this.showChoice();
    this.about.textContent = say('derive.find', {
      about: nameOf('subject', name, about),
      wanted: wanted.join(', '),
      given: listed(given),
    });
    this.given.replaceChildren(...forward.split('\n').map((line) => h('li', {}, mathOf(line))));
    this.known = [...new Set([...given, ...(forward.match(/\b[A-Za-z]\w*(?![\w(])/g) ?? []), ...wanted])];
    this.names.replaceChildren(
      ...[...this.known, '@', '.T', 'sum('].map((word) =>
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
      option.textContent = `${k + 1}. ${nameOf('exercise', name, title)}${this.saved.isSolved(name) ? ' ✓' : ''}`;
    });
    this.field.input.value = this.chosen;
    this.count.textContent = say('derive.count', { solved: solved.length, all: this.exercises.length });
  }

  private insert(word: string): void {
    const { text } = this;
    putName(text, word);
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
    if (text.length > LONGEST) return this.refuse(text.length);
    const judged = await this.app.ask('derive', { name, text, level: levels[this.level] });
    if (mine !== this.asked) return; // more was typed meanwhile
    this.saved.keep(name, text, judged.solved);
    this.draw(judged);
    this.showChoice();
  }

  private refuse(count: number): void {
    this.lines.replaceChildren();
    this.more.disabled = true;
    this.summary.className = 'verdict bad';
    this.summary.textContent = say('derive.long', { count, most: LONGEST });
  }

  private draw({ lines, missing, solved }: JudgedDerivation): void {
    this.lines.replaceChildren(
      ...lines.map(({ text, verdict, hint = '', column }) => {
        const math = verdict === 'unread' ? unreadLine(text, column) : mathOf(text);
        return h(
          'li',
          { class: looks[verdict] },
          math,
          h('div', {}, `${words(verdict)} ${translated(hint)}`.trim()),
        );
      }),
    );
    const wrong = lines.some(({ verdict }) => verdict === 'wrong');
    this.more.disabled = !wrong || this.level === levels.length - 1;
    this.summary.className = `verdict ${solved ? 'ok' : ''}`;
    this.summary.textContent = solved
      ? say('derive.solved')
      : missing.length > 0
        ? say('derive.missing', { names: missing.join(', ') })
        : say('derive.marked');
  }
}
