/** The tab for a cell of one's own: editing with immediate checks, training beside another cell, files and links. */
import { download, inChromium, link, quick, reaches, setting, show } from './visits';

inChromium('a cell of one’s own', (open) => {
  test('is edited, corrected, trained beside another cell, and found again in the link', async () => {
    const page = await open(`${quick}&tab=cell`, { reducedMotion: 'reduce' });
    const text = page.getByLabel('Equations of your cell');
    const proved = page.getByText('Every gradient is proved');
    await proved.waitFor();
    await page.getByRole('img', { name: 'Data flow of the cell leaky' }).waitFor();
    const right = await text.inputValue();
    await text.fill(right.replace('dhOut', 'dhOot'));
    await page.getByText('unknown name "dhOot" (did you mean dhOut?)').waitFor();
    expect(await page.getByRole('button', { name: 'Train it' }).isDisabled()).toBe(true);
    await text.fill(right.replace(' + dz @ Wh.T', ''));
    await page.getByText('Not right: dWx, dWh, db, dx, dh0', { exact: true }).waitFor();
    expect(await page.getByRole('row', { name: 'dWx' }).textContent()).toBe('dWxrightwrong');
    expect(await page.getByRole('row', { name: 'dh0' }).textContent()).toBe('dh0wrongwrong');
    await page.getByRole('button', { name: 'Find the mistake' }).click();
    await page.getByText('would be right with `+ dz @ Wh.T`').waitFor();

    // what was typed stays when another setting starts a new run
    await page.getByLabel('Seed').fill('3');
    await page.getByLabel('Seed').press('Enter');
    await page.waitForFunction(() => location.hash.includes('seed=3'));
    expect(await text.inputValue()).not.toContain('dz @ Wh.T');
    await page.getByLabel('Start from').selectOption('gru');
    await proved.waitFor();
    expect((await download(page, 'Save file')).toString()).toBe(await text.inputValue());
    await text.fill((await text.inputValue()).replace('cell gru', 'cell mine'));
    await page.getByRole('button', { name: 'Train it' }).click();
    await page.getByText('Training mine').waitFor();
    expect([setting(page, 'cell'), setting(page, 'against')]).toEqual(['own', 'lstm']);
    await show(page, 'Train');
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, 5);
    await page.getByText('mine writes').waitFor();

    const copy = await open(link(page));
    await copy.getByText('mine writes').waitFor();
    await show(copy, 'Your cell');
    await copy.getByText('Every gradient is proved').waitFor();
    expect(await copy.getByLabel('Equations of your cell').inputValue()).toContain('cell mine');
  });

  test('a link with equations that are wrong opens the editor at the error', async () => {
    const page = await open(`${quick}&cell=own&equations=cell+broken`);
    await page.getByText('There is no run with these settings').waitFor();
    await page.getByText('there is no section shapes').first().waitFor();
    expect(await page.getByRole('tab', { name: 'Your cell' }).getAttribute('aria-selected')).toBe('true');
    await page.getByLabel('Start from').selectOption('leaky');
    await page.getByText('Every gradient is proved').waitFor();
    await page.getByRole('button', { name: 'Train it' }).click();
    await reaches(page, 3);
  });
});
