/** Three ways to tell what happens: a progress bar on a terminal, plain lines in a pipe or file, JSON for machines. */
import { createColors } from 'picocolors';
import { Bar, barFits } from '../terminal/bar';
import { count, factsOf, lines, type Event, type Step, type Validation } from './events';
import { jsonLine, line } from '../terminal/output';

export interface Reporter {
  tell(event: Event): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Seconds between two step lines where there is no bar. */
const LINE_EVERY = 5;

/** The reporter that suits where standard output and standard error go. */
export function reporterFor(json: boolean): Reporter {
  if (json) return { tell: jsonLine, close: () => undefined };
  return barFits() ? new BarReporter() : new LineReporter();
}

class LineReporter implements Reporter {
  private next = 0;
  /** A step that has not been told: it is before anything else is, so that the last one always is. */
  private untold: Step | undefined;
  private validation: Validation | undefined;

  tell(event: Event): void {
    if (event.event === 'step' && event.seconds < this.next) {
      this.untold = event;
      return;
    }
    const first = event.event === 'step' ? undefined : this.untold;
    for (const told of [first, event]) {
      if (told?.event === 'step') this.next = told.seconds + LINE_EVERY;
      if (told) for (const text of lines(told, this.validation)) line(text);
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
  private readonly bar = new Bar();
  private validation: Validation | undefined;

  tell(event: Event): void {
    if (event.event === 'step') {
      this.bar.show(event.done, [...factsOf(event, this.validation), `step ${count(event.step)}`]);
      return;
    }
    if (event.event === 'validation') this.validation = event;
    // the bar goes while something is printed, and is drawn again below it at the next step
    this.close();
    for (const text of lines(event)) line(text, (shown) => this.paint(event, shown));
  }

  close(): void {
    this.bar.clear();
  }

  private paint(event: Event, text: string): string {
    const { dim, cyan, red, green, yellow } = this.colors;
    if (event.event === 'sample') return text.startsWith('  ') ? cyan(text) : dim(text);
    if (event.event === 'validation' || event.event === 'saved') return dim(text);
    if (event.event === 'gradcheck')
      return { right: green, wrong: red, undecided: yellow }[event.verdict](text);
    return text;
  }
}
