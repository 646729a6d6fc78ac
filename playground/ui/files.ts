/** Saves curves as CSV, drawings as SVG and runs as checkpoints; loads a checkpoint, also one dropped on the page. */
import type { App } from './app';
import { h } from './dom';
import { csvOf } from './history';
import { say } from '../languages/say';

/** Offers a file as a download. */
export function save(name: string, contents: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([contents], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Asks for a file; undefined if none is chosen. */
export function openFile(accept: string, label: string): Promise<File | undefined> {
  const input = h('input', { type: 'file', accept, 'aria-label': label });
  return new Promise((chosen) => {
    input.addEventListener('change', () => chosen(input.files?.[0]));
    input.addEventListener('cancel', () => chosen(undefined));
    input.click();
  });
}

/** The buttons that save, and the one that loads. */
export class FileButtons {
  readonly root = h('div', { class: 'row' });
  private readonly file = h('input', {
    type: 'file',
    accept: '.safetensors',
    hidden: true,
    'aria-label': say('load.file'),
  });

  constructor(
    private readonly app: App,
    private readonly picture: () => string,
    onload: (bytes: Uint8Array) => void,
  ) {
    const take = async (chosen: File | undefined): Promise<void> => {
      if (chosen) onload(new Uint8Array(await chosen.arrayBuffer()));
    };
    this.file.addEventListener('change', () => {
      void take(this.file.files?.[0]);
      this.file.value = '';
    });
    addEventListener('dragover', (event) => {
      event.preventDefault();
      document.body.classList.add('dropping');
    });
    addEventListener('dragleave', () => document.body.classList.remove('dropping'));
    addEventListener('drop', (event) => {
      event.preventDefault();
      document.body.classList.remove('dropping');
      void take(event.dataTransfer?.files[0]);
    });
  }

  /** A new run has begun: each of its networks has a checkpoint of its own. */
  begin(): void {
    const { runs } = this.app.started;
    const cells = runs.map(({ cell }) => cell);
    const button = (label: string, onclick: () => unknown): HTMLElement =>
      h('button', { type: 'button', onclick: () => void onclick() }, label);
    const nameOf = (...of: string[]): string => `backstep-${this.app.settings.task}-${of.join('-')}`;
    this.root.replaceChildren(
      button(say('save.curve'), () =>
        save(`${nameOf(...cells)}.csv`, csvOf(cells, this.app.histories), 'text/csv'),
      ),
      button(say('save.picture'), () => save(`${nameOf(...cells)}.svg`, this.picture(), 'image/svg+xml')),
      ...cells.map((cell, run) =>
        button(cells.length > 1 ? say('save.checkpointOf', { cell }) : say('save.checkpoint'), async () => {
          const { steps, losses } = this.app.histories[run];
          const points = Float64Array.from(steps.flatMap((step, k) => [step, losses[k]]));
          const bytes = await this.app.ask('save', { run, losses: points });
          save(`${nameOf(cell)}.safetensors`, bytes, 'application/octet-stream');
        }),
      ),
      button(say('load.checkpoint'), () => this.file.click()),
      this.file,
      h('span', { class: 'muted small' }, say('load.drop')),
    );
  }
}
