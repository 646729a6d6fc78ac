/** The other tabs: time, gradient flow, check, memory. */
import { inChromium, link, pause, quick, reaches, setting, show, step } from './visits';

inChromium('the tabs', (open) => {
  test('steps through time: forward, backward, the numbers of a unit', async () => {
    const page = await open(`cell=lstm&${quick}&seq=16`);
    await reaches(page, 3);
    await pause(page);
    await show(page, 'Step through time');
    const lines = page.locator('.equations code');
    await page.getByText('dh = dhOut + dhNext').waitFor();
    const scrub = page.getByLabel('Pass', { exact: true });
    await scrub.fill('0');
    await page.getByText('c = f * cPrev + i * g').waitFor();
    expect(await lines.allTextContents()).toEqual([
      'a = x @ Wx + b',
      'a += hPrev @ Wh',
      'i = sigmoid(ai)',
      'f = sigmoid(af)',
      'g = tanh(ag)',
      'c = f * cPrev + i * g',
      'o = sigmoid(ao)',
      'tc = tanh(c)',
      'h = o * tc',
    ]);
    expect(await page.locator('.equations math').count()).toBe(9);
    await page.getByRole('button', { name: 'one step on' }).click();
    await page.getByText('on the way forward, t = 1').waitFor();
    await page.getByRole('application').first().press('ArrowDown');
    await page.getByText('Unit 1 of l0 on the way forward, t = 1').waitFor();
    await page.getByRole('application').first().press('ArrowRight');
    await page.getByText('t = 2').first().waitFor();
    // the forget gate of unit 1 equals the value in its line
    const forget = await page.locator('.equations li').nth(3).locator('.numbers').textContent();
    const [, inside, value] = /sigmoid\((.*)\) = (.*)/.exec((forget ?? '').replaceAll('−', '-')) ?? [];
    expect(Math.abs(1 / (1 + Math.exp(-Number(inside))) - Number(value))).toBeLessThan(0.002);
    await page.getByLabel('Shown').selectOption('f');
    await page.getByRole('button', { name: 'Walk' }).click();
    await page.getByText('on the way back').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.locator('.network g').first().click();
    await page.getByText('on the way back, t = 0').waitFor();
  });

  test('the gradient vanishes and explodes', async () => {
    const page = await open(`cell=elman&${quick}&seq=40&window=40&clip=0.5`, { reducedMotion: 'reduce' });
    await page.getByText('elman writes').waitFor();
    await show(page, 'Gradient flow');
    const before = page.getByRole('row', { name: 'Before training' });
    const radius = page.getByLabel('Spectral radius of Wh at the start');
    await radius.fill('0.3');
    await radius.dispatchEvent('change');
    await before.getByText('it vanishes').waitFor();
    expect(setting(page, 'spectralRadius')).toBe('0.3');
    // the description of the initial network stays, however long it trains
    const said = await before.textContent();
    await page.getByRole('button', { name: 'Play' }).click();
    await reaches(page, 5);
    await page.getByRole('row', { name: /Now, step [1-9]/ }).waitFor();
    expect(await before.textContent()).toBe(said);
    await pause(page);
    await page.getByRole('button', { name: 'Measure now' }).click();
    await page.waitForFunction(() => /d 40/.test(document.body.textContent ?? ''));
    await page.getByLabel('clip at norm 0.5').uncheck();
    expect(setting(page, 'clip')).toBe('off');
    await page.getByLabel('clip at norm 0.5').check();
    expect(setting(page, 'clip')).toBe('0.5');
    await page.getByLabel('Loss', { exact: true }).selectOption('training');
    await page.getByText('Each step has an error of its own').waitFor();
    await page.getByLabel('Loss', { exact: true }).selectOption('lastStep');
    await page.getByLabel('Cell', { exact: true }).selectOption('lstm');
    const forget = page.getByLabel('Forget bias at the start (LSTM)');
    const cell = before.filter({ hasText: '‖∂L/∂c‖' });
    for (const [value, verdict] of [
      ['-4', 'it vanishes'],
      ['4', 'it holds'],
    ]) {
      await forget.fill(value);
      await forget.dispatchEvent('change');
      await cell.getByText(verdict).waitFor();
      expect(setting(page, 'forgetBias')).toBe(value);
    }
    await page.getByLabel('State', { exact: true }).selectOption('l0 c');
  });

  test('the Jacobians of any layer', async () => {
    const page = await open(`cell=gru&layers=2&bidirectional=true&${quick}`);
    await reaches(page, 2);
    await pause(page);
    await show(page, 'Gradient flow');
    await page.getByRole('button', { name: 'Measure now' }).click();
    await page.waitForFunction(() => /d 8/.test(document.body.textContent ?? ''));
    const shown = page.locator('.names', { hasText: 'bound' });
    const layer = page.getByLabel('Layer of the Jacobians', { exact: true });
    const said = new Set<string | null>();
    for (const name of ['l0', 'l0r', 'l1', 'l1r']) {
      await layer.selectOption(name);
      said.add(await shown.textContent());
    }
    expect(said.size).toBe(4);
  });

  test('check: gradients agree, a planted mistake is caught, a repaired one agrees', async () => {
    const page = await open(quick);
    await show(page, 'Check');
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
    await page.getByLabel('Plant a mistake').selectOption({ index: 3 });
    await page.getByText(/^Caught: \d+ of \d+/).waitFor();
    await page.getByRole('application').first().press('ArrowRight');
    await page.getByRole('button', { name: 'Repair' }).click();
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
    await page.getByLabel('Weights', { exact: true }).selectOption({ index: 0 });
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
    await page.getByRole('button', { name: 'Plant one at random' }).click();
    await page.getByText(/^Caught: /).waitFor();
  });

  test('check: a mistake that changes no gradient is said to have no effect, and why', async () => {
    const page = await open(`cell=dense&${quick}`);
    await show(page, 'Check');
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
    const planted = page.getByLabel('Plant a mistake');
    const option = planted.locator('option', { hasText: 'right of add (dhOut + dhNext): drop' });
    await planted.selectOption(await option.getAttribute('value'));
    const verdict = page.getByText(/^No effect: all \d+ gradients are the same/);
    await verdict.waitFor();
    expect(await verdict.textContent()).toMatch(
      /only where dhNext is not 0.*no step of this cell reads this state/,
    );
    await page.getByRole('button', { name: 'Repair' }).click();
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
  });

  test('check: the exact oracle proves, and a real mistake is loaded, seen by all and diagnosed', async () => {
    const page = await open(`cell=elman&${quick}`);
    await show(page, 'Check');
    await page
      .getByText(/^Over a prime field, .* proved for l0\.Wx.* probability of \de−\d+ at most\.$/)
      .waitFor();
    const real = page.getByLabel('Load a real mistake');
    await real.selectOption(
      await real.locator('option', { hasText: 'mxnet-bias-zero' }).getAttribute('value'),
    );
    await page.getByText(/^Over a prime field, .* wrong for /).waitFor();
    await page.getByText(/^Caught: \d+ of \d+ gradients are wrong/).waitFor();
    await page.getByText('your db is 0 everywhere').waitFor();
    expect(await page.getByRole('row', { name: 'residues modulo a prime' }).textContent()).toMatch(
      /disagrees at \[/,
    );
    await page.getByRole('link', { name: /^https:\/\/github\.com\/apache/ }).waitFor();
    await real.selectOption('-1');
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
  });

  test('check: a mistake in one matrix is told wherever one looks, and the weights one chooses stay chosen', async () => {
    const page = await open(`cell=elman&${quick}`);
    await show(page, 'Check');
    await page.getByText(/^All \d+ gradients agree\./).waitFor();
    const weights = page.getByLabel('Weights', { exact: true });
    await weights.selectOption('0');
    // dWh alone too large by a thousandth
    const mistake = await page
      .getByLabel('Plant a mistake')
      .locator('option', { hasText: 'scale by 1.001 dl0.Wh' })
      .first()
      .getAttribute('value');
    await page.getByLabel('Plant a mistake').selectOption(mistake);
    await page.getByText('Caught: 16 of 104 gradients are wrong. Of l0.Wh: 16 of 16.').waitFor();
    expect(await weights.locator('option:checked').textContent()).toBe('l0.Wh [4, 4]: 16 wrong');
    // the map shows it: no field has the background color
    const colors = await page
      .getByLabel('Which gradients are wrong')
      .locator('canvas')
      .evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const { width, height } = canvas;
        const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
          0,
          0,
          width,
          height,
        );
        const at = (row: number, column: number): string => {
          const k = Math.floor(((row + 0.5) / 4) * height) * width + Math.floor(((column + 0.5) / 4) * width);
          return data.slice(4 * k, 4 * k + 3).join();
        };
        const ground = getComputedStyle(document.documentElement).getPropertyValue('--ground');
        return { fields: Array.from({ length: 16 }, (_, k) => at(Math.floor(k / 4), k % 4)), ground };
      });
    const ground = [1, 3, 5].map((k) => parseInt(colors.ground.trim().slice(k, k + 2), 16)).join();
    expect(colors.fields.filter((color) => color === ground)).toEqual([]);
    await weights.selectOption('0');
    await page.getByText('Caught: 16 of 104 gradients are wrong. Those of l0.Wx are right.').waitFor();
    await page.waitForTimeout(300);
    expect(await weights.inputValue()).toBe('0');
  });

  test('memory: a stroke draws wherever it starts, and however fast it goes', async () => {
    const page = await open(quick, { reducedMotion: 'reduce' });
    await show(page, 'Memory');
    await page.getByRole('button', { name: 'Clear' }).click();
    const on = page.locator('.pixels [aria-pressed=true]');
    const boxOf = async (name: string): Promise<{ x: number; y: number; width: number }> => {
      const box = await page.getByRole('button', { name, exact: true }).boundingBox();
      return box ?? { x: NaN, y: NaN, width: NaN };
    };
    const [first, second, last] = [
      await boxOf('row 3, column 1'),
      await boxOf('row 3, column 2'),
      await boxOf('row 3, column 12'),
    ];
    expect(second.x - (first.x + first.width)).toBeGreaterThan(1);
    // from the line between the first two columns, directly to the last one
    await page.mouse.move((first.x + first.width + second.x) / 2, first.y + 5);
    await page.mouse.down();
    await page.mouse.move(last.x + 5, last.y + 5);
    await page.mouse.up();
    const drawn = await on.evaluateAll((fields) => fields.map((field) => field.getAttribute('aria-label')));
    const from = Number(/\d+$/.exec(drawn[0] ?? '')?.[0]);
    expect([1, 2]).toContain(from);
    expect(drawn).toEqual(Array.from({ length: 13 - from }, (_, k) => `row 3, column ${from + k}`));
    // other mouse buttons draw nothing
    await page.mouse.click(first.x + 5, first.y - 20, { button: 'right' });
    expect(await on.count()).toBe(drawn.length);
  });

  test('memory: who wants little motion sees none before Recall, and then its end', async () => {
    const page = await open(quick, { reducedMotion: 'reduce' });
    const picture = async (): Promise<(string | null)[]> =>
      page
        .locator('.pixels button')
        .evaluateAll((fields) => fields.map((field) => field.getAttribute('aria-pressed')));
    await show(page, 'Memory');
    const before = await picture();
    await page.waitForTimeout(500);
    expect(await picture()).toEqual(before);
    expect(await page.getByText(/It recalls/).count()).toBe(0);
    await page.getByRole('button', { name: 'Spoil' }).click();
    await page.waitForFunction(
      (was) =>
        [...document.querySelectorAll('.pixels button')].some((field, k) => field.ariaPressed !== was[k]),
      before,
    );
    const changes = await page.evaluateHandle(() => {
      const seen = { count: 0 };
      new MutationObserver(() => seen.count++).observe(
        document.querySelector('.pixels:has(button)') as Node,
        {
          attributes: true,
          attributeFilter: ['class'],
          subtree: true,
        },
      );
      return seen;
    });
    await page.getByRole('button', { name: 'Recall' }).click();
    await page.getByText(/It recalls/).waitFor();
    expect(await changes.evaluate(({ count }) => count)).toBe(1);
  });

  test('memory: draw, remember, spoil, recall, forget', async () => {
    const page = await open(quick);
    await show(page, 'Memory');
    await page.getByText(/It recalls/).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    const field = page.getByRole('button', { name: 'row 1, column 1', exact: true });
    await field.click();
    expect(await field.getAttribute('aria-pressed')).toBe('true');
    await field.press('ArrowRight');
    await page.keyboard.press('Enter');
    const next = page.getByRole('button', { name: 'row 1, column 2', exact: true });
    expect(await next.getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('button', { name: 'Invert' }).click();
    expect(await next.getAttribute('aria-pressed')).toBe('false');
    const memories = page.getByRole('button', { name: /take picture/ });
    const count = await memories.count();
    await page.getByRole('button', { name: 'Remember' }).click();
    expect(await memories.count()).toBe(count + 1);
    await page.getByRole('button', { name: `forget picture ${count + 1}` }).click();
    expect(await memories.count()).toBe(count);
    await page.getByLabel('Storage').selectOption('pseudo-inverse');
    await memories.nth(2).click();
    await page.getByLabel('Spoil', { exact: true }).fill('0.1');
    await page.getByRole('button', { name: 'Spoil' }).click();
    await page.getByRole('button', { name: 'Recall' }).click();
    await page.getByText(/It recalls picture 3: fixed point/).waitFor();
    await page.getByLabel('Updates', { exact: true }).selectOption('synchronous');
    await page.getByRole('button', { name: 'Recall' }).click();
    await page.getByText(/after 1 sweep/).waitFor();
  });

  test('embedded: a tab alone, which a link opens in the whole page', async () => {
    const page = await open(`embed&tab=time&cell=gru&${quick}`);
    await page.locator('.equations li').first().waitFor();
    const visible = (selector: string): Promise<number> => page.locator(`${selector}:visible`).count();
    expect([
      await visible('#settings'),
      await visible('[role=tab]'),
      await visible('[role=tabpanel]'),
    ]).toEqual([0, 0, 1]);
    // it does not train by itself, and stays embedded when it does
    expect(await step(page)).toBe(0);
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    await reaches(page, 1);
    expect(link(page)).toMatch(/^embed&/);
    const whole = await page.getByRole('link', { name: 'Open in the playground' }).getAttribute('href');
    expect(whole).toBe(`#${link(page).replace('embed&', '')}`);
    expect(whole).toContain('cell=gru');
  });

  test('an embedded exercise has no buttons of training', async () => {
    const page = await open('embed&tab=derive.lstm');
    await page.getByLabel('Exercise').waitFor();
    expect(await page.locator('#bar button:visible').count()).toBe(0);
  });
});
