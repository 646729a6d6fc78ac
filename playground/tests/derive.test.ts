/** The tab for derivations: immediate judgment of typed lines, hints, and stored progress. */
import { inChromium, link, quick, show } from './visits';

inChromium('deriving', (open) => {
  test('a backward pass is typed, corrected and solved, and stays solved', async () => {
    const page = await open(`${quick}&tab=derive.elman`, { reducedMotion: 'reduce' });
    const text = page.getByLabel('Backward pass, one gradient in each line');
    const lines = page.locator('.judged li');
    await page.getByText('Still to find: dx, dhPrev, dWx, dWh, db').waitFor();
    await text.focus();
    await page.keyboard.type('dh = dhOut\ndz = dh * (1 - h) * (1 + h)');
    await page.getByText('dh is not right.').waitFor();
    expect(await lines.nth(1).textContent()).toContain('right');
    expect(await page.locator('.judged math').count()).toBe(2);
    await page.getByRole('button', { name: 'Hint' }).click();
    await page.getByText('every path and every factor').waitFor();
    await page.getByRole('button', { name: 'Hint' }).click();
    await page.getByText('without the term dhNext').waitFor();
    await text.fill('dh = dhOut + dhNext\ndz = dh * (1 - h) * (1 + h)');
    await page.getByText('Still to find').waitFor();
    for (const line of ['dx = ', 'dhPrev = ', 'dWx += ', 'dWh += ', 'db += ']) {
      const left = page.getByText(`Still to find: ${line.split(' ')[0]}`);
      await left.waitFor();
      await page.getByRole('button', { name: 'Show a line' }).click();
    }
    await page.getByText('Solved. Every gradient is proved').waitFor();
    expect((await text.inputValue()).split('\n')).toHaveLength(7);
    await page.getByText('1 of 11 solved').waitFor();

    await page.reload();
    await page.getByText('Solved. Every gradient is proved').waitFor();
    await page.getByLabel('Exercise').selectOption('clip');
    await page.getByText('Still to find: dx, dhPrev, dW').waitFor();
    expect(link(page)).toContain('tab=derive.clip');
    const choice = page.getByLabel('Exercise');
    await choice.focus();
    await page.keyboard.press('ArrowDown');
    await page.getByText('The state is read twice').waitFor();
    expect(await choice.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await choice.locator('option:checked').textContent()).toBe('5. Elman ✓');
    await choice.selectOption('gate');
    await page.getByText('Still to find: dx, dhPrev, dW').waitFor();
    await page.getByRole('button', { name: 'dhOut' }).click();
    expect(await text.inputValue()).toBe('dhOut');
  });

  test('a link to an exercise that does not exist says so and opens the first one; too long a text is not judged', async () => {
    const page = await open(`${quick}&tab=derive.chess`);
    await page.getByText('There is no exercise chess').waitFor();
    const text = page.getByLabel('Backward pass, one gradient in each line');
    await text.fill('a = b '.repeat(1000));
    await page.getByText('This text has 6000 characters.').waitFor();
    await text.fill('');
    await page.getByText('A product gives its gradient to both of its factors').waitFor();
    await show(page, 'Train');
    expect(link(page)).not.toContain('tab=');
  });
});
