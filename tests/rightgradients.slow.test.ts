/** 10,000 right answers, of every cell, in every number format: the referee blames none of them. */
import { inForm, kinds } from '../cells/kinds';
import { Random } from '../core/random/random';
import { Case } from '../referee/diagnose';
import { randomQuestion, type QuestionPlan } from '../referee/cases';
import type { Precision } from '../referee/errorbound';
import { reordered, roundedEach, type Answers } from './reordered';
import type { Question } from '../index';

const DRAWS = 10_000;

/** Each number format, and how an honest program computes in it. */
const formats: [Precision, (question: Question) => Answers][] = [
  ['float64', (question) => reordered(question, 'float64')],
  ['float32', (question) => reordered(question, 'float32')],
  ['float16', (question) => roundedEach(question, 'float16')],
  ['bfloat16', (question) => roundedEach(question, 'bfloat16')],
];

/** Sizes, lengths and scales as the referee and its users choose them. */
function drawPlan(random: Random): QuestionPlan {
  const [T, B, D] = [1 + random.below(8), 1 + random.below(4), 1 + random.below(5)];
  const kinds = [undefined, 'output', 'final'] as const;
  const zeroAbove = kinds[Math.max(0, random.below(6) - 3)];
  return {
    ...{ T, B, D, H: 1 + random.below(7), scale: [0.1, 0.5, 0.5, 1, 3][random.below(5)] },
    ...(random.below(3) === 0 && { lengths: Array.from({ length: B }, () => 1 + random.below(T)) }),
    ...(random.below(4) === 0 && { zeroStates: true }),
    ...(zeroAbove && { zeroAbove }),
  };
}

const forms = kinds.all.flatMap((kind) =>
  Object.entries(kind.variants).map(([variant, form]) => ({ kind, variant, form })),
);
const each = Math.ceil(DRAWS / formats.length / forms.length);
let [draws, coarse] = [0, 0];

it.each(forms.map(({ kind, variant, form }, k) => [`${kind.name} ${variant}`, kind, form, k] as const))(
  '%s',
  (_name, kind, form, k) => {
    for (let draw = 0; draw < each; draw++) {
      const seed = k * each + draw;
      const drawn = drawPlan(new Random(seed));
      // a single gate value, normalized, is always 0, and is refused
      const plan = { ...drawn, H: Math.max(drawn.H, 'gateNorm' in form ? 2 : 1) };
      const question = randomQuestion(plan, (sizes) => inForm(kind, form, { ...sizes, output: 2 }), seed);
      const judge = new Case(question);
      for (const [precision, compute] of formats) {
        const { values, gradients } = compute(question);
        const found = [judge.judgeValues(values, precision), judge.judge(gradients, precision)];
        draws++;
        if (found.some(({ message }) => message.includes('too coarse'))) coarse++;
        const wrong = found.find(({ verdict }) => verdict !== 'right');
        if (wrong) throw new Error(`${precision}, seed ${seed}, ${JSON.stringify(plan)}: ${wrong.message}`);
      }
    }
  },
);

afterAll(() => {
  process.stdout.write(
    `right answers accepted: ${draws}; in ${coarse} of them some numbers are too coarse to judge\n`,
  );
  expect(draws).toBeGreaterThanOrEqual(DRAWS);
});
