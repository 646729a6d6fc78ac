/** Reports events in three ways: a progress bar on a terminal, plain lines in a pipe or file, JSON for machines. */
import { createColors } from 'picocolors';
import { ProgressBar, barFits } from '../terminal/bar';
import { count } from '../core/format';
import type { Gradcheck } from './events';
import type { ProgressEvent, StepEvent, Words } from './trainee';
import { jsonLine, line } from '../terminal/output';

export interface Reporter {
  tell(event: ProgressEvent): void;
  /** Restores the terminal. */
  close(): void;
}

const isStep = (event: ProgressEvent): event is StepEvent => event.event === 'step';

/** Seconds between two step lines when there is no bar. */
const LINE_EVERY = 5;

/** The reporter that suits standard output and standard error: terminal, pipe or file. */
export function reporterFor(json: boolean, words: Words): Reporter {
  if (json) return { tell: jsonLine, close: () => undefined };
  return barFits() ? new BarReporter(words) : new LineReporter(words);
}

class LineReporter implements Reporter {
  private next = 0;
  /** The last step that was not printed; printed before any other event, so that the final step always appears. */
  private untold: StepEvent | undefined;
  private validation: ProgressEvent | undefined;

  constructor(private readonly words: Words) {}

  tell(event: ProgressEvent): void {
    if (isStep(event) && event.seconds < this.next) {
      this.untold = event;
      return;
    }
    const first = isStep(event) ? undefined : this.untold;
    for (const each of [first, event]) {
      if (each && isStep(each)) this.next = each.seconds + LINE_EVERY;
      if (each) for (const text of this.words.lines(each, this.validation)) line(text);
    }
    this.untold = undefined;
    if (event.event === 'validation') this.validation = event;
  }

  close(): void {
    /* nothing to put back */
  }
}

class BarReporter implements Reporter {
  private readonly colors = createColors(!process.env.NO_COLOR);
  private readonly bar = new ProgressBar();
  private validation: ProgressEvent | undefined;

  constructor(private readonly words: Words) {}

  tell(event: ProgressEvent): void {
    if (isStep(event)) {
      this.bar.show(event.done, [...this.words.factsOf(event, this.validation), `step ${count(event.step)}`]);
      return;
    }
    if (event.event === 'validation') this.validation = event;
    // clears the bar before printing; the next step draws it again below
    this.close();
    for (const text of this.words.lines(event)) line(text, (shown) => this.paint(event, shown));
  }

  close(): void {
    this.bar.clear();
  }

  private paint(event: ProgressEvent, text: string): string {
    const { dim, cyan, red, green, yellow } = this.colors;
    if (event.event === 'sample') return text.startsWith('  ') ? cyan(text) : dim(text);
    if (event.event === 'validation' || event.event === 'saved') return dim(text);
    if (event.event === 'gradcheck')
      return { right: green, wrong: red, undecided: yellow }[(event as Gradcheck).verdict](text);
    return text;
  }
}
