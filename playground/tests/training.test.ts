/** The Train tab in a real browser: runs, settings, and the same numbers as in Node. */
import { Session } from '../engine/session';
import { optimizerNames } from '../../bptt/train/updates';
import { kinds } from '../../cells/kinds';
import { fromLink, pageTaskNames } from '../engine/settings';
import { csvOf, download, inChromium, link, pause, quick, reaches, setting, show, step } from './visits';

inChromium('training', (open) => {
  test.each([
    ...kinds.names.map((cell) => `cell=${cell}&against=gru&${quick}`),
    ...pageTaskNames.map((task) => `task=${task}&seed=5&hidden=9`),
    'cell=lstm&layers=2&bidirectional=true&hidden=7&batch=3',
    'optimizer=adamw&window=5&spectralRadius=1.3&forgetBias=-1&clip=0.1&hidden=11',
  ])('%s: every number is the one that Node computes', async (settings) => {
    const page = await open(settings);
    await reaches(page, 12);
    await pause(page);
    const [, ...rows] = await csvOf(page);
    const session = new Session(fromLink(settings).settings);
    const count = Math.min(rows.length, 60);
    const expected = Array.from({ length: count }, () => {
      const points = session.step();
      return [points[0].step, ...points.flatMap(({ loss, norm }) => [loss, norm])].join();
    });
    expect(rows.slice(0, count)).toEqual(expected);
  });

  test('training begins by itself, and the loss falls', async () => {
    const page = await open(quick);
    await reaches(page, 150);
    await pause(page);
    const [head, ...rows] = await csvOf(page);
    expect(head).toBe('step,lstm loss,lstm gradient norm');
    const losses = rows.map((row) => Number(row.split(',')[1]));
    expect(losses[149]).toBeLessThan(0.9 * losses[0]);
  });

  test('play, pause, step, restart', async () => {
    const page = await open(quick);
    await reaches(page, 3);
    await pause(page);
    const at = await step(page);
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    await reaches(page, at + 1);
    expect(await step(page)).toBe(at + 1);
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, at + 3);
    await pause(page);
    const [, first] = await csvOf(page);
    await page.getByRole('button', { name: 'Restart' }).click();
    await page.waitForFunction(() => document.querySelector('.readout b')?.textContent === '0');
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, 2);
    await pause(page);
    expect((await csvOf(page))[1]).toBe(first);
  });

  test('a run that stands still is followed by one that does, until Play', async () => {
    const page = await open(quick);
    await reaches(page, 3);
    await pause(page);
    await page.getByLabel('Cell', { exact: true }).selectOption('gru');
    await page.getByText('gru writes').waitFor();
    await page.waitForTimeout(300);
    expect(await step(page)).toBe(0);
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByLabel('Cell', { exact: true }).selectOption('elman');
    await page.getByText('elman writes').waitFor();
    await reaches(page, 2);
  });

  test('who wants little motion presses Play first', async () => {
    const page = await open(quick, { reducedMotion: 'reduce' });
    await page.getByText('lstm writes').waitFor();
    await page.waitForTimeout(300);
    expect(await step(page)).toBe(0);
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, 2);
  });

  test('Back undoes a setting, and a text stays: at another task, and when the page is loaded anew', async () => {
    const page = await open(quick);
    await reaches(page, 1);
    const text = page.getByLabel('Text: paste your own');
    const long = 'what is repeated is remembered. '.repeat(200);
    await text.fill(long);
    await page.getByLabel('Seed').focus();
    await reaches(page, 1);
    await page.getByLabel('Task').selectOption('sine');
    await page.waitForFunction(() => location.hash.startsWith('#task=sine'));
    await page.getByLabel('Task').selectOption('text');
    expect(await text.inputValue()).toBe(long);
    await page.reload();
    await reaches(page, 1);
    expect(await text.inputValue()).toBe(long);
    await page.goBack();
    expect(await page.getByLabel('Task').inputValue()).toBe('sine');
    await page.goBack();
    expect(setting(page, 'hidden')).toBe('8');
    await page.goBack();
    expect(setting(page, 'hidden')).toBe('8');
    expect(await text.inputValue()).toMatch(/^the river/);
    await reaches(page, 2);
  });

  test('every setting begins a run of its own and is in the address', async () => {
    const page = await open(quick);
    const choose = async (label: string, value: string): Promise<void> => {
      await page.getByLabel(label, { exact: true }).selectOption(value);
    };
    const write = async (label: string, value: string): Promise<void> => {
      await page.getByLabel(label, { exact: true }).fill(value);
      await page.getByLabel(label, { exact: true }).press('Enter');
    };
    for (const cell of kinds.names.filter((name) => name !== 'lstm')) {
      await choose('Cell', cell);
      await expect(
        page.waitForFunction((name) => document.querySelector('.names')?.textContent?.includes(name), cell),
      ).resolves.toBeDefined();
      expect(setting(page, 'cell')).toBe(cell);
    }
    await choose('Compare with', 'elman');
    for (const name of optimizerNames().filter((name) => name !== 'adam')) {
      await choose('Optimizer', name);
      expect(setting(page, 'optimizer')).toBe(name);
    }
    const numbers = {
      'Hidden units': ['hidden', '12'],
      Layers: ['layers', '2'],
      'Learning rate': ['lr', '0.02'],
      'Clip at norm': ['clip', '0.5'],
      Batch: ['batch', '3'],
      Sequence: ['seq', '9'],
      'Gradient window': ['window', '4'],
      Seed: ['seed', '99'],
    };
    for (const [label, [name, value]] of Object.entries(numbers)) {
      await write(label, value);
      expect(setting(page, name)).toBe(value);
    }
    await page.getByLabel('Bidirectional').check();
    expect(setting(page, 'bidirectional')).toBe('true');
    await page.getByText('It is bidirectional', { exact: false }).first().waitFor();
    await page.getByLabel('Bidirectional').uncheck();
    await page
      .getByLabel('Text: paste your own')
      .fill('so much depends upon what is repeated, repeated, repeated. '.repeat(4));
    await page.getByLabel('Seed').focus();
    expect(setting(page, 'text')).toMatch(/^so much/);
    await reaches(page, 2);
    for (const task of pageTaskNames.filter((name) => name !== 'text')) {
      await choose('Task', task);
      expect(link(page)).toBe(`task=${task}`);
      await reaches(page, 1);
    }
  });

  test('what cannot be is said, and nothing is changed', async () => {
    const page = await open(`${quick}&cell=oracle`);
    await page.getByText('The link contains invalid values: cell: oracle').waitFor();
    await page.getByLabel('Hidden units').fill('-3');
    await page.getByLabel('Hidden units').press('Enter');
    await page.getByText('Hidden units must be a whole number in 4 … 256').waitFor();
    expect(setting(page, 'hidden')).toBe('8');
    await page.getByLabel('Text: paste your own').fill('short');
    await page.getByLabel('Seed').focus();
    await page.getByText('the text must hold at least 17 symbols', { exact: false }).waitFor();
  });

  test('settings that are refused leave no run to train on under their names', async () => {
    const page = await open('hidden=8');
    await reaches(page, 2);
    await page.getByLabel('Sequence').fill('100');
    await page.getByLabel('Sequence').press('Enter');
    const why = page.getByText('There is no run with these settings.', { exact: false });
    await why.filter({ hasText: 'the text must hold at least 1601 symbols' }).waitFor();
    await page.getByLabel('Cell', { exact: true }).selectOption('gru');
    await why.waitFor();
    for (const name of ['Play', 'Step'])
      expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
    expect(await page.locator('[role=tabpanel]:visible').count()).toBe(0);
    await page.getByLabel('Text: paste your own').fill('');
    await page.getByLabel('Sequence').fill('8');
    await page.getByLabel('Sequence').press('Enter');
    await why.filter({ hasText: 'text: it must hold some characters' }).waitFor();
    await page.getByLabel('Text: paste your own').fill('la la la '.repeat(40));
    await page.getByLabel('Seed').focus();
    await reaches(page, 2);
    expect(await why.count()).toBe(0);
    expect((await csvOf(page))[0]).toBe('step,gru loss,gru gradient norm');
  });

  test('what explodes is told, and another run begins all the same', async () => {
    const page = await open(`cell=elman&spectralRadius=3&clip=off&optimizer=sgd&lr=10&task=adding&seq=60`);
    const why = page.getByText(/Training has stopped\. elman, step \d+: .* must be finite/);
    await why.waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    expect((await csvOf(page)).join()).not.toMatch(/NaN|Infinity/);
    expect((await download(page, 'Save picture (SVG)')).toString()).not.toMatch(/NaN|Infinity/);
    await show(page, 'Gradient flow');
    const now = page.getByRole('row', { name: `now, step ${await step(page)}` });
    expect(await now.textContent()).toContain('not finite');
    await page.getByLabel('Clip at norm', { exact: true }).fill('1');
    await page.getByLabel('Clip at norm', { exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await reaches(page, 2);
    expect(await why.count()).toBe(0);
  });

  test('samples change with the temperature', async () => {
    const page = await open(quick);
    await reaches(page, 5);
    await pause(page);
    const sample = page.locator('.sample').first();
    const before = await sample.textContent();
    expect(before).toHaveLength(220);
    await page.getByLabel('Temperature').fill('0');
    await page.waitForFunction((text) => document.querySelector('.sample')?.textContent !== text, before);
  });
});
